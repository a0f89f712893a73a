"""The raw formats of emotion: read as published, bad rows named, sounds measured."""

import json
import logging
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest

from vlrl import tasks
from vlrl.check import check_task
from vlrl.contracts import BadRow, Sample, Source
from vlrl.data.emotion import Emotion
from vlrl.data.formats.emotions import DFEW, MAFW, QUESTION, RAVDESS
from vlrl.data.formats.sounds import listened, sound_of
from vlrl.media import UnreadableMedia, VideoBytes, load_clip
from vlrl.media.clips import Sampling

TASK = Emotion()
ROOT = Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "data" / "samples"
SCRIPT = runpy.run_path(str(ROOT / "scripts/samples/emotion.py"))

FILES = {
    "r1_omni": "r1_omni/MAFW_DFEW.json",
    "dfew": "dfew/EmoLabel_DataSplit/test(single-labeled)/set_1.csv",
    "mafw": "mafw/single/no_caption/set_1/test.txt",
    "ravdess": "ravdess",
}
CLASSES = {
    "r1_omni": [list(DFEW), list(MAFW), None],
    "dfew": [list(DFEW)] * 2,
    "mafw": [list(MAFW)] * 2,
    "ravdess": [list(RAVDESS)] * 2,
}


def read(path: Path, role: str = "test") -> list[Sample | BadRow]:
    return list(TASK.load(Source(spec=str(path), role=role)))  # type: ignore[arg-type]


def good(path: Path) -> list[Sample]:
    found = read(path)
    assert all(isinstance(each, Sample) for each in found), found
    return found  # type: ignore[return-value]


def test_every_format_has_a_sample_folder() -> None:
    assert {each.name for each in TASK.formats} == set(FILES)


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_the_sample_rows_are_read_and_checked(name: str) -> None:
    found = good(SAMPLES / FILES[name])
    assert [each.target for each in found] == ["angry", "disgust", "surprise"][: len(found)]
    assert [each.meta.get("classes") for each in found] == CLASSES[name]
    for each in found:
        assert (each.question, each.duration, each.meta["sound"]) == (QUESTION, 2.0, "fits")
        assert each.meta["emotion"] == each.target
        assert len(load_clip(each.media[0], Sampling(fps=4)).frames) == 8
    source = Source(spec=str(SAMPLES / FILES[name]), role="test")
    assert tasks.reading(source).name == TASK.name
    report = check_task(TASK, source)
    assert report.passed, report.findings


@pytest.mark.slow
def test_the_sample_rows_are_those_that_the_script_writes(tmp_path: Path) -> None:
    SCRIPT["make"](tmp_path)
    files = sorted(file.relative_to(tmp_path) for file in tmp_path.rglob("*") if file.is_file())
    assert {file.parts[0] for file in files} == set(FILES)
    for file in files:
        assert (SAMPLES / file).is_file()
        if file.suffix != ".mp4":
            assert (SAMPLES / file).read_bytes() == (tmp_path / file).read_bytes()


# Details of the layouts


def conversation(video: str, *replies: str) -> dict[str, Any]:
    turns = [{"from": "human", "value": "<video>\n<audio>\nWhich?"}]
    turns += [{"from": "gpt", "value": reply} for reply in replies]
    return {"video": video, "conversations": turns}


def test_rows_for_a_cold_start_bring_their_thinking() -> None:
    found = good(SAMPLES / FILES["r1_omni"])
    assert [each.reasoning is None for each in found] == [True, True, False]
    assert found[2].reasoning == (
        "The face looks sad in 2 pictures and then surprise in 6 pictures, so surprise the longest."
    )


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (conversation("DFEW/x.mp4", "contempt"), "the emotion 'contempt' is none of happy, sad,"),
        (conversation("DFEW/x.mp4", "sad", "happy"), "one reply names the emotion; there are 2"),
        (conversation("DFEW/x.mp4"), "one reply names the emotion; there are 0"),
        (conversation("DFEW/x.mp4", "<answer>sad"), "the reply '<answer>sad' has no complete"),
        (conversation("DFEW/x.mp4", ""), "the reply '' has no complete answer"),
        (conversation("MAFW/y.mp4", "sad"), "there is no file MAFW/y.mp4"),
    ],
)
def test_a_broken_row_of_r1_omni_is_named(tmp_path: Path, row: dict[str, Any], reason: str) -> None:
    write_clip(tmp_path / "DFEW" / "x.mp4")
    rows = [conversation("DFEW/x.mp4", "Anger"), row]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    first, second = read(tmp_path / "rows.json")
    assert isinstance(first, Sample) and first.target == "angry"
    assert isinstance(second, BadRow) and second.reason.startswith(reason)


def test_labels_of_dfew_are_numbers_from_1_to_7(tmp_path: Path) -> None:
    write_clip(tmp_path / "videos" / "1.mp4")
    lines = [f"1,{label}" for label in (1, 2, 3, 4, 5, 6, 7, 0, 8, "sad")]
    (tmp_path / "set_1.csv").write_text("\n".join(["video_name,label", *lines]))
    found = read(tmp_path / "set_1.csv")
    assert [each.target for each in found if isinstance(each, Sample)] == list(DFEW)
    reasons = [each.reason for each in found if isinstance(each, BadRow)]
    assert reasons == [f"the label '{each}' is no number from 1 to 7" for each in ("0", "8", "sad")]


def test_nouns_of_mafw_name_its_classes(tmp_path: Path) -> None:
    write_clip(tmp_path / "videos" / "00025.mp4")
    nouns = "happiness sadness neutral anger surprise disgust fear contempt disappointment"
    lines = [f"00025.mp4 {noun}" for noun in f"{nouns} helplessness anxiety".split()]
    text = "\n".join([*lines, "", "00025.mp4", "00025.mp4 boredom"])
    (tmp_path / "train.txt").write_text(text)
    found = read(tmp_path / "train.txt", "train")
    assert [each.target for each in found if isinstance(each, Sample)] == list(MAFW)
    bad = [each for each in found if isinstance(each, BadRow)]
    assert [each.row for each in bad] == [13, 14]
    assert bad[0].reason == "'00025.mp4' is no CLIP.mp4 EMOTION"
    assert bad[1].reason.startswith("the emotion 'boredom' is none of happy")


@pytest.mark.slow
def test_names_of_ravdess_tell_the_emotion_and_copies_without_sound_are_not_read(
    tmp_path: Path,
) -> None:
    for number in range(1, 10):
        write_clip(tmp_path / "Actor_12" / f"01-02-{number:02d}-01-02-01-12.mp4")
    write_clip(tmp_path / "Actor_12" / "02-02-01-01-02-01-12.mp4")
    found = read(tmp_path)
    assert [each.target for each in found if isinstance(each, Sample)] == list(RAVDESS)
    assert {each.meta["channel"] for each in found if isinstance(each, Sample)} == {"song"}
    (bad,) = (each for each in found if isinstance(each, BadRow))
    assert bad.reason == "the emotion 09 is no number from 01 to 08"


# Sounds


def write_clip(path: Path, sound_s: float | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(SCRIPT["clip"]("sample/0", sound_s=sound_s))


@pytest.mark.parametrize(
    ("sound_s", "fit"),
    [(None, "fits"), (1.7, "fits"), (1.0, "short"), (3.0, "long"), (0.0, "none")],
)
def test_a_sound_is_compared_with_its_video(
    tmp_path: Path, sound_s: float | None, fit: str
) -> None:
    write_clip(tmp_path / "1.mp4", sound_s)
    (tmp_path / "set_1.csv").write_text("video_name,label\n1,2\n")
    (found,) = good(tmp_path / "set_1.csv")
    assert found.meta["sound"] == fit and found.duration == pytest.approx(2.0, abs=0.01)


def test_a_sound_is_measured_in_full() -> None:
    video = VideoBytes(SCRIPT["clip"]("sample/0"), "clip")
    sound = sound_of(video)
    assert sound is not None and (sound.rate_hz, sound.num_channels) == (8000, 1)
    assert sound.duration_s == pytest.approx(2.0, abs=0.3)
    assert sound_of(VideoBytes(SCRIPT["clip"]("sample/0", sound_s=0.0), "clip")) is None
    with pytest.raises(UnreadableMedia):
        sound_of(VideoBytes(b"no video", "clip"))


def test_a_sound_that_cannot_be_decoded_is_told() -> None:
    (found, _) = good(SAMPLES / FILES["dfew"])
    broken = found.with_(media=(VideoBytes(b"no video", "clip"),))
    assert listened(broken).meta == {**found.meta, "sound": "broken"}


def test_sounds_that_do_not_fit_are_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number, sound_s in enumerate((None, 1.0, 0.0), start=1):
        write_clip(tmp_path / f"{number}.mp4", sound_s)
    path = tmp_path / "set_1.csv"
    path.write_text("video_name,label\n1,2\n2,2\n3,2\n")
    with caplog.at_level(logging.INFO, logger="vlrl"):
        read(path)
        read(SAMPLES / FILES["dfew"])
    assert caplog.messages == [f"{path}: sounds of the videos: 1 fits, 1 none, 1 short"]


def test_a_film_without_pictures_is_a_bad_row(tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "dfew", tmp_path, dirs_exist_ok=True)
    (tmp_path / "videos" / "1.mp4").write_bytes(b"no video")
    first, second = read(tmp_path / "EmoLabel_DataSplit/test(single-labeled)/set_1.csv")
    assert isinstance(first, BadRow) and isinstance(second, Sample)
