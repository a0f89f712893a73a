"""Fine-tune vision-language models with reinforcement learning on verifiable rewards.

In a checkout `rewards/`, `data/` and `configs/` lie beside this folder, in a wheel inside it.
Code always says `vlrl.rewards`, `vlrl.data`, `vlrl.configs`.
"""

from pathlib import Path

if __name__ != "vlrl":
    raise ImportError(f"import this package as 'vlrl', not as {__name__!r}")

__version__ = "0.1.0"

_here = Path(__file__).resolve().parent
if not (_here / "rewards").exists() and (_here.parent / "rewards" / "__init__.py").exists():
    __path__.append(str(_here.parent))
