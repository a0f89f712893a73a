"""The names of emotions in published data, and what a row that names one says.

R1-Omni asks one question about every video and names no classes; the hint names those of the data
set here.  Its reward and its scores compare words as they are, so that `anger` is not `angry` and
`fearful` is wrong where RAVDESS says so; here they are one name.
"""

from __future__ import annotations

from collections.abc import Sequence

from vlrl.data.formats.rows import Fields
from vlrl.rewards import label

QUESTION = "Which emotion do the people in the video show most clearly?"

DFEW = ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")
MAFW = (*DFEW, "contemptuous", "disappointed", "helpless", "anxious")
RAVDESS = ("neutral", "calm", "happy", "sad", "angry", "fear", "disgust", "surprise")
OTHER_NAMES = {
    "angry": ("anger",),
    "anxious": ("anxiety",),
    "calm": ("calmness",),
    "contemptuous": ("contempt",),
    "disappointed": ("disappointment",),
    "disgust": ("disgusted",),
    "fear": ("fearful", "afraid"),
    "happy": ("happiness",),
    "helpless": ("helplessness",),
    "sad": ("sadness",),
    "surprise": ("surprised",),
}


def fields(name: object, classes: Sequence[str] | None = None) -> Fields:
    """Question, target and the group that a mean of recalls is over; ValueError for no class."""
    emotion = label.parse(str(name), classes, OTHER_NAMES)
    if emotion is None:
        raise ValueError(f"the emotion {name!r} is none of {', '.join(classes or ())}")
    about = {"emotion": emotion, **({"classes": list(classes)} if classes else {})}
    return {"question": QUESTION, "target": emotion, "meta": about}
