"""Make the weights that ship with the package again: python scripts/make_seeing.py

Trains the recipe `seeing` (4,000 steps, under an hour on two busy cores; resumes) and stores the
weights in `vlrl/models/`.
"""

import logging

from vlrl import config
from vlrl.models import tiny
from vlrl.training import sft

logging.basicConfig(format="%(message)s", level=logging.INFO)
print(tiny.store_seeing(sft.run(config.load("seeing"))))
