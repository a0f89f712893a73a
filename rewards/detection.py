"""Detection: any number of labelled boxes as an answer, and rewards that match them to targets.

An object is `{"bbox_2d": [x1, y1, x2, y2], "label": "..."}`, with an optional `confidence` in
[0, 1]; `[]` and `None` say that there is nothing to find.  A prediction and a target can be
matched where their labels agree (in lower case, `_` as space; a target without a label takes any),
each at most once and optimally, so that the order of writing does not matter.  Every prediction
counts, also a duplicate, a wrong label and one that is no object.  Nothing found where nothing is
to be found scores 1; where only one side is empty the score is 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from vlrl.contracts import Frame, UnusableTarget, reward
from vlrl.rewards import box
from vlrl.rewards.compose import stage_at
from vlrl.rewards.literals import parse_items

Object = dict[str, Any]  # bbox_2d: None where the prediction is no object

THRESHOLDS = np.arange(50, 100, 5) / 100  # of IoU, COCO's
RECALLS = np.linspace(0, 1, 101)  # at which COCO reads the precision
STAGES = ((0.0, 0.5, 0.75), (0.5, 0.75, 0.9))  # Griffon: (from progress, no credit, full credit)


def parse(
    text: str, frame: Frame | None = None, image_size: box.Size | None = None
) -> list[Object] | None:
    """The objects that the text states, or None; in original pixels where `image_size` is known.

    Read: a list of objects, one object alone, `[]`, `None` and `null`.  An item that is no object
    has the box None: it counts as a prediction and matches nothing.  A list of such items only is
    refused.
    """
    items = parse_items(text)
    if items is None:
        return None
    found = [_object(item, frame, image_size) for item in items]
    return found if not found or any(each["bbox_2d"] for each in found) else None


@reward("answer")
def matched_iou(value: list[Object] | None, target: object, *, at: float = 0.0) -> float:
    """`max over matchings of sum IoU / max(n_target, n_predicted)`, in [0, 1].

    Pairs with an IoU below `at` count 0.  Visual-RFT's IoU reward (`at` 0.5), there matched in
    the order of confidence and without labels.
    """
    ious_PT, empty = _compare(value, target)
    if empty is not None:
        return empty
    return _best(np.where(ious_PT >= at, ious_PT, 0)) / max(ious_PT.shape)


@reward("answer")
def precision(value: list[Object] | None, target: object, *, at: float = 0.5) -> float:
    """`n_matched / n_predicted`, in [0, 1], with pairs of an IoU of at least `at`.

    Griffon's Vision-R1 divides by the matched pairs, so that junk is free.  One sure box is enough
    for a 1: use it beside `recall`.
    """
    ious_PT, empty = _compare(value, target)
    return _best(ious_PT >= at) / ious_PT.shape[0] if empty is None else empty


@reward("answer")
def recall(value: list[Object] | None, target: object, *, at: float = 0.5) -> float:
    """`n_matched / n_target`, in [0, 1], with pairs of an IoU of at least `at`.

    Griffon's Vision-R1, there without labels.  Junk is free: use it beside `precision`.
    """
    ious_PT, empty = _compare(value, target)
    return _best(ious_PT >= at) / ious_PT.shape[1] if empty is None else empty


@reward("answer")
def f1(value: list[Object] | None, target: object, *, at: float = 0.5) -> float:
    """`2 n_matched / (n_target + n_predicted)`, in [0, 1], with pairs of an IoU >= `at`."""
    ious_PT, empty = _compare(value, target)
    return 2 * _best(ious_PT >= at) / sum(ious_PT.shape) if empty is None else empty


@reward("answer")
def staged(
    value: list[Object] | None,
    target: object,
    *,
    progress: float = 0.0,
    thresholds: Sequence[Sequence[float]] = STAGES,
) -> float:
    """`max over matchings of sum c(IoU) / max(n_target, n_predicted)`, in [0, 1].

    `c` is 0 below a lower threshold, 1 from an upper one on, and the IoU between them.
    `thresholds` are `[[from, lower, upper], ...]`: those with the last start that `progress` has
    reached hold, and before the first start none.  Griffon's Vision-R1: (.5, .75) in the first
    half, then (.75, .9); there on GIoU, without labels and without a price for junk.
    """
    ious_PT, empty = _compare(value, target)
    if empty is not None:
        return empty
    low, high = stage_at(thresholds, progress)
    credits_PT = np.where(ious_PT >= high, 1, np.where(ious_PT >= low, ious_PT, 0))
    return _best(credits_PT) / max(ious_PT.shape)


@reward("answer")
def average_precision(value: list[Object] | None, target: object) -> float:
    """Mean over IoU .50:.05:.95 of the area under the precision-recall curve, in [0, 1].

    COCO's 101-point average precision over the objects of all labels together, by falling
    confidence (1 where none is stated).  Predictions of equal confidence enter at once: in
    VLM-R1 they enter as written, so that junk behind the right boxes is free; a wrong label is
    free there, too.  Junk of low confidence stays free, as in COCO: `ap_length` charges for it.
    """
    ious_PT, empty = _compare(value, target)
    if empty is not None:
        return empty
    confidences_P = np.array([_confidence(each) for each in value or ()])
    ranks = _ranks(confidences_P, ious_PT)
    return float(np.mean([_precision_at(ious_PT, ranks, at) for at in THRESHOLDS]))


@reward("answer")
def ap_length(value: list[Object] | None, target: object) -> float:
    """`average precision * min(1, n_target / n_predicted)`, in [0, 1].

    VLM-R1's odLength, where prose without any list scores 1 if there is nothing to find.
    """
    score = average_precision(value, target)
    num_targets, num_predicted = len(_targets(target)), len(value or ())
    return score * min(1.0, num_targets / num_predicted) if num_predicted else score


@reward("answer")
def calibration(value: list[Object] | None, target: object, *, at: float = 0.5) -> float:
    """`max(0, sum over matched of 2 c - sum over all predictions of c^2) / n_target`, in [0, 1].

    With confidences `c` (1 where none is stated): a match earns `1 - (1 - c)^2`, any other
    prediction loses `c^2`, so that stating the chance of a match is best (the Brier score).
    Visual-RFT's confidence reward pays 1 for junk with confidence 0; here that earns nothing.
    """
    ious_PT, empty = _compare(value, target)
    if empty is not None:
        return empty
    confidences_P = np.array([_confidence(each) for each in value or ()])
    earned = _best(np.where(ious_PT >= at, 2 * confidences_P[:, None], 0))
    return max(0.0, earned - float((confidences_P**2).sum())) / ious_PT.shape[1]


def best_pairs(gains_PT: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the one-to-one matching with the largest sum of gains."""
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(gains_PT, maximize=True)


def _best(gains_PT: np.ndarray) -> float:
    return float(gains_PT[best_pairs(gains_PT)].sum())


def _object(item: Any, frame: Frame | None, image_size: box.Size | None) -> Object:
    nothing: Object = {"bbox_2d": None, "label": None}
    if not isinstance(item, dict) or not isinstance(item.get("label"), str | None):
        return nothing
    found = {
        "bbox_2d": box.in_image(box.checked(item.get("bbox_2d")), frame, image_size),
        "label": item.get("label"),
    }
    if "confidence" not in item:
        return found
    is_share = box.is_coordinate(item["confidence"]) and 0 <= item["confidence"] <= 1
    return {**found, "confidence": item["confidence"]} if is_share else nothing


def _targets(target: object) -> list[Object]:
    """The target's objects, in an order of their own; UnusableTarget where they are none."""
    if target is None:
        return []
    if not isinstance(target, list | tuple):
        raise UnusableTarget(f"{target!r} is not a list of objects; give [] for nothing to find")
    for each in target:
        if not isinstance(each, dict) or not isinstance(each.get("label"), str | None):
            raise UnusableTarget(f"{each!r} is not an object; give a bbox_2d and a label")
        box.target_box(each.get("bbox_2d"))
    return sorted(target, key=lambda each: (list(each["bbox_2d"]), each.get("label") or ""))


def _compare(value: list[Object] | None, target: object) -> tuple[np.ndarray, float | None]:
    """The IoU of every prediction with every target, (P, T), 0 where their labels differ.

    And the score that needs no matching: of no answer, and where a side is empty.
    """
    targets = _targets(target)
    if value is None or not value or not targets:
        return np.zeros((0, 0)), float(value is not None and not value and not targets)
    ious_PT = np.zeros((len(value), len(targets)))
    valid = [row for row, each in enumerate(value) if each["bbox_2d"] is not None]
    boxes = [value[row]["bbox_2d"] for row in valid]
    ious_PT[valid] = box.pairwise_iou(boxes, [each["bbox_2d"] for each in targets])
    predicted, wanted = ([_label(each) for each in objects] for objects in (value, targets))
    agree_PT = [[label in (None, other) for label in wanted] for other in predicted]
    return ious_PT * np.array(agree_PT), None


def _label(thing: Object) -> str | None:
    label = thing.get("label")
    return None if label is None else " ".join(label.lower().replace("_", " ").split())


def _confidence(thing: Object) -> float:
    return float(thing.get("confidence", 1.0))


def _ranks(confidences_P: np.ndarray, ious_PT: np.ndarray) -> list[list[int]]:
    """Rows by falling confidence, those of equal confidence together.

    Within a group they stand by their overlaps, so that the order of writing cannot decide between
    matchings of equal worth.
    """
    rows = sorted(range(len(confidences_P)), key=lambda row: (-confidences_P[row], *ious_PT[row]))
    return [list(group) for _, group in groupby(rows, key=lambda row: confidences_P[row])]


def _precision_at(ious_PT: np.ndarray, ranks: list[list[int]], at: float) -> float:
    """Mean precision over RECALLS, each the best at that recall or a higher one."""
    points = np.array(list(_curve(ious_PT, ranks, at)))
    best = np.maximum.accumulate(points[::-1, 1])[::-1]
    reached = np.searchsorted(points[:, 0], RECALLS, side="left")
    return float(np.append(best, 0.0)[reached].mean())


def _curve(ious_PT: np.ndarray, ranks: list[list[int]], at: float) -> Iterator[tuple[float, float]]:
    """(recall, precision) after every rank; a rank takes as many free targets as it can."""
    num_targets = ious_PT.shape[1]
    free_T = np.ones(num_targets, bool)
    num_seen = num_hits = 0
    for rows in ranks:
        allowed = (ious_PT[rows] >= at) & free_T
        pairs = best_pairs(np.where(allowed, num_targets + ious_PT[rows], 0))
        hits = allowed[pairs]
        free_T[pairs[1][hits]] = False
        num_seen += len(rows)
        num_hits += int(hits.sum())
        yield num_hits / num_targets, num_hits / num_seen
