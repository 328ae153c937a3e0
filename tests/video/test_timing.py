"""Frame rates from time stamps, and the real time of slow motion."""

import numpy as np
import pytest

from fineparser.video.reader import open_source, probe
from fineparser.video.timing import Timing, measure_capture, measure_timing
from tests.video.clips import H264, encode, number_of, numbered_frames


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


def ramp(slow_interval: float, fast_interval: float, slow: int = 60, fast: int = 60) -> Timing:
    """A stretch of short intervals, one of long ones, and another of short ones."""
    intervals = np.concatenate(
        [np.full(fast, fast_interval), np.full(slow, slow_interval), np.full(fast, fast_interval)]
    )
    return Timing(1 / intervals.mean(), tuple(np.concatenate([[0], np.cumsum(intervals)]).tolist()))


def test_the_capture_rate_in_the_metadata_gives_the_real_time(tmp_path):
    slow = ("-movflags", "use_metadata_tags", "-metadata", "com.android.capture.fps=240.0")
    info = probe(encode(tmp_path / "slow.mp4", numbered_frames(30), *H264, *slow))
    assert info.seconds(16) == pytest.approx(16 / 30)
    assert info.capture_seconds(16) == pytest.approx(16 / 240)
    plain = probe(encode(tmp_path / "plain.mp4", numbered_frames(30)))
    assert plain.capture_times is None
    assert plain.capture_seconds(16) == plain.seconds(16)


@pytest.mark.parametrize("rate", ["30", "33.0", "0", "-240", "nan", "inf", "fast"])
def test_a_capture_rate_that_slows_nothing_down_changes_nothing(rate):
    assert measure_capture(Timing(30.0, None), 50, {"com.android.capture.fps": rate}) is None


def test_a_clip_at_a_high_rate_plays_in_real_time():
    assert measure_capture(Timing(240.0, None), 50, {"com.android.capture.fps": "240.0"}) is None


def test_a_ramp_is_taken_at_its_high_rate_throughout():
    timing = ramp(1 / 30, 1 / 240)
    times = measure_capture(timing, 181, {})
    np.testing.assert_allclose(times, np.arange(181) / 240)
    assert timing.timestamps[-1] == pytest.approx(120 / 240 + 60 / 30)


def test_a_ramp_is_recognised_in_a_file(tmp_path):
    stamps = "if(lt(N,40),N/240,if(lt(N,80),40/240+(N-40)/30,40/240+40/30+(N-80)/240))/TB"
    timed = ("-vf", f"settb=1/24000,setpts='{stamps}'", "-fps_mode", "passthrough", "-enc_time_base", "1/24000")
    info = probe(encode(tmp_path / "ramp.mp4", numbered_frames(120), *H264, *timed, fps="240"))
    assert info.seconds(119) == pytest.approx(79 / 240 + 40 / 30, abs=0.001)
    assert info.capture_seconds(119) == pytest.approx(119 / 240, abs=0.001)


@pytest.mark.parametrize(
    "timing",
    [
        ramp(1 / 30, 1 / 60),  # a phone that exposes longer in the dark
        ramp(1 / 15, 1 / 30),
        ramp(1 / 30, 1 / 240, slow=3),  # a few dropped frames
        Timing(240.0, tuple((np.delete(np.arange(200), [50, 51, 52, 53, 54, 100, 101, 102, 103]) / 240).tolist())),
        Timing(25.0, tuple(np.cumsum(np.tile([1 / 240, 1 / 30], 60)).tolist())),  # jitter
    ],
)
def test_other_variable_rates_are_no_ramps(timing):
    assert measure_capture(timing, len(timing.timestamps), {}) is None


def box(name: bytes, contents: bytes) -> bytes:
    return (len(contents) + 8).to_bytes(4, "big") + name + contents


def with_edits(data: bytes, edits: list[tuple[int, int, float]]) -> bytes:
    """An MP4 file, its index at the end, with another edit list: duration, start in the media, rate."""
    moov, edts = data.rindex(b"moov") - 4, data.rindex(b"edts") - 4
    trak = data.rindex(b"trak", moov, edts) - 4
    old = int.from_bytes(data[edts : edts + 4], "big")
    entries = b"".join(
        duration.to_bytes(4, "big") + start.to_bytes(4, "big") + round(rate * 2**16).to_bytes(4, "big")
        for duration, start, rate in edits
    )
    new = box(b"edts", box(b"elst", bytes(4) + len(edits).to_bytes(4, "big") + entries))
    changed = bytearray(data[:edts] + new + data[edts + old :])
    for outer in (moov, trak):
        size = int.from_bytes(data[outer : outer + 4], "big") + len(new) - old
        changed[outer : outer + 4] = size.to_bytes(4, "big")
    return bytes(changed)


def test_an_edit_list_that_slows_down_is_not_applied(tmp_path):
    """A quarter of a second at 240 frames a second, the middle third eight times slower."""
    options = (*H264, "-bf", "0", "-video_track_timescale", "24000")
    plain = encode(tmp_path / "plain.mp4", numbered_frames(60), *options, fps="240")
    path = tmp_path / "slow.mp4"
    path.write_bytes(with_edits(plain.read_bytes(), [(83, 0, 1.0), (664, 2000, 0.125), (84, 4000, 1.0)]))
    with open_source(path) as source:
        assert [number_of(frame) for _, frame in source.stream()] == list(range(60))
        assert source.info.capture_seconds(59) == pytest.approx(59 / 240)
    path.write_bytes(with_edits(plain.read_bytes(), [(125, 3000, 1.0)]))  # a trim
    with open_source(path) as source:
        assert number_of(source.frame(0)) == 30
