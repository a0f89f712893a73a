"""What is a good answer? The reader of completions, answer grammars and reward functions."""

if __name__ != "vlrl.rewards":
    raise ImportError(f"import this package as 'vlrl.rewards', not as {__name__!r}")
