r"""R1-Omni's rows of DFEW and MAFW: a JSON list of conversations about videos.

    {"video": "DFEW/videos/1.mp4", "conversations": [
        {"from": "human", "value": "<video>\n<audio>\n..."}, {"from": "gpt", "value": "sad"}]}

A folder of the path names the data set, and with it the classes.  Rows of other data sets,
such as those for the cold start, name emotions freely, behind `<think>` and in `<answer>`: their
thinking is the worked solution.  Like R1-Omni's loader this one asks the same in every row and does
not read the question.  The 15,306 rows for training were not published, the README shows two.

Read in R1-Omni (github.com/HumanMLLM/R1-Omni, commit 17cafca): README.md,
src/r1-v/src/open_r1/grpo.py, whose loader reads our samples, humanomni/eval/eval_mafw_dfew.py.
"""

from __future__ import annotations

from vlrl.data.formats.emotions import DFEW, MAFW, RAVDESS, fields
from vlrl.data.formats.rows import Fields, Format, Row
from vlrl.rewards import reader

CLASSES = {"DFEW": DFEW, "MAFW": MAFW, "RAVDESS": RAVDESS}  # by a folder of the path


def _read(row: Row) -> Fields:
    replies = [turn["value"] for turn in row["conversations"] if turn["from"] == "gpt"]
    if len(replies) != 1:
        raise ValueError(f"one reply names the emotion; there are {len(replies)}")
    reply = reader.read(replies[0], shape=((),))
    if reply.answer is None:
        raise ValueError(f"the reply {replies[0][:80]!r} has no complete answer")
    folders = str(row["video"]).split("/")
    classes = next((CLASSES[name] for name in folders if name in CLASSES), None)
    return {
        "video": row["video"],
        "reasoning": reply.thinking,
        **fields(reply.answer, classes),
    }


FORMAT = Format(
    name="r1_omni",
    columns=("video", "conversations"),
    read=_read,
    image_folders=(".", ".."),
    proof="loader-run",
    origin="HumanMLLM/R1-Omni, src/r1-v/src/open_r1/grpo.py, 17cafca",
)
