"""`vlrl speed`: our trainer and plain TRL's on the same work, in one run, phase by phase.

`settings` and `work` state the work, `shapes` the models, `sides` builds the two trainers,
`measure` watches one of them, `compare` runs them in turn, `surface` does so over many sizes,
`show` prints and draws, `command` is what the command line calls.
"""
