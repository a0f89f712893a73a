"""Actions on a screen: a strict grammar for one action, and rewards that check it.

An action is `{"action": "click", "point": [x, y], "text": "..."}`: the type always, the point and
the text where the type needs them.  An answer is one action; with several, none is read.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import NotRequired, TypedDict

from vlrl.contracts import Frame, UnusableTarget, reward
from vlrl.rewards.box import Box, Size, target_box
from vlrl.rewards.literals import parse_literal
from vlrl.rewards.point import Point, in_box, to_original
from vlrl.rewards.point import checked as checked_point

_ACTION_KEYS = ("action", "action_type")
_POINT_KEYS = ("point", "coordinate", "point_2d")
_TEXT_KEYS = ("text", "input_text", "app_name", "direction")
_PLACED = ("click", "tap", "long_press")  # how types end that need a place


class Action(TypedDict):
    """One action: type in lower case, point in original pixels, text (or direction) as written."""

    action: str
    point: NotRequired[Point]
    text: NotRequired[str]


def parse(text: str, frame: Frame | None = None, image_size: Size | None = None) -> Action | None:
    """The one action that the text states, or None; its point leaves the frame.

    Read: a dictionary, or a list of one, in JSON or as a Python literal (nothing is evaluated):
    the type under `action` or `action_type`, the point `[x, y]` under `point`, `coordinate` or
    `point_2d`, the text under `text`, `input_text`, `app_name` or `direction`; other keys do not
    count.  Refused: several actions, two keys for one thing, a point that is not two finite
    numbers, any other text.  `image_size` is `(width, height)` of the original, in pixels.
    """
    literal = parse_literal(text)
    if isinstance(literal, list) and len(literal) == 1:
        literal = literal[0]
    action = _action(literal) if isinstance(literal, dict) else None
    if action and "point" in action and image_size:
        action["point"] = to_original(action["point"], frame, image_size)
    return action


@reward("answer")
def accuracy(
    value: Action | None,
    target: object,
    *,
    within: float = 0.14,
    least_f1: float = 1.0,
    image_size: Size | None = None,
) -> float:
    """`1[same type] 1[right place] 1[same text]`, in {0, 1}; what the target does not name is free.

    Place: the point lies in the target's box, borders included, or
    `hypot(dx / width, dy / height) <= within` of the target's point (`image_size` in pixels; .14 is
    AndroidControl's); the target of a click has to name one.  Text: equal but for case and spacing,
    or, where the target has two words or more, an F1 of the words of at least `least_f1` (GUI-R1:
    .5, which an echo of the instruction often reaches).

    ScreenSpot, AndroidControl, UI-R1 and GUI-R1; in UI-R1 arguments other than the point are not
    checked, in GUI-R1 `o` counts as `down` and `up down` as `up`.
    """
    wanted = _target(target)
    if wanted["action"].endswith(_PLACED) and "box" not in wanted and "point" not in wanted:
        raise UnusableTarget(f"{target!r} clicks nowhere; give its box or point")
    size = _image_size(image_size) if "point" in wanted else [1.0, 1.0]
    if value is None or value["action"] != wanted["action"]:
        return 0.0
    place = value.get("point")
    if "box" in wanted and not in_box(place, wanted["box"]):
        return 0.0
    if "point" in wanted and (place is None or _distance(place, wanted["point"], size) > within):
        return 0.0
    if "text" in wanted and not _same_text(value.get("text", ""), wanted["text"], least_f1):
        return 0.0
    return 1.0


@reward("answer")
def same_type(value: Action | None, target: object) -> float:
    """`1[same type]`, in {0, 1}: UI-R1's action reward, AndroidControl's type accuracy."""
    wanted = _target(target)
    return float(value is not None and value["action"] == wanted["action"])


class _Wanted(Action):
    box: NotRequired[Box]


def _target(target: object) -> _Wanted:
    """The target as an action; UnusableTarget where it is none."""
    action = _action(target) if isinstance(target, Mapping) else None
    if action is None or not isinstance(target, Mapping):
        raise UnusableTarget(
            f'{target!r} is no action; give {{"action", "box" | "point", "text"?}}'
        )
    wanted: _Wanted = {**action}
    if target.get("box") is not None:
        wanted["box"] = target_box(target["box"])
    if "box" in wanted and "point" in wanted:
        raise UnusableTarget(f"{target!r} has a box and a point; give the one that counts")
    if "text" in wanted and not _words(wanted["text"]):
        raise UnusableTarget(f"{target!r} wants an empty text; leave `text` out if none is wanted")
    return wanted


def _action(fields: Mapping) -> Action | None:
    """The action that a dictionary states; None where a field is doubled or of a wrong form."""
    found = []
    for keys in (_ACTION_KEYS, _POINT_KEYS, _TEXT_KEYS):
        values = [fields[key] for key in keys if fields.get(key) is not None]
        if len(values) > 1:
            return None
        found.append(values[0] if values else None)
    kind, place, text = found
    if not isinstance(kind, str) or not kind.strip() or not isinstance(text, str | None):
        return None
    action: Action = {"action": "_".join(_words(kind))}
    if place is not None:
        where = checked_point(place)
        if where is None:
            return None
        action["point"] = where
    if text is not None:
        action["text"] = text
    return action


def _image_size(size: object) -> Point:
    sides = checked_point(size)
    if sides is None or min(sides) <= 0:
        raise UnusableTarget(
            f"{size!r} is no image size; a target point needs (width, height) in pixels"
        )
    return sides


def _distance(a: Point, b: Point, size: Point) -> float:
    return math.hypot((a[0] - b[0]) / size[0], (a[1] - b[1]) / size[1])


def _same_text(text: str, wanted: str, least_f1: float) -> bool:
    words, wanted_words = _words(text), _words(wanted)
    if words == wanted_words:
        return True
    if least_f1 >= 1 or len(wanted_words) < 2:
        return False
    common = (Counter(words) & Counter(wanted_words)).total()
    return 2 * common / (len(words) + len(wanted_words)) >= least_f1


def _words(text: str) -> list[str]:
    return text.lower().split()
