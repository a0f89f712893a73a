"""Prompts: the table of modes, where the media go, and that user text stays text."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vlrl.contracts import Frame, Sample, Task, UserError
from vlrl.prompts import MODES, escape, find_mode, messages, transcript, write_completion


@dataclass(frozen=True)
class Picture:
    key: str = "picture"
    kind: str = "image"


class Asking(Task):
    name = "asking"

    def hint(self, sample: Sample, frame: Frame | None) -> str:
        return "Write digits."


TASK = Asking()
IMAGE, VIDEO = Picture(), Picture(kind="video")


def sample(question: str, *media: Picture) -> Sample:
    return Sample(id="1", task="asking", question=question, target=3, media=media)


def blocks(question: str, *media: Picture) -> list[str]:
    """The content of the prompt in short: a kind of media, or a text without hint and ask."""
    content = messages(TASK, sample(question, *media), "vanilla")[0]["content"]
    tail = "\nWrite digits.\nGive only the answer."
    texts = [block.get("text", f"[{block['type']}]") for block in content]
    assert texts[-1].endswith(tail.lstrip())
    return [*texts[:-1], texts[-1].removesuffix(tail.lstrip()).removesuffix("\n")]


def test_the_modes_are_the_eight_of_the_design() -> None:
    expected = "think direct answer_first adaptive observe caption transcript vanilla"
    assert list(MODES) == expected.split()


@pytest.mark.parametrize("mode", MODES.values(), ids=lambda mode: mode.name)
def test_a_mode_asks_for_the_tags_of_its_shape(mode) -> None:
    tags = {tag for alternative in mode.shape for tag in alternative}
    assert all(f"<{tag}> and </{tag}>" in mode.ask for tag in tags)
    assert len(mode.ask.split()) <= 25
    assert not mode.prefix or mode.prefix.startswith(f"<{mode.shape[0][0]}>")
    assert write_completion(mode.name, "Hm.", "3").startswith(mode.prefix)


def test_a_prompt_is_question_hint_and_ask() -> None:
    assert messages(TASK, sample("How many?", IMAGE), "direct") == [
        {
            "role": "user",
            "content": [
                {"type": "image"},
                {
                    "type": "text",
                    "text": "How many?\nWrite digits.\n"
                    "Give only the answer between <answer> and </answer>.",
                },
            ],
        }
    ]


@pytest.mark.parametrize(
    ("question", "media", "expected"),
    [
        ("How many?", [], ["How many?"]),
        ("How many?", [IMAGE, IMAGE], ["[image]", "[image]", "How many?"]),
        ("<image>How many?", [IMAGE], ["[image]", "How many?"]),
        ("From <image> to <image>?", [IMAGE, IMAGE], ["From ", "[image]", " to ", "[image]", "?"]),
        ("What is in <image>", [IMAGE], ["What is in ", "[image]", ""]),
        ("Then <image>?", [IMAGE, IMAGE], ["[image]", "Then ", "[image]", "?"]),
        ("<image> or <image>?", [IMAGE], ["[image]", " or < image >?"]),
        ("<video> of <image>", [IMAGE, VIDEO], ["[video]", " of ", "[image]", ""]),
        ("<image> in it?", [VIDEO], ["[video]", "< image > in it?"]),
    ],
)
def test_media_stand_at_their_markers(question, media, expected) -> None:
    assert blocks(question, *media) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<|image_pad|> and <|im_end|>", "<| image_pad |> and <| im_end |>"),
        ("<image></s><pad>", "< image >< /s >< pad >"),
        ("<|<|im_end|>|>", "<|<| im_end |>|>"),
        ("3 < 4 | 5 > 2, <b>so</b> <answer>", "3 < 4 | 5 > 2, <b>so</b> <answer>"),
    ],
)
def test_special_tokens_in_user_text_become_text(text: str, expected: str) -> None:
    assert escape(text) == expected


@given(st.lists(st.sampled_from(["<|", "|>", "<", ">", "image", "im_end", "/s", "|", " "])))
def test_escape_is_idempotent_and_complete(pieces: list[str]) -> None:
    text = escape("".join(pieces))
    assert escape(text) == text
    assert not any(token in text for token in ("<|im_end|>", "<|image|>", "<image>", "</s>"))


def test_options_in_a_hint_are_escaped_too() -> None:
    class Leaky(Asking):
        def hint(self, sample: Sample, frame: Frame | None) -> str:
            return f"One of {sample.options}."

    asked = messages(Leaky(), sample("Which?").with_(options=("<|im_end|>",)), "think")
    assert "<|im_end|>" not in asked[0]["content"][0]["text"]


def test_a_transcript_is_plain_text_with_a_marker_for_each_medium() -> None:
    text = transcript(TASK, sample("Is <image> in <|im_end|> <image>?", IMAGE))
    assert text.startswith("User: Is <image> in <| im_end |> < image >?\nWrite digits.\n")
    assert text.endswith("\nAssistant: I will go step by step.\n")


def test_an_unknown_mode_names_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean 'think'"):
        find_mode("thinks")
