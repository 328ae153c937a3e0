import wave
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from fineparser.rendering.overlay import write_overlay
from fineparser.rendering.video_export import playback_rate, with_source_sound
from fineparser.video.info import VideoError
from fineparser.video.reader import probe
from fineparser.video.writer import write_video
from tests.video.clips import H264, ffmpeg, write_folder
from tests.video.mutated_files import write_mutated, write_sources

RATE = 16_000


def samples(path: Path) -> np.ndarray:
    """The sound of a video, float [n] at `RATE`; empty where it has none."""
    with av.open(str(path)) as file:
        if not file.streams.audio:
            return np.empty(0)
    data = ffmpeg("-i", path, "-vn", "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-")
    return np.frombuffer(data, np.int16) / 2**15


def loud_seconds(path: Path) -> tuple[float, float]:
    """First and last loud moment of a video."""
    loud = np.flatnonzero(np.abs(samples(path)) > 0.2)
    return loud[0] / RATE, loud[-1] / RATE


def export(source: Path, target: Path, count: int = 60) -> Path:
    """A video of `count` black frames with the sound of `source`."""
    with with_source_sound(target, probe(source)) as silent:
        write_video(silent, np.zeros((count, 96, 160, 3), np.uint8), 25.0)
    return target


@pytest.fixture
def tone(tmp_path) -> Path:
    """3 s of sound: a tone from 0.8 s to 1.2 s."""
    time = np.arange(3 * RATE) / RATE
    tone = np.where((time >= 0.8) & (time < 1.2), 0.5 * np.sin(2 * np.pi * 440 * time), 0)
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((tone * 2**15).astype(np.int16).tobytes())
    return tmp_path / "tone.wav"


@pytest.fixture
def sounding(clip, tone, tmp_path) -> Path:
    """The clip of 2.4 s with the tone."""
    ffmpeg("-i", clip, "-i", tone, "-c:v", "copy", "-c:a", "aac", tmp_path / "sounding.mp4")
    return tmp_path / "sounding.mp4"


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp4", ("aac",)),
        ("a.mov", ("pcm_s16le",)),
        ("a.mkv", ("libopus",)),
        ("a.mkv", ("flac", "-ac", "6")),
        ("a.avi", ("libmp3lame", "-ar", "44100")),
        ("a.ts", ("ac3", "-ar", "48000")),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_sound_is_copied_at_its_time_and_ends_with_the_frames(clip, tone, tmp_path, name, codec):
    source, target = tmp_path / name, tmp_path / "out" / "overlay.mp4"
    target.parent.mkdir()
    ffmpeg("-i", clip, "-i", tone, "-c:v", "copy", "-c:a", *codec, source)
    export(source, target)
    assert loud_seconds(target) == pytest.approx((0.8, 1.2), abs=0.04)
    assert len(samples(target)) / RATE == pytest.approx(2.4, abs=0.1)
    with av.open(str(target)) as file:
        times = [frame.time for frame in file.decode(video=0)]
    np.testing.assert_allclose(times, np.arange(60) / 25, atol=1e-6)
    assert [file.name for file in target.parent.iterdir()] == ["overlay.mp4"]


@pytest.mark.parametrize("offset", [0.5, -0.5], ids=["frames later", "sound later"])
def test_frames_and_sound_that_start_apart_stay_together(clip, tone, tmp_path, offset):
    shift = ("-itsoffset", str(abs(offset)))
    first, second = (shift, ()) if offset > 0 else ((), shift)
    ffmpeg(*first, "-i", clip, *second, "-i", tone, "-c:v", "copy", "-c:a", "libopus", tmp_path / "apart.mkv")
    target = export(tmp_path / "apart.mkv", tmp_path / "overlay.mp4")
    assert loud_seconds(target) == pytest.approx((0.8 - offset, 1.2 - offset), abs=0.04)


def damage_sound(path: Path, start: int = 0, stop: int | None = None) -> None:
    """Overwrite some of the packets of sound."""
    with av.open(str(path)) as file:
        packets = [packet for packet in file.demux(audio=0) if packet.size]
    data = bytearray(path.read_bytes())
    for packet in packets[start:stop]:
        data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)


def test_sound_after_a_damaged_part_stays_at_its_time(sounding, tmp_path):
    damage_sound(sounding, 2, 6)
    assert loud_seconds(export(sounding, tmp_path / "overlay.mp4")) == pytest.approx((0.8, 1.2), abs=0.07)


def test_sound_that_is_damaged_throughout_leaves_the_video_silent(sounding, tmp_path):
    damage_sound(sounding)
    target = export(sounding, tmp_path / "overlay.mp4")
    assert len(samples(target)) == 0
    assert probe(target).frame_count == 60


def test_a_silent_source_leaves_a_silent_overlay(report, tmp_path):
    assert len(samples(write_overlay(report, tmp_path / "overlay.mp4"))) == 0


def test_a_folder_of_frames_has_no_sound(tmp_path):
    folder = write_folder(tmp_path / "frames", np.zeros((10, 32, 32, 3), np.uint8))
    assert len(samples(export(folder, tmp_path / "overlay.mp4", 10))) == 0


def test_sound_in_a_rare_format_leaves_the_video_silent(clip, tone, tmp_path):
    ffmpeg("-i", clip, "-i", tone, "-c:v", "copy", "-c:a", "wavpack", tmp_path / "rare.mkv")
    assert len(samples(tmp_path / "rare.mkv")) > 0
    target = export(tmp_path / "rare.mkv", tmp_path / "overlay.mp4")
    assert len(samples(target)) == 0
    assert probe(target).frame_count == 60


def test_sound_of_an_impossible_rate_leaves_the_video_silent(clip, tone, tmp_path):
    """At one sample a second, the second of sound would take an hour."""
    ffmpeg("-i", clip, "-i", tone, "-c:v", "copy", "-c:a", "pcm_s16le", tmp_path / "rate.avi")
    data = (tmp_path / "rate.avi").read_bytes()
    place = data.index(b"auds") - 8  # the stream's header and its format, with the rate in both
    head = data[place : place + 200]
    damaged = head.replace(RATE.to_bytes(4, "little"), (1).to_bytes(4, "little"))
    assert damaged != head
    (tmp_path / "rate.avi").write_bytes(data.replace(head, damaged))
    assert len(samples(export(tmp_path / "rate.avi", tmp_path / "overlay.mp4"))) == 0


def test_a_source_that_was_lost_meanwhile_leaves_the_video_silent(sounding, tmp_path):
    info = probe(sounding)
    sounding.write_bytes(b"no video at all")
    with with_source_sound(tmp_path / "overlay.mp4", info) as silent:
        write_video(silent, np.zeros((10, 32, 32, 3), np.uint8), 25.0)
    assert probe(tmp_path / "overlay.mp4").frame_count == 10
    assert len(samples(tmp_path / "overlay.mp4")) == 0


@pytest.mark.slow
def test_damaged_files_leave_the_video_whole(tmp_path):
    """With the sound that is left or without any; no other exception than that of a clip that cannot be read."""
    tone = ("-f", "lavfi", "-i", "sine=duration=1.2", "-pix_fmt", "yuv420p")
    options = {
        "aac.mp4": (*tone, *H264, "-c:a", "aac"),
        "opus.mkv": (*tone, *H264, "-c:a", "libopus"),
        "mp3.avi": (*tone, "-c:v", "mpeg4", "-c:a", "libmp3lame"),
        "mp2.ts": (*tone, *H264, "-c:a", "mp2"),
    }
    (tmp_path / "sources").mkdir()
    (tmp_path / "mutated").mkdir()
    sounding = []
    for path in write_mutated(tmp_path / "mutated", 60, 5, write_sources(tmp_path / "sources", options)):
        try:
            info = probe(path)
        except VideoError:
            continue
        target = tmp_path / "overlay.mp4"
        with with_source_sound(target, info) as silent:
            write_video(silent, np.zeros((20, 48, 64, 3), np.uint8), 25.0)
        with av.open(str(target)) as file:
            assert sum(1 for _ in file.decode(video=0)) == 20
            sounding.append(bool(file.streams.audio))
    assert len(sounding) > 25
    assert sum(sounding) > 20


def test_a_failure_leaves_the_earlier_video(tmp_path, info):
    target = tmp_path / "overlay.mp4"
    target.write_bytes(b"earlier")
    with pytest.raises(RuntimeError), with_source_sound(target, info):
        raise RuntimeError("drawing failed")
    assert target.read_bytes() == b"earlier"
    assert [file.name for file in tmp_path.iterdir()] == ["overlay.mp4"]


def test_a_constant_rate_is_kept(info):
    assert playback_rate(replace(info, fps=29.97)) == 29.97


def test_a_varying_rate_gets_that_of_its_densest_part(info):
    """A phone that drops from 30 to 15 frames a second: no frame of the fast half may be lost."""
    stamps = tuple([n / 30 for n in range(30)] + [1 + n / 15 for n in range(30)])
    assert playback_rate(replace(info, timestamps=stamps, fps=20.0)) == pytest.approx(30)


def test_a_few_odd_timestamps_are_ignored(info):
    stamps = tuple(n / 25 if n != 10 else 9 / 25 + 0.001 for n in range(60))
    assert playback_rate(replace(info, timestamps=stamps, fps=25.0)) == pytest.approx(25, abs=0.1)


def test_the_rate_has_a_limit(info):
    stamps = tuple(n / 1000 for n in range(60))
    assert playback_rate(replace(info, timestamps=stamps, fps=90.0)) == 120
