"""Names of classes, one or several, chosen from those that a sample lists.

| kind | target | accuracy, in [0, 1] |
|---|---|---|
| `CLASS` | a name; of `meta["classes"]`, where they are | the same name, 0 or 1 |
| `CLASSES` | a list of names out of `meta["classes"]`, `[]` for none | F1 |

A list of guesses is paid by F1 more than one guess: where that tempts a model, a recipe takes
`labels.jaccard`.
"""

from __future__ import annotations

import json
import reprlib

from vlrl.contracts import Frame, Sample, Value
from vlrl.data.kinds import Kind
from vlrl.data.kinds.words import LABEL
from vlrl.rewards import label, labels


def _class_hint(sample: Sample, frame: Frame | None) -> str:
    classes = sample.meta.get("classes")
    return f"Write one of these names: {'; '.join(classes)}." if classes else "Write its name."


def _class_target(sample: Sample) -> Value:
    name, classes = sample.target, sample.meta.get("classes")
    if not isinstance(name, str) or label.parse(name, classes) is None:
        known = f" of {reprlib.repr(list(classes))}" if classes else ""
        raise ValueError(f"the target {reprlib.repr(name)} is no name{known}")
    return name


CLASS = Kind(accuracy=label.exact, hint=_class_hint, parse=LABEL.parse, target=_class_target)


def _classes_hint(sample: Sample, frame: Frame | None) -> str:
    listed = "; ".join(sample.meta["classes"])
    shape = '["name", "name", ...], or [] for none'
    return f"Write all that fit as a JSON list, {shape}, out of these names: {listed}."


def _classes_parse(answer: str, sample: Sample, frame: Frame | None) -> Value | None:
    return labels.parse(answer, sample.meta["classes"])


def _classes_ideal(sample: Sample, frame: Frame | None) -> str:
    return json.dumps(sample.target)


def _classes_target(sample: Sample) -> Value:
    names, classes = sample.target, sample.meta["classes"]
    if not isinstance(names, list) or not set(names) <= set(classes):
        known = reprlib.repr(list(classes))
        raise ValueError(f"the target {reprlib.repr(names)} is no list of names out of {known}")
    return names


CLASSES = Kind(
    accuracy=labels.f1,
    hint=_classes_hint,
    parse=_classes_parse,
    ideal=_classes_ideal,
    target=_classes_target,
)
