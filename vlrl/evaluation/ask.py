"""`vlrl ask`: one question about one image, with the model's thinking and answer."""

from __future__ import annotations

from pathlib import Path

from vlrl.contracts import Sample, Task, UserError
from vlrl.evaluation.evaluate import as_trained, load_to_ask, model_place, recipe_of
from vlrl.evaluation.generate import generate
from vlrl.media import UnreadableMedia, image_reference, load_image
from vlrl.models.inputs import make_prompt
from vlrl.prompts import find_mode
from vlrl.rewards.reader import read


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
) -> str:
    """Print and return what the model writes; the answer is set off from the thinking."""
    try:
        reference = image_reference(image, name=image)
        size = load_image(reference).size
    except UnreadableMedia as error:
        raise UserError(str(error)) from error
    sample = Sample(
        id=Path(image).name, task="question", question=question, target=None,
        media=(reference,), image_size=size,
    )  # fmt: skip
    trained_mode, trained_length = as_trained(recipe_of(model))
    mode = mode or trained_mode
    loaded = load_to_ask(model_place(model))
    prompt = make_prompt(loaded, _Question(), sample, mode)
    [completion] = next(generate(loaded, [prompt], max_new_tokens=max_new_tokens or trained_length))
    text = find_mode(mode).prefix + completion.text
    reading = read(text, find_mode(mode).shape)
    if reading.answer is None:
        print(f"(no complete answer block)\n{text}")
    else:
        print(f"thinking: {reading.thinking or '(none)'}\nanswer:   {reading.answer}")
    return text
