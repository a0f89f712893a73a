"""`python -m vlrl`, and for many processes `accelerate launch -m vlrl train RECIPE`."""

import sys

from vlrl.cli import main

if __name__ == "__main__":
    sys.exit(main())
