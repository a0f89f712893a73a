"""Actions on a screen, and points where to click, in pixels of the first picture.

| kind | target | answer | accuracy, 0 or 1 |
|---|---|---|---|
| `ACTION` | `{"action", "box" or "point", "text"?}` | `{"action", "point"?, "text"?}` | all right |
| `CLICK` | a box | `{"point_2d": [x, y]}`, or a click as an action | the point lies in the box |

`meta["actions"]` are those that the prompt names (default: ACTIONS); rows whose numbers are in
another frame state it as `meta["frame"]`, `[width, height]`.  A target that `rewards/action.py`
cannot compare with, for example a click without a place, cannot be read.
"""

from __future__ import annotations

import json
from typing import Any

from vlrl.contracts import Frame, Sample, UnusableTarget, Value
from vlrl.data.kinds import Kind
from vlrl.data.kinds.places import checked_box, limits, written
from vlrl.rewards import action, box, point

ACTIONS = ("click", "open_app", "scroll", "navigate_back", "input_text")  # AndroidControl's
NEEDS = {
    **dict.fromkeys(("click", "long_press"), "point"),
    **dict.fromkeys(("input_text", "type"), "text: what to type"),
    "open_app": "text: the name of the app",
    "select": "text: what to select",
    "scroll": "text: up, down, left or right",
}
"""What an action is written with, where it is more than its name."""


def _action_hint(sample: Sample, frame: Frame | None) -> str:
    names = sample.meta.get("actions", ACTIONS)
    listed = "; ".join(f"{name} ({NEEDS[name]})" if name in NEEDS else name for name in names)
    shape = '{"action": "...", "point": [x, y], "text": "..."}'
    return f"Write one action as JSON, {shape}, from: {listed}. {_where(sample, frame)}"


def _where(sample: Sample, frame: Frame | None) -> str:
    words = limits(sample, frame)
    return words[0].upper() + words[1:]


def _action_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return action.parse(answer, frame, sample.image_size)


def _action_ideal(sample: Sample, frame: Frame | None) -> str:
    wanted = {key: sample.target[key] for key in ("action", "text") if key in sample.target}
    if "box" in sample.target:
        return json.dumps({**wanted, "point": _centre(sample.target["box"], sample, frame)})
    if "point" in sample.target:
        return json.dumps({**wanted, "point": written(sample.target["point"], sample, frame)})
    return json.dumps(wanted)


def _centre(found: box.Box, sample: Sample, frame: Frame | None) -> list[float]:
    x1, y1, x2, y2 = found
    return written([(x1 + x2) / 2, (y1 + y2) / 2], sample, frame)


def _action_target(sample: Sample) -> Value:
    wanted = {**sample.target}
    if "frame" in sample.meta and sample.image_size is not None:
        wanted |= _in_pixels(wanted, sample)
    if "box" in wanted:
        checked_box(wanted["box"], sample)
    try:
        action.accuracy(None, wanted, image_size=sample.image_size)
    except UnusableTarget as error:
        raise ValueError(str(error)) from error
    return wanted


def _in_pixels(wanted: dict[str, Any], sample: Sample) -> dict[str, Any]:
    """The place of an action that is stated in `meta["frame"]`."""
    width, height = sample.meta["frame"]
    frame, size = Frame(width=width, height=height), sample.image_size
    found: dict[str, Any] = {}
    if "box" in wanted:
        found["box"] = box.to_original(box.checked(wanted["box"]), frame, size)
    if "point" in wanted:
        found["point"] = point.to_original(wanted["point"], frame, size)
    return found


ACTION = Kind(
    accuracy=action.accuracy,
    hint=_action_hint,
    parse=_action_parse,
    ideal=_action_ideal,
    target=_action_target,
)


def _click_hint(sample: Sample, frame: Frame | None) -> str:
    return f'Write where to click as JSON, {{"point_2d": [x, y]}}; {limits(sample, frame)}'


def _click_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    """The point; that of a click too, so that models trained on actions are asked alike."""
    found = point.parse(answer, frame, sample.image_size)
    if found is not None:
        return found
    done = action.parse(answer, frame, sample.image_size)
    return done.get("point") if done and done["action"] == "click" else None


def _click_ideal(sample: Sample, frame: Frame | None) -> str:
    return json.dumps({"point_2d": _centre(sample.target, sample, frame)})


def _click_target(sample: Sample) -> Value:
    return checked_box(sample.target, sample)


CLICK = Kind(
    accuracy=point.in_box,
    hint=_click_hint,
    parse=_click_parse,
    ideal=_click_ideal,
    target=_click_target,
)
