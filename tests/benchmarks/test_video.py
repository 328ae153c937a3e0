from itertools import pairwise

import av
import numpy as np
import pytest

from benchmarks.video import (
    FPS,
    VideoBenchmark,
    camera_frames,
    frame_rates,
    measure,
    read_by_ffmpeg,
    read_by_ffmpeg_to_rgb,
    read_by_opencv,
    read_by_scan,
    read_by_stream,
    write_session,
)
from fineparser.video.reader import open_source, probe
from fineparser.video.writer import write_video


def test_frames_have_the_given_size_and_noise_that_changes():
    frames = list(camera_frames(90, 5))
    assert {frame.shape for frame in frames} == {(90, 160, 3)}
    changes = [np.abs(one.astype(int) - other).mean() for one, other in pairwise(frames)]
    assert min(changes) > 2


@pytest.mark.parametrize("read", [read_by_scan, read_by_stream, read_by_opencv, read_by_ffmpeg, read_by_ffmpeg_to_rgb])
def test_every_reader_reads_every_frame(tmp_path, read):
    info = probe(write_video(tmp_path / "clip.mp4", camera_frames(48, 25), FPS))
    assert read(info) == 25


def test_a_reader_that_loses_frames_is_not_timed(tmp_path):
    info = probe(write_video(tmp_path / "clip.mp4", camera_frames(48, 25), FPS))
    with pytest.raises(RuntimeError, match="opencv has read 24 frames instead of 25"):
        frame_rates(info, {"opencv": lambda info: info.frame_count - 1}, 1)


def test_a_session_is_one_stretch_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.video.STRETCH_SECONDS", 1.0)
    path = write_session(tmp_path / "session.mp4", 3.0, 48)
    assert list(tmp_path.iterdir()) == [path]
    with open_source(path) as source:
        assert source.info.frame_count == 3 * FPS
        assert source.info.fps == pytest.approx(FPS)
        assert not source.info.variable_frame_rate
        np.testing.assert_array_equal(source.frame(5), source.frame(5 + 2 * FPS))
    with av.open(str(path)) as file:
        assert file.streams.video[0].frames == 3 * FPS


@pytest.mark.slow
def test_rates_ratios_and_a_session_are_measured():
    lines = []
    options = VideoBenchmark(lines=(48,), seconds=1, repeats=1, session_minutes=0.1, session_lines=48)
    result = measure(options, lines.append)
    numbers = result["sizes"]["48"]
    for name in ("scan", "stream", "opencv", "ffmpeg", "ffmpeg rgb24"):
        rate = numbers["frames_per_second"][name]
        assert numbers["times_opencv"][name] == pytest.approx(rate / numbers["frames_per_second"]["opencv"])
    assert result["session"]["frames"] == 0.1 * 60 * FPS
    assert result["session"]["times_real_time"] == pytest.approx(6 / result["session"]["scan_seconds"])
    assert result["session"]["peak_memory"] is None or result["session"]["peak_memory"] > 50e6
    assert "\n| 48 | " in "\n".join(lines)


def test_impossible_options_are_refused():
    with pytest.raises(ValueError, match="not 0 times"):
        VideoBenchmark(repeats=0)
    with pytest.raises(ValueError, match="too short"):
        VideoBenchmark(seconds=0.1)
