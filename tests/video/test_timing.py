import numpy as np
import pytest

from fineparser.video.timing import measure_timing


def test_stamps_rounded_to_milliseconds_are_constant():
    seconds = np.round(np.arange(100) / (30000 / 1001), 3)
    timing = measure_timing(seconds, header_fps=30000 / 1001)
    assert timing.timestamps is None
    assert timing.fps == 30000 / 1001


def test_a_wrong_header_is_overruled_by_the_stamps():
    timing = measure_timing(np.arange(100) / 25, header_fps=30.0)
    assert timing.timestamps is None
    assert timing.fps == pytest.approx(25.0)


def test_one_dropped_frame_makes_the_rate_variable():
    seconds = np.delete(np.arange(101) / 30, 40)
    timing = measure_timing(seconds, header_fps=30.0)
    np.testing.assert_allclose(timing.timestamps, seconds)
    assert timing.fps == pytest.approx(100 / (101 / 30))


def test_a_rate_that_drifts_is_variable():
    seconds = np.cumsum(np.linspace(1 / 30, 1 / 24, 100))  # no step differs much from its neighbour
    timing = measure_timing(seconds, header_fps=27.0)
    np.testing.assert_allclose(timing.timestamps, seconds - seconds[0])


def test_a_little_jitter_is_no_variable_rate():
    rng = np.random.default_rng(0)
    seconds = np.arange(200) / 30 + rng.uniform(-0.003, 0.003, 200)
    assert measure_timing(seconds, header_fps=30.0).timestamps is None


def test_a_late_start_counts_from_the_first_frame():
    seconds = 5 + np.delete(np.arange(50) / 10, 20)
    assert measure_timing(seconds, header_fps=10.0).timestamps[0] == 0.0


@pytest.mark.parametrize("seconds", [[0.1, 0.2, 0.0, 0.0], [0.0], []])
def test_stamps_that_are_no_times_leave_it_to_the_header(seconds):
    assert measure_timing(np.array(seconds), header_fps=24.0).fps == 24.0
    assert measure_timing(np.array(seconds), header_fps=0.0).fps == 25.0
    assert measure_timing(np.array(seconds), header_fps=float("nan"), fallback=30.0).fps == 30.0
