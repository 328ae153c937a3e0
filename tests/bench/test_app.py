from dataclasses import replace

import pytest
import torch

from fineparser.bench.app import FILES, FPS, JUDGES, LOOKS, SHOWS, AppBenchOptions, Stopwatch, bench_app, write_clip
from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.video.reading import probe


def test_every_step_from_the_upload_to_the_files_has_its_seconds(tmp_path):
    torch.manual_seed(0)
    FineParser(replace(FineParserConfig.tiny(), image_size=112)).save_pretrained(tmp_path)
    told = []
    options = AppBenchOptions(str(tmp_path), seconds=2, lines=48, long_seconds=3, long_lines=64, repeats=1)
    result = bench_app(options, told.append)
    steps = result["steps"]
    assert list(steps) == [LOOKS, JUDGES, SHOWS, FILES]
    assert all(seconds >= 0 for part in steps.values() for seconds in part.values())
    assert "finding the diver and the phases" in steps[JUDGES]
    waited = sum(steps[JUDGES].values()) + sum(steps[SHOWS].values())
    assert result["from_click_to_shown"] == pytest.approx(waited)
    assert result["weights"] == "untrained"
    assert result["long_clip"]["peak_memory"] is None or result["long_clip"]["peak_memory"] > 50e6
    assert len(told) >= 4


def test_a_clip_of_the_length_and_size_that_was_asked_for(tmp_path):
    info = probe(write_clip(tmp_path / "dive.mp4", 5.0, 40))
    assert (info.frame_count, info.height, info.fps) == (round(5 * FPS), 40, pytest.approx(FPS))
    info = probe(write_clip(tmp_path / "enlarged.mp4", 0.5, 600))
    assert (info.frame_count, info.height) == (15, 600)
    assert info.width == pytest.approx(600 * 16 / 9, abs=10)


def test_a_stopwatch_adds_up_what_comes_twice(monkeypatch):
    ticks = iter([0.0, 1.0, 3.0, 6.0])
    monkeypatch.setattr("fineparser.bench.app.time.perf_counter", lambda: next(ticks))
    watch = Stopwatch("reading")
    watch.step("Writing")
    watch.step("Reading")
    assert watch.stop() == {"reading": 1.0 + 3.0, "writing": 2.0}


def test_no_runs_are_no_measurement():
    with pytest.raises(ValueError, match="not 0 times"):
        AppBenchOptions(repeats=0)
