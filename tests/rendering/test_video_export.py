import subprocess
import wave
from dataclasses import replace

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from fineparser.rendering.overlay import write_overlay
from fineparser.rendering.video_export import playback_rate, with_source_sound
from fineparser.video.info import VideoInfo
from fineparser.video.reader import probe
from fineparser.video.writer import write_video

RATE = 16_000


def samples(path) -> np.ndarray:
    """The sound of a video, float [n] at `RATE`; empty where it has none."""
    command = [
        get_ffmpeg_exe(),
        "-loglevel",
        "error",
        "-i",
        path,
        "-vn",
        "-ac",
        "1",
        "-ar",
        str(RATE),
        "-f",
        "s16le",
        "-",
    ]
    done = subprocess.run(command, capture_output=True, check=False)
    return np.frombuffer(done.stdout, np.int16) / 2**15


@pytest.fixture
def sounding(clip, tmp_path):
    """The clip of 2.4 s with 3 s of sound: a tone from 0.8 s to 1.2 s."""
    time = np.arange(3 * RATE) / RATE
    tone = np.where((time >= 0.8) & (time < 1.2), 0.5 * np.sin(2 * np.pi * 440 * time), 0)
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((tone * 2**15).astype(np.int16).tobytes())
    path = tmp_path / "sounding.mp4"
    command = [get_ffmpeg_exe(), "-loglevel", "error", "-i", clip, "-i", tmp_path / "tone.wav", "-c:v", "copy"]
    subprocess.run([*command, "-c:a", "aac", path], check=True)
    return path


def test_sound_is_copied_at_its_time_and_ends_with_the_frames(sounding, tmp_path):
    target = tmp_path / "out" / "overlay.mp4"
    target.parent.mkdir()
    with with_source_sound(target, probe(sounding)) as silent:
        write_video(silent, np.zeros((60, 96, 160, 3), np.uint8), 25.0)
    heard = samples(target)
    loud = np.flatnonzero(np.abs(heard) > 0.2)
    assert loud[0] / RATE == pytest.approx(0.8, abs=0.04)
    assert loud[-1] / RATE == pytest.approx(1.2, abs=0.04)
    assert len(heard) / RATE == pytest.approx(2.4, abs=0.1)
    assert probe(target).frame_count == 60
    assert [file.name for file in target.parent.iterdir()] == ["overlay.mp4"]


def test_a_silent_source_leaves_a_silent_overlay(report, tmp_path):
    assert len(samples(write_overlay(report, tmp_path / "overlay.mp4"))) == 0


def test_a_source_without_usable_sound_leaves_the_video_silent(tmp_path):
    """A broken source loses the sound, not the overlay."""
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    info = VideoInfo(tmp_path / "broken.mp4", "mp4", 10, 25.0, 32, 32, 32, 32)
    with with_source_sound(tmp_path / "overlay.mp4", info) as silent:
        write_video(silent, np.zeros((10, 32, 32, 3), np.uint8), 25.0)
    assert probe(tmp_path / "overlay.mp4").frame_count == 10


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
