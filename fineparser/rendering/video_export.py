"""Videos written from the frames of a clip: frame rate and sound."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from fineparser.video.decoder import open_container
from fineparser.video.info import VideoError, VideoInfo

MAX_RATE = 120.0
"""Highest frame rate of a video made from a clip of varying rate; players drop frames beyond it."""

SOUND_DECODERS = frozenset(
    (
        *("aac", "aac_latm", "ac3", "eac3", "mp2", "mp2float", "mp3", "mp3float", "opus", "vorbis", "flac", "alac"),
        *("amrnb", "amrwb", "wmav1", "wmav2", "wmapro", "adpcm_ima_qt", "adpcm_ima_wav", "adpcm_ms"),
        *("pcm_alaw", "pcm_mulaw", "pcm_bluray", "pcm_dvd", "pcm_s8", "pcm_u8", "pcm_s16be", "pcm_s16le"),
        *("pcm_s24be", "pcm_s24le", "pcm_s32be", "pcm_s32le", "pcm_f32be", "pcm_f32le", "pcm_f64be", "pcm_f64le"),
    )
)
"""Decoders that the sound of files is given to, as `fineparser.video.decoder.DECODERS` for pictures."""

SOUND_RATE = 48_000
"""Samples a second of the sound that is written."""

SOURCE_RATES = range(4_000, 400_000)
"""Samples a second that sound may have: a damaged header with a lower rate would make gigabytes of a second."""

SOUND_BITS = 128_000
"""Bits a second of the sound that is written, stereo."""

SOUND_TOLERANCE = 0.05
"""Seconds by which the time stamps of sound may differ from its length before samples are left out or silence is put
in: containers round to milliseconds, which must not be heard."""

SOUND_SECONDS = 30.0
"""Time limit for the sound beyond the duration of the clip, seconds on the clock."""


def playback_rate(info: VideoInfo) -> float:
    """Frame rate of a video of a clip's frames: the clip's own or, if it varies, one for its densest part."""
    if info.timestamps is None:
        return info.fps
    # Not the shortest interval of all, since a few odd ones of a millisecond are common.
    shortest = float(np.quantile(np.diff(info.timestamps), 0.05))
    return max(info.fps, min(MAX_RATE, 1 / shortest))


@contextmanager
def with_source_sound(path: str | Path, info: VideoInfo) -> Iterator[Path]:
    """Path for a silent video, which is moved to `path` with the source's sound when the block ends well.

    The sound starts and ends with the frames. A source without sound, or with sound that cannot be decoded, leaves
    the video silent. After an exception nothing is left.

    Raises:
        VideoError: if `path` cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise VideoError(path, f"cannot be written: there is no folder {path.parent}.")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.stem}-") as folder:
        silent, with_sound = Path(folder) / "silent.mp4", Path(folder) / "sound.mp4"
        yield silent
        finished = with_sound if _add_sound(silent, info, with_sound) else silent
        try:
            finished.replace(path)
        except OSError as error:
            raise VideoError(path, f"cannot be written: {error.strerror or error}.") from error


def _add_sound(silent: Path, info: VideoInfo, target: Path) -> bool:
    """Write `silent` with the sound of the source to `target`; False if there is no usable sound."""
    if info.index is None:  # a folder of frames
        return False
    try:
        with open_container(info.path, SOUND_DECODERS, info.coded_width * info.coded_height) as source:
            stream = source.streams.best("audio")
            if not isinstance(stream, AudioStream) or stream.name not in SOUND_DECODERS:
                return False
            blocks = _read_sound(source, stream, info.index.start_seconds, info.duration)
            first = next(blocks, None)
            if first is None:
                return False
            _write_sound(silent, chain([first], blocks), target)
    except (VideoError, av.FFmpegError, ValueError, TimeoutError):
        return False
    return True


def _write_sound(silent: Path, blocks: Iterator[np.ndarray], target: Path) -> None:
    """Copy the video `silent` to `target` with sound, float32 [2, n] a block."""
    faststart = {"movflags": "+faststart"}
    with (
        av.open(f"file:{silent.absolute()}", format="mov") as pictures,
        av.open(f"file:{target.absolute()}", "w", format="mp4", options=faststart) as output,
    ):
        video = pictures.streams.video[0]
        video_copy = output.add_stream_from_template(video)
        sound = output.add_stream("aac", SOUND_RATE, bit_rate=SOUND_BITS, layout="stereo")
        position = 0
        for packet in pictures.demux(video):
            if packet.dts is None:  # marks the end
                continue
            # Written in order of time, or the writer would hold the whole video in memory until the sound comes.
            while position < packet.dts * packet.time_base * SOUND_RATE and (block := next(blocks, None)) is not None:
                position = _encode_sound(output, sound, block, position)
            packet.stream = video_copy
            output.mux(packet)
        for block in blocks:
            position = _encode_sound(output, sound, block, position)
        output.mux(sound.encode(None))


def _encode_sound(output: av.container.OutputContainer, stream: AudioStream, block: np.ndarray, position: int) -> int:
    """Write a block, float32 [2, n], at sample `position`; the position after it."""
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, position, 1 / Fraction(SOUND_RATE)
    output.mux(stream.encode(frame))
    return position + block.shape[1]


def _read_sound(
    source: av.container.InputContainer, stream: AudioStream, start: float, duration: float
) -> Iterator[np.ndarray]:
    """Blocks of stereo sound at `SOUND_RATE`, float32 [2, n], from `start` seconds on, `duration` long at most.

    Each sample is at its time: where the source has none, or none that can be decoded, there is silence. TimeoutError
    after `SOUND_SECONDS` and the duration.
    """
    position, total, tolerance = 0, round(duration * SOUND_RATE), 0
    end = time.monotonic() + SOUND_SECONDS + duration
    for seconds, samples in _decode_sound(source, stream):
        if time.monotonic() > end:
            raise TimeoutError
        place = position if seconds is None else round((seconds - start) * SOUND_RATE)
        if abs(place - position) > tolerance:
            samples = samples[:, max(0, position - place) :]
            for gap in range(position, min(place, total), SOUND_RATE):
                yield np.zeros((2, min(SOUND_RATE, min(place, total) - gap)), np.float32)
            position = max(position, min(place, total))
        if position >= total:
            return
        samples = samples[:, : total - position]
        if samples.size:
            yield samples
            position += samples.shape[1]
            tolerance = round(SOUND_TOLERANCE * SOUND_RATE)


def _decode_sound(
    source: av.container.InputContainer, stream: AudioStream
) -> Iterator[tuple[float | None, np.ndarray]]:
    """Time in seconds, None where it is unknown, and samples float32 [2, n] of the sound that can be decoded."""
    resampler, form = AudioResampler("fltp", "stereo", SOUND_RATE), None
    for packet in chain(_read_packets(source, stream), [None]):
        try:
            frames = stream.codec_context.decode(packet)
        except (av.FFmpegError, ValueError):
            continue
        for frame in frames:
            if frame.sample_rate not in SOURCE_RATES:
                continue
            if form != (form := (frame.format.name, frame.layout.name, frame.sample_rate)):
                resampler = AudioResampler("fltp", "stereo", SOUND_RATE)
            for piece in resampler.resample(frame):
                yield piece.time, piece.to_ndarray()


def _read_packets(source: av.container.InputContainer, stream: AudioStream) -> Iterator[av.Packet]:
    """Packets of a stream, as far as the file can be read."""
    try:
        # A packet without data would end the decoding.
        yield from (packet for packet in source.demux(stream) if packet.size)
    except (av.FFmpegError, ValueError):
        return
