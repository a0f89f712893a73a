"""`vlrl preview`: what is drawn is where it belongs, and what is shown is what the model gets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_report_browser import CHROMIUM, FLAGS

from vlrl import cli, tasks
from vlrl.contracts import BadRow, Frame, Sample, Source, Task, UserError
from vlrl.media import Clip, ClipOnDemand, ImageFile, ImageOnDemand
from vlrl.models import describe
from vlrl.models.inputs import encode, make_prompt
from vlrl.preview import draw, preview, subject
from vlrl.preview.looks import Preview, look
from vlrl.preview.show import page, print_out
from vlrl.preview.subject import Subject
from vlrl.rewards import mask

pytestmark = pytest.mark.slow

COLOUR = draw.COLOURS[0]
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"
HOSTILE = "</pre></style><script>alert(1)</script><img src=x onerror=alert(2)> & \x1b[31m"


class Places(Task):
    """Answers with the target as JSON."""

    name = "places"
    about = "where things are"
    kind = "box"

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        return f"Up to {frame.width:g}." if frame else "In pixels."

    def ideal(self, sample: Sample, frame: Frame | None) -> str:
        return json.dumps(sample.target)


def picture(width: int, height: int, key: str = "grey") -> ImageOnDemand:
    make = partial(Image.new, "RGB", (width, height), (128, 128, 128))
    return ImageOnDemand(f"{key}/{width}/{height}", make)


def sample_of(target: Any, kind: str, size: tuple[int, int] = (112, 112), **more: Any) -> Sample:
    fields = {"question": "Where?", "media": (picture(*size),), "image_size": size, **more}
    return Sample(id="one", task="places", kind=kind, target=target, **fields)


def seen_by(sample: Sample, model: str | None = "tiny") -> Any:
    loaded = describe(model) if model else None
    return look(
        Subject(task=Places(), source=Source(spec="x"), mode="think", loaded=loaded), sample
    )


def coloured(image: Image.Image, colour: tuple[int, int, int] = COLOUR) -> np.ndarray:
    return (np.asarray(image) == colour).all(axis=2)


def extent(found: np.ndarray) -> list[int]:
    """[x1, y1, x2, y2] of the pixels, ends exclusive."""
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    return [int(each) for each in (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)]


# Drawing


@pytest.mark.parametrize(
    ("size", "seen", "scale"),
    [
        ((112, 112), (112, 112), (3, 3)),  # enlarged by 3 for the page
        ((400, 300), (400, 300), (1, 1)),
        ((400, 300), (392, 308), (0.98, 308 / 300)),  # as a model sees it
        ((1792, 896), (1792, 896), (0.5, 0.5)),
    ],
)
def test_a_box_is_drawn_on_its_outermost_pixels(
    size: tuple[int, int], seen: tuple[int, int], scale: tuple[float, float]
) -> None:
    box = [20, 30, 90, 80]
    drawn = draw.on_picture(Image.new("RGB", size), seen, "box", box)
    found = coloured(drawn)
    x1, y1, x2, y2 = expected = [
        round(at * by) for at, by in zip(box, (*scale, *scale), strict=True)
    ]
    assert extent(found) == expected
    frame = np.zeros_like(found)
    frame[y1:y2, x1:x2] = True
    frame[y1 + draw.LINE_PX : y2 - draw.LINE_PX, x1 + draw.LINE_PX : x2 - draw.LINE_PX] = False
    assert (found == frame).all()


def test_objects_have_their_boxes_points_and_labels_in_colours_of_their_own() -> None:
    target = [
        {"bbox_2d": [10, 30, 40, 60], "point_2d": [25, 45], "label": "cup"},
        {"bbox_2d": [60, 30, 100, 60], "point_2d": [80, 45]},
        {"bbox_2d": None, "point_2d": [50, 90]},
    ]
    drawn = draw.on_picture(Image.new("RGB", (112, 112)), (112, 112), "boxes_points", target)
    for colour, (x, y) in zip(draw.COLOURS, ((25, 45), (80, 45), (50, 90)), strict=False):
        assert drawn.getpixel((3 * x, 3 * y)) == colour
    assert extent(coloured(drawn, draw.COLOURS[1])) == [180, 90, 300, 180]
    left, top, _, bottom = extent(coloured(drawn))
    assert (left, bottom) == (28, 180)  # the label reaches 2 pixels further to the left
    assert 60 < top < 80  # and stands above


@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        ("box", [1, 2, 3, 4], [([1, 2, 3, 4], None, "")]),
        ("boxes", None, []),
        ("boxes", [], []),
        ("boxes", [{"bbox_2d": [1, 2, 3, 4], "label": "a"}], [([1, 2, 3, 4], None, "a")]),
        ("point", [5, 6], [(None, [5, 6], "")]),
        ("point", [1, 2, 3, 4], [([1, 2, 3, 4], None, "")]),
        ("action", {"action": "tap", "box": [1, 2, 3, 4]}, [([1, 2, 3, 4], None, "tap")]),
        ("action", {"action": "tap", "point": [5, 6]}, [(None, [5, 6], "tap")]),
        ("action", {"action": "back"}, [(None, None, "back")]),
    ],
)
def test_targets_of_every_kind_of_place_are_read(kind: str, target: Any, expected: list) -> None:
    assert kind in draw.PLACED
    assert [(each.box, each.point, each.label) for each in draw.marks(target)] == expected


def test_a_mask_is_a_colour_that_one_can_see_through() -> None:
    inside, ignored = np.zeros((2, 112, 112), bool)
    inside[10:20, 30:50], ignored[10:20, 60:70] = True, True
    target = {"mask": mask.encode(inside), "ignore": mask.encode(ignored)}
    drawn = np.asarray(draw.on_picture(Image.new("RGB", (112, 112)), (112, 112), "mask", target))
    assert extent(drawn.any(axis=2)) == [90, 30, 210, 60]
    assert drawn[31, 91].tolist() == list(COLOUR)
    assert drawn[45, 120].tolist() == [120, 0, 75]  # half of the colour on black
    assert drawn[45, 195].tolist() == [64, 64, 64]
    plain = draw.on_picture(Image.new("RGB", (112, 112)), (112, 112), "mask", mask.encode(inside))
    assert extent(np.asarray(plain).any(axis=2)) == [90, 30, 150, 60]


def clip_of(num_frames: int) -> Clip:
    frames = tuple(Image.new("RGB", (56, 28), (10 * each, 0, 0)) for each in range(num_frames))
    return Clip(
        frames=frames, times_s=tuple(each / 2 for each in range(num_frames)), size=(56, 28),
        sample_fps=2.0, duration_s=num_frames / 2,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("span", "numbers"),
    [
        ((1.0, 2.0), (2, 3)),  # of frames at 0, 0.5, 1.0 ...; that at the end shows what follows
        ((3.9, 4.6), (8, 9)),
        ((1.6, 2.0), (4,)),  # no other frame is so near
        ((1.6, 1.9), ()),
    ],
)
def test_a_film_strip_underlines_the_frames_within_the_span(
    span: tuple[float, float], numbers: tuple[int, ...]
) -> None:
    clip = clip_of(10)
    strip = draw.on_clip(clip, span)
    width, height = 256 + draw.GAP_PX, draw.CELL_PX + draw.BAR_PX + draw.TIME_PX
    assert strip.size == (8 * width, 2 * height + draw.LINE_ROOM_PX)
    for number in range(10):
        row, column = divmod(number, 8)
        x, y = column * width + 5, row * height
        assert strip.getpixel((x, y + 5)) == (10 * number, 0, 0)
        underlined = strip.getpixel((x, y + draw.CELL_PX + 1)) == COLOUR
        assert underlined == (number in numbers)
    line = coloured(strip)[-1]
    share = np.flatnonzero(line)[[0, -1]] / (strip.width - 1) * clip.duration_s
    assert share.tolist() == pytest.approx(span, abs=0.01)


def test_a_film_strip_without_a_span_has_no_line() -> None:
    strip = draw.on_clip(clip_of(4))
    assert strip.height == draw.CELL_PX + draw.BAR_PX + draw.TIME_PX
    assert not coloured(strip).any()


# What is shown of a sample


@pytest.mark.slow
@pytest.mark.parametrize("size", [(112, 112), (300, 200), (1500, 900)])
def test_prompt_tokens_and_sizes_are_those_that_the_model_gets(size: tuple[int, int]) -> None:
    sample = sample_of([1, 2, 30, 40], "box", size, media=(picture(*size), picture(56, 84)))
    shown, loaded = seen_by(sample), describe("tiny")
    prompt = make_prompt(loaded, Places(), sample, "think")
    assert (shown.prompt, shown.frame) == (prompt.text, prompt.frame)
    encoded = encode(loaded, [prompt.text], [sample])
    assert shown.num_tokens == len(encoded.ids[0])
    assert shown.num_media_tokens == encoded.ids[0].count(loaded.config.image_token_id)
    _, rows, columns = encoded.vision["image_grid_thw"][0].tolist()
    assert shown.media[0].caption == f"image, {size[0]} × {size[1]} → {columns * 14} × {rows * 14}"
    assert coloured(shown.media[0].picture).any()
    assert not coloured(shown.media[1].picture).any()  # the target is in the first picture


def test_a_clip_is_shown_as_the_frames_that_the_model_gets() -> None:
    frames = np.zeros((12, 56, 84, 3), np.uint8)
    clip = ClipOnDemand("film", lambda: frames, fps=4.0)
    shown = seen_by(sample_of([1.0, 2.0], "span", media=(clip,), image_size=None, duration=3.0))
    assert shown.media[0].caption == "video, 84 × 56, 3.0 s at 4 fps → 6 frames of 392 × 280"
    assert coloured(shown.media[0].picture).any()
    assert shown.num_media_tokens == 3 * (392 // 28) * (280 // 28)
    assert shown.has_film


def test_of_a_long_clip_some_frames_are_shown() -> None:
    clip = ClipOnDemand("long", lambda: np.zeros((60, 28, 28, 3), np.uint8), fps=2.0)
    shown = seen_by(sample_of("3", "text", media=(clip,), image_size=None), model=None)
    assert shown.media[0].caption.endswith("60 frames of 336 × 336; 24 are shown")


def test_without_a_model_the_words_are_shown_alone() -> None:
    shown = seen_by(sample_of([1, 2, 30, 40], "box"), model=None)
    assert shown.prompt.startswith("<image>Where?\nIn pixels.\nFirst think")
    assert (shown.frame, shown.num_tokens) == (None, None)
    assert shown.media[0].caption == "image, 112 × 112"


def test_what_cannot_be_drawn_or_opened_is_said(tmp_path: Path) -> None:
    assert "the target is not a mask" in seen_by(sample_of("junk", "mask")).media[0].caption
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    torn = sample_of([1, 2, 3, 4], "box", media=(ImageFile(tmp_path / "torn.png"),))
    [shown] = seen_by(torn).media
    assert shown.picture is None and "torn.png is no readable image" in shown.caption


# What is previewed


def test_a_recipe_names_its_model_and_takes_overrides() -> None:
    found = preview("r1v_counting", ["data.train=world:counting", "max_pixels=6272"], model="tiny")
    assert (found.model, found.mode, found.source.spec) == ("tiny", "think", "world:counting")
    assert len(found.looks) == 8
    captions = {each.media[0].caption for each in found.looks}
    assert captions == {"image, 112 × 112 → 56 × 56"}


def test_a_model_that_cannot_be_had_leaves_the_words() -> None:
    found = preview("r1v_counting", source="world:counting", num_samples=1)
    assert found.model is None and found.looks[0].prompt.startswith("<image>How many")
    assert found.note.startswith("the words alone, in original pixels: model 'Qwen/Qwen2.5-VL")


@pytest.mark.parametrize(
    ("target", "source", "task", "role"),
    [
        ("counting", None, "counting", "train"),
        ("counting", "somebody/rows", "counting", "train"),
        ("vlrl.data.counting", None, "counting", "train"),
        ("world:grounding@absent", None, "grounding", "train"),
        ("leonardPKU/clevr_cogen_a_train", None, "counting", "train"),
        (str(SAMPLES / "k12"), None, "visual_math", "train"),
        (str(SAMPLES / "countbench"), None, "counting", "validation"),
        (str(SAMPLES / "superclevr_30k/superCLEVR_scenes.json@test"), None, "counting", "train"),
    ],
)
def test_tasks_and_data_find_each_other(
    target: str, source: str | None, task: str, role: str
) -> None:
    found = subject.find(target, source=source)
    assert (found.task.name, found.source.role) == (task, role)
    first = next(iter(tasks.find("counting").sources))
    specs = {"counting": source or first, "vlrl.data.counting": first}
    assert found.source.spec == specs.get(target, target)


@pytest.mark.parametrize(
    ("target", "overrides", "message"),
    [
        ("countin", [], "no recipe, task or data is called 'countin'; did you mean 'counting'?"),
        ("rows.jsonl", [], "rows.jsonl: there is no such file or folder; "),
        ("somebody/rows", [], "somebody/rows: no path here, and no task names it as its source"),
        ("counting", ["seed=1"], "counting is no recipe: seed=1 is for the keys of one"),
        ("world:sailing", [], "no task is called 'sailing'"),
    ],
)
def test_what_cannot_be_previewed_says_why(target: str, overrides: list[str], message: str) -> None:
    with pytest.raises(UserError) as error:
        subject.find(target, overrides)
    assert str(error.value).startswith(message)


def test_bad_rows_among_the_first_are_counted(tmp_path: Path) -> None:
    image = {"image_path": str(SAMPLES / "superclevr/images/superCLEVR_sample_000000.png")}
    rows = [{**image, "question": "How many?", "ground_truth": gold} for gold in ("", 3, "many", 4)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = preview("counting", source=str(path))
    assert [each.sample.target for each in found.looks] == [3, 4]
    assert [row.row for row in found.bad] == [1, 3]
    text = unescape(page(found))
    assert "2 read, 2 left out" in text and "row 1: there is no ground_truth" in text


# In the terminal and on the page


def hostile() -> Preview:
    sample = sample_of(
        [{"bbox_2d": [10, 20, 50, 60], "label": HOSTILE}], "boxes", question=HOSTILE,
        reasoning=HOSTILE,
    )  # fmt: skip
    return Preview(
        task=Places(), source=Source(spec=HOSTILE), mode="think", model="tiny", note=HOSTILE,
        looks=(seen_by(sample.with_(id=HOSTILE)),),
        bad=tuple(BadRow(file=HOSTILE, row=each, reason="r", cure="c") for each in range(7)),
    )  # fmt: skip


def test_the_terminal_shows_every_sample_and_the_first_prompt(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "page.html"
    line = f"preview grounding --model tiny --num-samples 3 --html {out}"
    assert cli.main(line.split()) == 0
    text = capsys.readouterr().out
    for sample in tasks.samples(
        tasks.find("grounding"), Source(spec="world:grounding", take="first:3")
    ):
        assert sample.id in text and str(sample.target) in text
    assert "<|im_start|>user" in text and text.strip().endswith(str(out)[-20:])
    assert out.read_text("utf-8").count("data:image/jpeg;base64,") == 3


def test_no_control_character_reaches_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_out(hostile())
    text = capsys.readouterr().out
    assert "\x1b" not in text and "\\x1b[31m" in text
    assert "and 2 more" in text


def test_the_page_is_one_file_and_escapes_what_it_shows() -> None:
    html = page(hostile())
    assert "<script" not in html and "<img src=x" not in html
    assert html.count("</style>") == 1
    assert not re.search(r'(src|href)="(?!data:)', html) and "url(" not in html
    assert unescape(html).count(HOSTILE.partition("\x1b")[0]) >= 9


@pytest.mark.slow
def test_no_torch_where_no_model_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; from vlrl import preview;"
        "preview.run('world:counting', num_samples=2);"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip().endswith("False")
    assert (tmp_path / "preview.html").is_file()


def in_browser(html: str, tmp_path: Path, size: str) -> tuple[Image.Image, str]:
    """The page as painted, and what it wrote to the console."""
    path, painted = tmp_path / "page.html", tmp_path / "page.png"
    path.write_text(html, "utf-8")
    options = [f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={painted}"]
    command = [str(CHROMIUM), *FLAGS, "--enable-logging=stderr", f"--window-size={size}", *options]
    done = subprocess.run(
        [*command, path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    lines = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return Image.open(painted).convert("RGB"), "\n".join(lines)


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: install the package chromium")
def test_the_page_is_painted_and_its_console_stays_empty(tmp_path: Path) -> None:
    html = page(hostile())
    for size in ("1280,1600", "500,2400"):
        painted, console = in_browser(html, tmp_path, size)
        assert console == ""
        pixels = np.asarray(painted).astype(int)
        assert (abs(pixels - COLOUR).max(axis=2) < 12).sum() > 500  # the box
    _, console = in_browser(html.replace("</main>", "<script>1</script></main>"), tmp_path, size)
    assert "Content Security Policy" in console  # scripts would be refused
