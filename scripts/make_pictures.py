"""Make the README's pictures from a finished quickstart: python scripts/make_pictures.py [RUN]"""

import sys
from pathlib import Path

from vlrl.report.curves import answers_png, learning_curve_png

run = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/quickstart")
docs = Path(__file__).parent.parent / "docs"
docs.mkdir(exist_ok=True)
print(learning_curve_png(run, docs / "curve.png"))
predictions = run / "eval" / "counting_world-think-{}.jsonl"
after, before = (Path(str(predictions).format(label)) for label in ("after", "before"))
print(answers_png(after, docs / "answers.png", before=before))
