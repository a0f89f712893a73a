"""`vlrl eval MODEL --benchmarks NAME ...`: `python scripts/evaluate.py tiny --benchmarks NAME`."""

import sys

from vlrl.cli import main

if __name__ == "__main__":
    sys.exit(main(["eval", *sys.argv[1:]]))
