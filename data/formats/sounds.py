"""The sound of a video: whether it has one, and whether it lasts as long as the pictures.

It is decoded, measured and told, and given to no model: `vlrl` trains on the pictures.  Published
clips are not all whole: those of DFEW often end before their pictures do, and of 21 of MAFW no
sound can be had (github.com/sunlicai/HiCMAE, commit cdd28d4, preprocess/mafw_av.py).  R1-Omni
listens to silence where it finds none.
"""

from __future__ import annotations

from typing import NamedTuple

from vlrl.contracts import Media, Sample
from vlrl.media import UnreadableMedia, VideoBytes, VideoFile
from vlrl.media.images import readable

TOLERANCE_S = 0.5  # by which a sound that fits may differ from its video


class Sound(NamedTuple):
    duration_s: float
    rate_hz: int
    num_channels: int


def sound_of(video: Media) -> Sound | None:
    """The first sound of a video file, decoded to its end; None where it has none.

    Raises UnreadableMedia for a broken one.
    """
    with readable(video), video.open() as container:
        if not container.streams.audio:
            return None
        stream = container.streams.audio[0]
        rate_hz, num_channels = stream.rate, stream.channels
        num_samples = sum(frame.samples for frame in container.decode(stream))
    return Sound(num_samples / rate_hz, rate_hz, num_channels)


def listened(sample: Sample) -> Sample:
    """With `meta["sound"]`: `fits`, `short`, `long`, `none` or `broken`.

    As it is where its media are no videos in files.
    """
    videos = [each for each in sample.media if isinstance(each, VideoFile | VideoBytes)]
    if not videos or sample.duration is None:
        return sample
    try:
        fit = _fit(sound_of(videos[0]), sample.duration)
    except UnreadableMedia:
        fit = "broken"
    return sample.with_(meta={**sample.meta, "sound": fit})


def _fit(sound: Sound | None, duration_s: float) -> str:
    if sound is None:
        return "none"
    late_s = sound.duration_s - duration_s
    if abs(late_s) <= TOLERANCE_S:
        return "fits"
    return "long" if late_s > 0 else "short"
