"""A stand-in for generation: it answers as told, in the words of the prompt's mode."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from vlrl import tasks
from vlrl.evaluation import measure
from vlrl.evaluation.generate import Completion
from vlrl.models import Loaded
from vlrl.models.inputs import Prompt
from vlrl.prompts import write_completion


def ideal(prompt: Prompt) -> str:
    return tasks.find(prompt.sample.task).ideal(prompt.sample, prompt.frame)


def answer_with(monkeypatch: Any, answer: Callable[[Prompt], str] = ideal) -> list[str]:
    """From now on models answer so; returns the ids of the samples that they are asked about."""
    asked: list[str] = []

    def write(loaded: Loaded, prompts: Sequence[Prompt], **_: Any) -> Iterator[list[Completion]]:
        for prompt in prompts:
            asked.append(prompt.sample.id)
            text = write_completion(prompt.mode, "", answer(prompt))
            yield [Completion(text=text, num_tokens=1, truncated=False)]

    monkeypatch.setattr(measure, "generate", write)
    return asked
