"""Clips for the viewer: the analysed frames and a margin, small enough for a tablet."""

import numpy as np
import pytest

from fineparser.ui.player import write_player_clip
from fineparser.video.reader import open_source
from fineparser.video.writer import write_video


def test_a_player_clip_has_the_analysed_frames_and_a_second_around_them(scan, tmp_path):
    clip = write_player_clip(scan.info, 60, 110, tmp_path / "dive.mp4")
    assert (clip.first, clip.fps, clip.start) == (35, pytest.approx(25), pytest.approx(1.4))
    with open_source(clip.path) as written, open_source(scan.info.path) as source:
        assert written.info.frame_count == 110 + 25 - 35 + 1
        assert len(clip.times) == written.info.frame_count + 1
        change = written.frame(55).astype(int) - source.frame(90)
        assert np.abs(change).mean() < 4


def test_large_frames_are_reduced(tmp_path):
    write_video(tmp_path / "large.mp4", np.zeros((10, 900, 1602, 3), np.uint8), 25.0)
    with open_source(tmp_path / "large.mp4") as source:
        info = source.info
    with open_source(write_player_clip(info, 0, 9, tmp_path / "dive.mp4").path) as written:
        assert (written.info.width, written.info.height) == (1282, 720)
