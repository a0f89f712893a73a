"""`vlrl train RECIPE [KEY=VALUE ...]`: `accelerate launch scripts/train.py r1v_counting`."""

import sys

from vlrl.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
