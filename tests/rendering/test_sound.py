import subprocess
import wave

import numpy as np
import pytest
from imageio_ffmpeg import get_ffmpeg_exe

from fineparser.rendering.overlay import write_overlay
from fineparser.rendering.sound import finished_with_sound
from fineparser.video.info import VideoInfo
from fineparser.video.reading import probe
from fineparser.video.writing import write_video

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


def test_sound_is_carried_over_at_its_time_and_ends_with_the_picture(sounding, tmp_path):
    target = tmp_path / "out" / "overlay.mp4"
    target.parent.mkdir()
    with finished_with_sound(target, probe(sounding)) as silent:
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


def test_what_cannot_sound_is_left_silent(tmp_path):
    """A source that is no video any more costs the sound, not the overlay."""
    (tmp_path / "broken.mp4").write_bytes(b"no video at all")
    info = VideoInfo(tmp_path / "broken.mp4", "mp4", 10, 25.0, 32, 32, 32, 32)
    with finished_with_sound(tmp_path / "overlay.mp4", info) as silent:
        write_video(silent, np.zeros((10, 32, 32, 3), np.uint8), 25.0)
    assert probe(tmp_path / "overlay.mp4").frame_count == 10


def test_a_failure_leaves_the_earlier_video(tmp_path, info):
    target = tmp_path / "overlay.mp4"
    target.write_bytes(b"earlier")
    with pytest.raises(RuntimeError), finished_with_sound(target, info):
        raise RuntimeError("drawing failed")
    assert target.read_bytes() == b"earlier"
    assert [file.name for file in tmp_path.iterdir()] == ["overlay.mp4"]
