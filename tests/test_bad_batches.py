"""What cannot be trained on is refused or left out by name, with its cure, before it does harm."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lengths_runs import TASK, interrupted_at, make_trainer, recipe, samples
from lengths_task import picture

from vlrl import config, models, prompt_check
from vlrl.contracts import Sample, UserError
from vlrl.media import ImageFile, ImageOnDemand
from vlrl.models import Loaded
from vlrl.models.inputs import check_media, encode, make_prompt, prompt_lengths
from vlrl.training import grpo, setup, trainer
from vlrl.training.guard import MAX_IN_A_ROW, FiniteSteps
from vlrl.training.questions import Questions

pytestmark = pytest.mark.slow

SOUND = SimpleNamespace(key="a tone", kind="audio")
PAD = "<|image_pad|>"


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return models.load("tiny")


def texts(loaded: Loaded, rows: Sequence[Sample]) -> list[str]:
    return [make_prompt(loaded, TASK, each, "vanilla").text for each in rows]


def with_sound() -> list[Sample]:
    first, second = samples("pictures:2")
    return [first, second.with_(media=(*second.media, SOUND))]


def test_other_media_are_refused_by_sample() -> None:
    check_media(samples("mixed:4"))
    message = r"sample pictures/1: only images and videos .*not audio; leave its row out"
    with pytest.raises(UserError, match=message):
        check_media(with_sound())


@pytest.mark.parametrize("role", ["train", "validation"])
def test_other_media_are_refused_before_a_model_loads(
    role: str, tmp_path: Path, monkeypatch: Any
) -> None:
    def rows(_: Any, __: Any, asked: str, **___: Any) -> list[Sample]:
        return with_sound() if asked == role else samples("pictures:2")

    monkeypatch.setattr(grpo.setup, "rows", rows)
    monkeypatch.setattr(grpo.setup, "load", lambda *_, **__: pytest.fail("a model was loaded"))
    data = config.Data(train="pictures:2", validation="pictures:2")
    with pytest.raises(UserError, match=r"sample pictures/1: only images and videos .*not audio"):
        grpo.run(recipe(tmp_path, data=data))


def test_other_media_are_refused_wherever_inputs_are_made(loaded: Loaded) -> None:
    with pytest.raises(UserError, match="sample pictures/1: only images and videos"):
        encode(loaded, ["", ""], with_sound())
    with pytest.raises(UserError, match="sample pictures/1: only images and videos"):
        prompt_lengths(loaded, TASK, with_sound(), "vanilla")


@pytest.mark.parametrize(("written", "num"), [("", 0), (PAD + PAD, 2)])
def test_a_template_that_writes_other_than_one_place_for_a_picture_is_refused(
    written: str, num: int, loaded: Loaded
) -> None:
    rows = samples("pictures:3")
    asked = texts(loaded, rows)
    encode(loaded, asked, rows)
    asked[1] = asked[1].replace(PAD, written)
    message = rf"sample pictures/1: its prompt has {num} <\|image_pad\|> for 1 images; the chat "
    with pytest.raises(UserError, match=message + "template of tiny must write one for each"):
        encode(loaded, asked, rows)


class Clumsy:
    """A processor that writes other than one token for a feature in one of its prompts."""

    def __init__(self, processor: Any, row: int, more: int) -> None:
        self._processor, self._row, self._more = processor, row, more

    def __getattr__(self, name: str) -> Any:
        return getattr(self._processor, name)

    def __call__(self, **given: Any) -> Any:
        features = self._processor(**given)
        ids = features["input_ids"][self._row]
        pad = self.tokenizer.convert_tokens_to_ids(PAD)
        place = ids.index(pad)
        ids[place : place + 1] = [pad] * (1 + self._more)
        return features


@pytest.mark.parametrize("more", [-1, 1])
def test_tokens_that_do_not_fit_the_features_are_refused_by_sample(
    more: int, loaded: Loaded
) -> None:
    rows = samples("mixed:3")  # a picture of 2 x 2 tokens, none, and one of 4 x 2
    clumsy = dataclasses.replace(loaded, processor=Clumsy(loaded.processor, 2, more))
    message = rf"sample mixed/2: its prompt has {8 + more} image tokens for 8 features"
    with pytest.raises(UserError, match=message + ".*take both from one place"):
        encode(clumsy, texts(loaded, rows), rows)
    finding = prompt_check._features(clumsy, TASK, rows, "vanilla")
    assert finding.outcome == "fail"
    assert f"sample mixed/2: its prompt has {8 + more} image tokens" in finding.detail
    asked = Questions(clumsy, TASK, "vanilla", samples("pictures:3")[2:], frozen=False)
    asked.loaded.processor._row = 0
    with pytest.raises(UserError, match="sample pictures/2: its prompt has"):
        asked.prompts([0])


def test_a_picture_that_cannot_be_read_names_its_sample(loaded: Loaded, tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    sample = samples("pictures:1")[0].with_(media=(ImageFile(tmp_path / "cut.png"),))
    asked = Questions(loaded, TASK, "vanilla", [sample], frozen=False)
    with pytest.raises(UserError, match=r"sample pictures/0: .*cut\.png.*run the same command"):
        asked.prompts([0])


def test_a_prompt_that_cannot_be_measured_names_its_sample(loaded: Loaded, tmp_path: Path) -> None:
    cut = ImageFile(tmp_path / "cut.png")
    cut.path.write_bytes(b"\x89PNG\r\n\x1a\n")
    good, bad = samples("pictures:2")
    rows = [good, bad.with_(media=(cut, cut))]  # of several pictures the sizes are read
    with pytest.raises(UserError, match=r"sample pictures/1: .*cut\.png.*run the same command"):
        setup.fitting(loaded, TASK, rows, "vanilla", 8)


def test_an_answer_longer_than_the_context_is_refused(loaded: Loaded) -> None:
    message = r"train.max_completion_length: 4096 .* room for a prompt in the 4096 that tiny reads"
    with pytest.raises(UserError, match=message):
        setup.fitting(loaded, TASK, samples("pictures:2"), "vanilla", 4096)
    with pytest.raises(UserError, match="no prompt fits into 1 tokens; lower max_pixels"):
        setup.fitting(loaded, TASK, samples("pictures:2"), "vanilla", 4095)


def test_a_prompt_fits_up_to_its_last_token(
    loaded: Loaded, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [of_width(width) for width in (56, 280, 560)]
    lengths = prompt_lengths(loaded, TASK, rows, "vanilla")
    assert lengths[1] - lengths[0] == 16  # a token for 28 x 28 pixels
    room = setup.prompt_limit(loaded, 0)
    assert room == loaded.config.get_text_config().max_position_embeddings
    kept = setup.fitting(loaded, TASK, rows, "vanilla", room - lengths[1])
    assert kept == rows[:2]
    assert f"sample 560: its prompt has {lengths[2]} tokens, more than {lengths[1]}" in caplog.text
    assert "1 of 3 prompts do not fit and are left out; lower max_pixels" in caplog.text
    assert setup.fitting(loaded, TASK, rows, "vanilla", room - lengths[1] + 1) == rows[:1]


def of_width(width: int) -> Sample:
    medium = ImageOnDemand(str(width), lambda: picture(0, (width, 56)))
    return samples("pictures:1")[0].with_(id=str(width), media=(medium,), image_size=(width, 56))


@pytest.mark.parametrize(
    ("train", "processes", "message"),
    [
        ({"num_generations": 3}, 1, "makes 8 completions (per_device_train_batch_size 4 x "
         "gradient_accumulation_steps 2 x processes 1), which are no whole groups of "
         "num_generations 3; change one of them"),
        ({"num_generations": 16}, 1, "makes 8 completions"),
        ({"num_generations": 5}, 2, "4 x gradient_accumulation_steps 2 x processes 2)"),
        ({"steps_per_generation": 3, "num_generations": 8}, 1,
         "(per_device_train_batch_size 4 x steps_per_generation 3 x processes 1), which"),
        ({"generation_batch_size": 12, "num_generations": 8}, 1,
         "makes 12 completions (generation_batch_size), which are no whole groups of "),
    ],
)  # fmt: skip
def test_completions_that_make_no_whole_groups_are_counted_out(
    train: dict[str, int], processes: int, message: str, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    with pytest.raises(UserError) as error:
        grpo.arguments(recipe(tmp_path, train), tmp_path)
    assert str(error.value).startswith("train: a generation makes ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    "train",
    [
        {"num_generations": 8},
        {"num_generations": 6, "steps_per_generation": 3},
        {"num_generations": 6, "generation_batch_size": 12},
    ],
)
def test_whole_groups_are_taken(train: dict[str, int], tmp_path: Path) -> None:
    found = grpo.arguments(recipe(tmp_path, train), tmp_path)
    assert (found.generation_batch_size or 0) % train["num_generations"] == 0


class Steps:
    """The guard of a small model, and what a trainer calls of it."""

    def __init__(self) -> None:
        self.model = torch.nn.Linear(2, 2)
        self.names: list[str] = []
        self.guard = FiniteSteps(lambda: self.names)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.1)
        self.step = 0

    def take(self, *micro_batches: tuple[str, float]) -> bool:
        """A step of these (sample, gradient); did it change the weights?"""
        before = self.model.weight.clone()
        for number, (name, gradient) in enumerate(micro_batches, 1):
            self.names = [name, name]
            (self.model.weight[0, 0] * gradient + self.model.bias.sum()).backward()
            if number < len(micro_batches):
                self.guard.on_substep_end(None, None, None)
        state = SimpleNamespace(global_step=self.step)
        self.guard.on_pre_optimizer_step(None, state, None, model=self.model)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        return not torch.equal(before, self.model.weight)


@pytest.mark.parametrize("broken", [float("nan"), float("inf"), float("-inf")])
def test_one_broken_micro_batch_leaves_its_whole_step_out(
    broken: float, caplog: pytest.LogCaptureFixture
) -> None:
    steps = Steps()
    assert steps.take(("a", 1.0), ("b", 1.0))  # so that the optimizer has a momentum
    assert not steps.take(("c", broken), ("d", 1.0))
    assert caplog.messages == [
        "step 2: the gradient is not finite (samples c, d); the step is left out"
    ]
    assert steps.take(("e", 1.0), ("f", 1.0))


def test_only_broken_steps_in_a_row_end_a_run(caplog: pytest.LogCaptureFixture) -> None:
    steps = Steps()
    for _ in range(3):
        for _ in range(MAX_IN_A_ROW - 1):
            assert not steps.take(("x", float("nan")))
        assert steps.take(("good", 1.0))
    for _ in range(MAX_IN_A_ROW - 1):
        steps.take(("x", float("nan")))
    message = (
        r"step 12: .*\(samples last\), 3 steps in a row; lower train\.learning_rate or look at "
        "these samples, then run the same command to resume"
    )
    with pytest.raises(UserError, match=message):
        steps.take(("last", float("nan")))
    assert len(caplog.messages) == 4 * (MAX_IN_A_ROW - 1)


TWO_STEPS_A_GENERATION = {
    "steps_per_generation": 4, "gradient_accumulation_steps": 2, "max_steps": 4,
    "save_strategy": "steps", "save_steps": 1, "learning_rate": 1e-2,
}  # fmt: skip


class Breaking:
    """`trainer.scores`, undefined in some micro-batches; notes whose samples each step is about."""

    def __init__(self, broken: set[int]) -> None:
        self.scores, self.broken = trainer.scores, broken
        self.made: Any = None
        self.seen: dict[int, set[str]] = {}

    def __call__(self, *given: Any) -> Any:
        logps, entropies = self.scores(*given)
        if not torch.is_grad_enabled():
            return logps, entropies
        names = {self.made.samples[index].id for index in self.made._rows}
        self.seen.setdefault(self.made.state.global_step + 1, set()).update(names)
        factor = float("nan") if self.made._step in self.broken else 1.0
        return logps * factor, entropies


def named(text: str) -> set[str]:
    return set(text.partition("(samples ")[2].partition(")")[0].split(", "))


@pytest.mark.slow
def test_a_step_is_left_out_by_the_names_of_its_own_samples_also_after_resuming(
    tmp_path: Path, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    breaking = Breaking({0, 3})  # of the micro-batches 0 1 | 2 3, which are steps 1 | 2
    monkeypatch.setattr(trainer, "scores", breaking)
    train = recipe(tmp_path, TWO_STEPS_A_GENERATION).train
    breaking.made = make_trainer(tmp_path, "pictures:12", train=train)
    before = {name: each.clone() for name, each in breaking.made.model.state_dict().items()}
    with interrupted_at(2):
        setup.train(breaking.made, tmp_path, "train")
    for name, weight in breaking.made.model.state_dict().items():
        assert torch.equal(weight, before[name]), name
    said = [text for text in caplog.messages if "not finite" in text]
    assert [text.split(":")[0] for text in said] == ["step 1", "step 2"]
    assert [named(text) for text in said] == [breaking.seen[1], breaking.seen[2]]

    caplog.clear()
    breaking.broken = {2, 4, 5}  # step 2 again, from the rollouts that were kept, and step 3
    breaking.seen = {}
    breaking.made = make_trainer(tmp_path, "pictures:12", train=train)
    setup.train(breaking.made, tmp_path, "train")
    said = [text for text in caplog.messages if "not finite" in text]
    assert [text.split(":")[0] for text in said] == ["step 2", "step 3"]
    assert [named(text) for text in said] == [breaking.seen[2], breaking.seen[3]]
    assert all(weight.isfinite().all() for weight in breaking.made.model.parameters())
    moved = breaking.made.model.state_dict()
    assert any(not torch.equal(moved[name], before[name]) for name in before)
