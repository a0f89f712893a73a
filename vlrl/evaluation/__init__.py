"""How good is a model?

The same prompts, reader and scores as training, with intervals and failure rates beside them.
"""
