"""The segmenter of evaluation: a tiny SAM 2 with random weights, and the metrics of masks."""

import logging
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from answering import answer_with
from PIL import Image
from transformers import (
    Sam2Config,
    Sam2HieraDetConfig,
    Sam2ImageProcessor,
    Sam2MaskDecoderConfig,
    Sam2Model,
    Sam2Processor,
    Sam2PromptEncoderConfig,
    Sam2VisionConfig,
)

from vlrl import tasks
from vlrl.contracts import Sample, Source, UserError
from vlrl.evaluation import evaluate
from vlrl.evaluation.measure import Measurement
from vlrl.evaluation.metrics import Overlap, mask_metrics
from vlrl.evaluation.segmenter import Segmenter, load_segmenter
from vlrl.media import ImageOnDemand
from vlrl.rewards import mask
from vlrl.training.records import Lines

pytestmark = pytest.mark.slow

SIDE_PX, WIDTH, HEIGHT = 64, 70, 50
CAT = {"bbox_2d": [10, 10, 40, 40], "point_2d": [20, 20]}
DOG = {"bbox_2d": [0, 0, 20, 9], "point_2d": [3, 3]}
PIXELS = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
IMAGE = Image.fromarray(PIXELS)


def tiny_model() -> Sam2Model:
    backbone = Sam2HieraDetConfig(
        hidden_size=8,
        image_size=[SIDE_PX, SIDE_PX],
        blocks_per_stage=[1, 1, 1, 1],
        embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 1, 1, 1],
        window_size_per_stage=[4, 4, 2, 2],
        window_positional_embedding_background_size=[2, 2],
        global_attention_blocks=[],
    )
    vision = Sam2VisionConfig(
        backbone_config=backbone,
        backbone_channel_list=[64, 32, 16, 8],
        backbone_feature_sizes=[[16, 16], [8, 8], [4, 4]],
        fpn_hidden_size=32,
    )
    decoder = Sam2MaskDecoderConfig(
        hidden_size=32, mlp_dim=32, num_attention_heads=2, iou_head_hidden_dim=16
    )
    prompts = Sam2PromptEncoderConfig(hidden_size=32, image_size=SIDE_PX)
    torch.manual_seed(0)
    return Sam2Model(
        Sam2Config(vision_config=vision, prompt_encoder_config=prompts, mask_decoder_config=decoder)
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("sam2")
    tiny_model().save_pretrained(folder)
    size = {"height": SIDE_PX, "width": SIDE_PX}
    Sam2Processor(image_processor=Sam2ImageProcessor(size=size)).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def segmenter(place: str) -> Segmenter:
    return load_segmenter(place)


def sample(wanted: np.ndarray, **changes: object) -> Sample:
    fields = {
        "target": [],
        "kind": "boxes_points",
        "media": (ImageOnDemand("noise", lambda: PIXELS),),
        "image_size": (WIDTH, HEIGHT),
        "meta": {"mask": mask.encode(wanted)},
    }
    return Sample(id="1", task="any", question="?", **{**fields, **changes})  # type: ignore[arg-type]


def test_a_mask_is_what_the_model_itself_gives(segmenter: Segmenter) -> None:
    inputs = segmenter.processor(
        images=IMAGE,
        input_boxes=[[CAT["bbox_2d"]]],
        input_points=[[[CAT["point_2d"]]]],
        input_labels=[[[1]]],
        return_tensors="pt",
    )
    sizes = inputs.pop("original_sizes")
    found = segmenter.model(**inputs)
    masks = segmenter.processor.post_process_masks(found.pred_masks, sizes)[0][0]
    ours = segmenter.mask(IMAGE, [CAT])
    assert ours.shape == (HEIGHT, WIDTH) and ours.dtype == bool
    assert (ours == masks[int(found.iou_scores[0, 0].argmax())].numpy()).all()


def test_masks_of_several_objects_are_joined(segmenter: Segmenter) -> None:
    cat, dog = (segmenter.mask(IMAGE, [each]) for each in (CAT, DOG))
    assert (cat != dog).any()
    assert (segmenter.mask(IMAGE, [CAT, DOG]) == cat | dog).all()


def test_a_point_may_be_missing_and_a_box_may_not(segmenter: Segmenter) -> None:
    box_alone = segmenter.mask(IMAGE, [{**CAT, "point_2d": None}])
    assert (box_alone != segmenter.mask(IMAGE, [CAT])).any()
    assert not segmenter.mask(IMAGE, [{**CAT, "bbox_2d": None}]).any()


def test_the_weights_are_frozen(segmenter: Segmenter) -> None:
    assert not any(each.requires_grad for each in segmenter.model.parameters())
    assert not segmenter.model.training


def test_overlap_of_the_answers_that_there_are(segmenter: Segmenter) -> None:
    cat = segmenter.mask(IMAGE, [CAT])
    size = int(cat.sum())
    asked = sample(cat)
    assert segmenter.overlap(asked, [CAT]) == Overlap(iou=1, intersection=size, union=size)
    assert segmenter.overlap(asked, None) == Overlap(iou=0, intersection=0, union=size)
    assert segmenter.overlap(asked, []) == Overlap(iou=0, intersection=0, union=size)
    half = cat.copy()
    half[:, ::2] = False
    part = int(half.sum())
    found = segmenter.overlap(asked, mask.encode(half))
    assert found == Overlap(iou=part / size, intersection=part, union=size)


def test_nothing_found_where_nothing_is(segmenter: Segmenter) -> None:
    nothing = sample(np.zeros((HEIGHT, WIDTH), bool))
    assert segmenter.overlap(nothing, []) == Overlap(iou=1, intersection=0, union=0)
    assert segmenter.overlap(nothing, None).iou == 0
    assert segmenter.overlap(nothing, [CAT]).iou == 0


def test_pixels_to_ignore_belong_to_neither(segmenter: Segmenter) -> None:
    cat = segmenter.mask(IMAGE, [CAT])
    wanted = cat & (np.arange(WIDTH) < WIDTH // 2)
    target = {"mask": mask.encode(wanted), "ignore": mask.encode(cat & ~wanted)}
    found = segmenter.overlap(sample(cat, meta={"mask": target}), [CAT])
    assert found == Overlap(iou=1, intersection=int(wanted.sum()), union=int(wanted.sum()))


def test_a_target_of_kind_mask_is_compared_itself(segmenter: Segmenter) -> None:
    square = np.zeros((HEIGHT, WIDTH), bool)
    square[:4, :4] = True
    asked = sample(square, kind="mask", target=mask.encode(square), meta={})
    assert segmenter.overlap(asked, mask.encode(square)).iou == 1
    with pytest.raises(UserError, match="sample 1 has no mask"):
        segmenter.overlap(sample(square, meta={}), [])


def test_metrics_by_hand() -> None:
    overlaps = [
        Overlap(iou=0.5, intersection=50, union=100),
        Overlap(iou=0.0, intersection=0, union=300),
        Overlap(iou=1.0, intersection=0, union=0),
    ]
    assert mask_metrics(overlaps) == {"giou": 0.5, "ciou": 0.125}
    assert mask_metrics(overlaps[2:]) == {"giou": 1, "ciou": 1}
    assert mask_metrics([]) == {}


def test_what_is_no_segmenter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load_segmenter(str(tmp_path))


def measured(
    out: Path, segmenter: str | None, benchmark: str = "segmentation_world"
) -> tuple[Measurement, list[dict[str, Any]]]:
    [found] = evaluate.measure_all("tiny", [benchmark], out=out, limit=3, segmenter=segmenter)
    return found, list(Lines(out / "eval" / f"{benchmark}-think.jsonl"))


@pytest.mark.slow
def test_masks_of_answers_are_measured_beside_their_accuracy(
    place: str, segmenter: Segmenter, tmp_path: Path, monkeypatch: Any
) -> None:
    answer_with(monkeypatch)
    found, records = measured(tmp_path, place)
    task = tasks.find("segmentation")
    rows = tasks.samples(task, Source(spec="world:segmentation", role="test", take="first:3"))
    overlaps = [
        segmenter.overlap(row, record["parsed"]) for row, record in zip(rows, records, strict=True)
    ]
    assert [record["overlap"] for record in records] == list(map(asdict, overlaps))
    assert found.metrics == mask_metrics(overlaps)
    assert 0 < found.metrics["ciou"] < 1
    plain, records = measured(tmp_path / "plain", None)
    assert (found.metric, found.score) == ("accuracy", plain.score)
    assert plain.metrics == {} and not any("overlap" in record for record in records)


@pytest.mark.slow
def test_another_segmenter_measures_anew(place: str, tmp_path: Path, monkeypatch: Any) -> None:
    other = str(shutil.copytree(place, tmp_path / "other"))
    asked = answer_with(monkeypatch)
    for segmenter, num_asked in [(None, 3), (place, 6), (place, 6), (other, 9), (None, 12)]:
        found, _ = measured(tmp_path, segmenter)
        assert (len(asked), set(found.metrics)) == (
            num_asked,
            {"giou", "ciou"} if segmenter else set(),
        )


@pytest.mark.slow
def test_rows_without_masks_have_no_metrics_of_them(
    place: str, tmp_path: Path, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    asked = answer_with(monkeypatch)
    with caplog.at_level(logging.WARNING, logger="vlrl"):
        found, records = measured(tmp_path, place, "counting_world")
    assert "counting_world: 3 of 3 samples have no mask" in caplog.text
    assert found.metrics == {} and not any("overlap" in record for record in records)
    measured(tmp_path, None, "counting_world")
    assert len(asked) == 3


def test_a_segmenter_that_is_not_there_stops_before_a_model_loads(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(evaluate, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    with pytest.raises(UserError, match=r"segmenter .* cannot be read"):
        measured(tmp_path, str(tmp_path))
