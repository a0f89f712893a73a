"""Numbers, letters of options, and names.

| kind | target | accuracy |
|---|---|---|
| `NUMBER` | a number, in `meta["unit"]` | the same number, 0 or 1 |
| `CHOICE` | a letter; `options` | the same letter, 0 or 1 |
| `LETTERS` | a list of letters; `options` | all of them and no other, 0 or 1 |
| `LABEL` | a word or short phrase; `meta["classes"]` are those to choose from | the same name |
| `TEXT` | a few words | the same but for case, space and markup, 0 or 1 |
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Sequence
from string import ascii_uppercase

from vlrl.contracts import Frame, Sample, UnusableTarget, Value, reward
from vlrl.data.kinds import Kind
from vlrl.rewards import choice, label, number, text

UNITS = {
    "m": ("m", "meters", "metres", "meter", "metre"),
    "cm": ("cm", "centimeters", "centimetres", "centimeter", "centimetre"),
    "m2": ("m2", "m^2", "m²", "square meters", "square metres", "sqm", "sq m"),
}
"""A unit of `meta["unit"]` -> how answers may write it."""
_SEPARATOR = re.compile(r"\s*(?:[,;]|\band\b)\s*")


def _number_hint(sample: Sample, frame: Frame | None) -> str:
    unit = sample.meta.get("unit")
    return f"Write the number as digits{f', in {unit}' if unit else ''}."


def _number_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return number.parse(answer, UNITS.get(sample.meta.get("unit", ""), ()))


def _number_target(sample: Sample) -> Value:
    target = sample.target
    value = number.parse(target) if isinstance(target, str) else target
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError(f"the target {reprlib.repr(target)} cannot be read as a number")
    return value


NUMBER = Kind(accuracy=number.exact, hint=_number_hint, parse=_number_parse, target=_number_target)


def listed(sample: Sample) -> str:
    """The options, a line each, where neither the question nor the picture shows them."""
    lettered = list(zip(ascii_uppercase, sample.options or (), strict=False))
    shown = (
        option == letter or re.search(rf"\b{letter}[).:]\s*{re.escape(option)}", sample.question)
        for letter, option in lettered
    )
    return "" if all(shown) else "".join(f"{letter}. {option}\n" for letter, option in lettered)


def _choice_hint(sample: Sample, frame: Frame | None) -> str:
    return f"{listed(sample)}Write the letter of the right option."


def _choice_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return choice.parse(answer, sample.options)


CHOICE = Kind(accuracy=choice.exact, hint=_choice_hint, parse=_choice_parse)


@reward("answer")
def same_letters(value: Sequence[str] | None, target: object) -> float:
    """1 for all letters of the target and no other, in any order, else 0."""
    if not isinstance(target, list) or not target or not set(target) <= set(ascii_uppercase):
        raise UnusableTarget(f"{target!r} are no letters of options; give a list of letters")
    return float(value is not None and sorted(value) == sorted(target))


def _letters_hint(sample: Sample, frame: Frame | None) -> str:
    return f"{listed(sample)}Write the letters of all right options, separated by commas."


def _letters_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    letters = [choice.parse(each, sample.options) for each in _SEPARATOR.split(answer)]
    return None if None in letters else letters


def _letters_ideal(sample: Sample, frame: Frame | None) -> str:
    return ", ".join(sample.target)


LETTERS = Kind(
    accuracy=same_letters, hint=_letters_hint, parse=_letters_parse, ideal=_letters_ideal
)


def _label_hint(sample: Sample, frame: Frame | None) -> str:
    classes = sample.meta.get("classes")
    return f"Write {' or '.join(classes)}." if classes else "Write a word or short phrase."


def _label_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return label.parse(answer, sample.meta.get("classes"))


LABEL = Kind(accuracy=label.exact, hint=_label_hint, parse=_label_parse)


def _text_hint(sample: Sample, frame: Frame | None) -> str:
    return "Write the answer in a few words."


def _text_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return text.parse(answer)


TEXT = Kind(accuracy=text.exact, hint=_text_hint, parse=_text_parse)
