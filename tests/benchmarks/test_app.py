import pytest

from benchmarks.app import ANALYSIS, FILES, FPS, PAGE, UPLOAD, AppBenchmark, Stopwatch, measure, write_clip
from fineparser.video.reader import probe
from tests.builders import tiny_compact

pytestmark = pytest.mark.slow


def test_every_step_from_the_upload_to_the_files_has_its_seconds(tmp_path):
    tiny_compact().save_pretrained(tmp_path)
    lines = []
    options = AppBenchmark(
        checkpoint=str(tmp_path), seconds=2, lines=48, long_seconds=3, long_lines=64, repeats=1, row=2
    )
    result = measure(options, lines.append)
    steps = result["steps"]
    assert list(steps) == [UPLOAD, ANALYSIS, PAGE, FILES]
    assert all(seconds >= 0 for part in steps.values() for seconds in part.values())
    assert "finding diver and phases" in steps[ANALYSIS]
    waiting = sum(steps[ANALYSIS].values()) + sum(steps[PAGE].values())
    assert result["from_click_to_page"] == pytest.approx(waiting)
    assert result["weights"] == "untrained"
    assert result["long_clip"]["peak_memory"] is None or result["long_clip"]["peak_memory"] > 50e6
    memory = result["memory_after_analyses"]
    assert len(memory) == 2
    assert all(one is None or one > 50e6 for one in memory)
    assert len(lines) >= 5


def test_clips_have_the_given_length_and_size(tmp_path):
    info = probe(write_clip(tmp_path / "dive.mp4", 5.0, 40))
    assert (info.frame_count, info.height, info.fps) == (round(5 * FPS), 40, pytest.approx(FPS))
    info = probe(write_clip(tmp_path / "enlarged.mp4", 0.5, 600))
    assert (info.frame_count, info.height) == (15, 600)
    assert info.width == pytest.approx(600 * 16 / 9, abs=10)


def test_a_stopwatch_adds_up_repeated_steps(monkeypatch):
    ticks = iter([0.0, 1.0, 3.0, 6.0])
    monkeypatch.setattr("benchmarks.app.time.perf_counter", lambda: next(ticks))
    watch = Stopwatch("reading")
    watch.step("Writing")
    watch.step("Reading")
    assert watch.stop() == {"reading": 1.0 + 3.0, "writing": 2.0}


def test_zero_runs_are_refused():
    with pytest.raises(ValueError, match="not 0 times"):
        AppBenchmark(repeats=0)
    with pytest.raises(ValueError, match="not 0 times"):
        AppBenchmark(row=0)
