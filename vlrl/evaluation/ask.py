"""`vlrl ask`: one question about one image or video, with the model's thinking and answer.

Where the answer states boxes or points in the image, a copy of it with them drawn is written.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from vlrl.contracts import Frame, Sample, Task, UserError
from vlrl.evaluation.evaluate import as_trained, load_to_ask, model_place, recipe_of
from vlrl.evaluation.generate import generate
from vlrl.media import (
    UnreadableMedia,
    image_reference,
    load_image,
    video_info,
    video_reference,
)
from vlrl.models.inputs import make_prompt
from vlrl.preview import draw
from vlrl.prompts import find_mode
from vlrl.rewards import box, point
from vlrl.rewards.literals import parse_items
from vlrl.rewards.reader import read

VIDEO_FILES = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".gif")


class _Question(Task):
    """A question without a task: no hint, the answer as it stands."""

    name = "question"

    def hint(self, sample: Sample, frame: object) -> str:
        return ""


def run(
    model: str,
    image: str,
    question: str,
    mode: str | None = None,
    max_new_tokens: int | None = None,
    out: Path | None = None,
) -> str:
    """Print and return what the model writes; the answer is set off from the thinking.

    A picture of the answer's boxes and points goes to `out`, by default `<image name>-answer.png`
    in the current folder, and its path is printed; without any, nothing is written.
    """
    out = _drawable(out or Path(f"{Path(image).stem}-answer.png"))
    sample = _sample(image, question)
    recipe = recipe_of(model)
    trained_mode, trained_length = as_trained(recipe)
    mode = mode or trained_mode
    loaded = load_to_ask(model_place(model), sampling=recipe.video if recipe else None)
    prompt = make_prompt(loaded, _Question(), sample, mode)
    [completion] = next(generate(loaded, [prompt], max_new_tokens=max_new_tokens or trained_length))
    text = find_mode(mode).prefix + completion.text
    reading = read(text, find_mode(mode).shape)
    if reading.answer is None:
        print(f"(no complete answer block)\n{text}")
        return text
    print(f"thinking: {reading.thinking or '(none)'}\nanswer:   {reading.answer}")
    if found := marks(reading.answer, sample, prompt.frame):
        out.parent.mkdir(parents=True, exist_ok=True)
        draw.on_original(load_image(sample.media[0]), found).save(out)
        print(f"drawn:    {out}")
    return text


def marks(answer: str, sample: Sample, frame: Frame | None) -> list[draw.Mark]:
    """The boxes and points that the answer states, in pixels of the sample's picture.

    Read: JSON objects with a box or a point under the keys of `vlrl.rewards.box` or `.point`, one
    or a list; one box without a key in brackets, where it lies within the frame.
    """
    size = sample.image_size
    if size is None:
        return []
    objects = [each for each in parse_items(answer) or [] if isinstance(each, dict)]
    if objects:
        found = draw.marks([_in_pixels(each, frame, size) for each in objects])
        return [each for each in found if each.box or each.point]
    bare = box.parse(answer)
    width, height = (frame.width, frame.height) if frame else size
    if bare is None or min(bare) < 0 or bare[2] > width or bare[3] > height:
        return []
    return draw.marks(box.to_original(bare, frame, size))


def _in_pixels(item: dict[str, Any], frame: Frame | None, size: box.Size) -> dict[str, Any]:
    return {
        "bbox_2d": box.read(item, frame, size),
        "point_2d": point.read(item, frame, size),
        "label": item.get("label"),
    }


def _drawable(path: Path) -> Path:
    """The path where its name says how to encode a picture; UserError where it does not."""
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise UserError(f"--out {path}: no name of a picture; end it in .png or .jpg")
    return path


def _sample(path: str, question: str) -> Sample:
    """The question about the image or, by the name of the file, the video."""
    try:
        if Path(path).suffix.lower() in VIDEO_FILES:
            clip = video_reference(path, name=path)
            video_info(clip)
            media, size = clip, None
        else:
            media = image_reference(path, name=path)
            size = load_image(media).size
    except UnreadableMedia as error:
        raise UserError(str(error)) from error
    return Sample(
        id=Path(path).name, task="question", question=question, target=None,
        media=(media,), image_size=size,
    )  # fmt: skip
