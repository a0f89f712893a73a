"""`vlrl sft RECIPE [KEY=VALUE ...]`: `accelerate launch scripts/sft.py r1v_counting`."""

import sys

from vlrl.cli import main

if __name__ == "__main__":
    sys.exit(main(["sft", *sys.argv[1:]]))
