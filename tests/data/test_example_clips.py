"""The clips that come with the app."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.data import example_clips
from fineparser.data.example_clips import EXAMPLES, MAX_BYTES_PER_CLIP, write_examples
from fineparser.domain.difficulty import difficulty
from fineparser.video.reader import open_source, probe


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_bundled_clip_is_what_its_plan_says(example):
    assert example.path.stat().st_size <= MAX_BYTES_PER_CLIP
    info, plan = probe(example.path), example.plan()
    assert info.frame_count == len(plan.times)
    assert info.fps == pytest.approx(plan.fps, rel=1e-3)
    assert plan.slow_motion == 1
    assert difficulty(example.code, example.height) == plan.difficulty


def test_the_frames_of_the_plan_are_written(tmp_path):
    one = replace(EXAMPLES[0], name="small")
    write_examples(tmp_path, (one,), lines=64)
    assert [path.name for path in tmp_path.iterdir()] == ["small.mp4"]
    expected, _ = one.plan().render(64, "full", np.array([0, 60]))
    with open_source(tmp_path / "small.mp4") as source:
        result = source.read([0, 60])[:, :64, : expected.shape[2]]
    assert np.abs(result.astype(int) - expected).mean() < 8


def test_a_clip_that_stays_too_large_is_rejected(tmp_path, monkeypatch):
    monkeypatch.setattr(example_clips, "MAX_BYTES_PER_CLIP", 1000)
    with pytest.raises(ValueError, match="larger than 1000 bytes"):
        write_examples(tmp_path, EXAMPLES[:1], lines=32)
    assert list(tmp_path.iterdir()) == []
