"""Good clips of every format give their frames back exactly; everything else gets a clear error."""

import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from fineparser.video.info import VideoError
from fineparser.video.limits import Limits
from fineparser.video.reader import VideoReader, measure_timing, open_source, probe, reopen
from tests.video.bad_inputs import BAD_INPUTS
from tests.video.clips import H264, encode, ffmpeg, number_of, numbered_frames, write_folder

REAL = Path(__file__).parents[2].parent / "shared" / "real"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the real recordings are not here")

B_FRAMES = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-bf", "3", "-g", "12")
FORMATS = {
    "b-frames.mp4": B_FRAMES,
    "open-gop.mp4": (*B_FRAMES, "-x264-params", "open-gop=1"),
    "one-group.mp4": ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-g", "1000"),
    "fragments.mp4": (*B_FRAMES, "-movflags", "frag_keyframe+empty_moov"),
    "clip.mov": B_FRAMES,
    "h264.avi": B_FRAMES,
    "mpeg4.avi": ("-c:v", "mpeg4", "-bf", "2", "-q:v", "2"),
    "jpeg.avi": ("-c:v", "mjpeg", "-q:v", "2"),
    "clip.mkv": B_FRAMES,
    "vp8.webm": ("-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-cpu-used", "8"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8"),
    "clip.gif": ("-f", "gif"),
}
COUNT = 60


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """One clip of 60 numbered frames in every format."""
    folder = tmp_path_factory.mktemp("clips")
    return {name: encode(folder / name, numbered_frames(COUNT), *options) for name, options in FORMATS.items()}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read_exactly(clips, name):
    fps = 30.0
    with open_source(clips[name]) as source:
        info = source.info
        assert (info.frame_count, info.width, info.height) == (COUNT, 64, 48)
        assert (info.rotation, info.pixel_aspect, info.missing_frames) == (0, 1.0, 0)
        assert not info.variable_frame_rate
        assert info.fps == pytest.approx(fps, rel=0.003)  # GIF counts time in hundredths
        assert info.duration == pytest.approx(COUNT / fps, rel=0.003)

        in_order = []
        for number, frame in source.stream():
            assert number_of(frame) == number
            in_order.append(frame)
        assert len(in_order) == COUNT

        numbers = np.random.default_rng(0).integers(0, COUNT, 40)
        for number in numbers:  # one at a time, so that the decoder goes back and forth
            np.testing.assert_array_equal(source.frame(int(number)), in_order[number])
        np.testing.assert_array_equal(source.read(numbers), np.stack(in_order)[numbers])


@pytest.mark.parametrize(("name", "tolerance"), [("b-frames.mp4", 4), ("clip.mkv", 4), ("clip.gif", 60)])
def test_colours_are_rgb(clips, name, tolerance):  # the GIF has four blues
    with open_source(clips[name]) as source:
        frame = source.frame(5)
    for channel, column in enumerate((10, 31, 52)):
        expected = np.zeros(3)
        expected[channel] = 200
        np.testing.assert_allclose(frame[36, column], expected, atol=tolerance)


def test_a_lossless_clip_comes_back_as_it_was(tmp_path):
    frames = np.random.default_rng(0).integers(0, 255, (12, 48, 64, 3), np.uint8)
    path = encode(tmp_path / "lossless.mkv", frames, "-c:v", "ffv1", "-pix_fmt", "bgr0")
    with open_source(path) as source:
        np.testing.assert_array_equal(source.read(range(12)), frames)


def test_a_jump_saves_decoding_and_is_exact(tmp_path, monkeypatch):
    """In a long clip with keyframes the decoder jumps: it must not decode everything before the frame."""
    count = 240
    path = encode(tmp_path / "long.mp4", numbered_frames(count), *B_FRAMES)
    rewinds = []
    rewind = VideoReader._rewind
    monkeypatch.setattr(VideoReader, "_rewind", lambda self: (rewinds.append(1), rewind(self)))
    with open_source(path) as source:
        assert len(rewinds) == 1  # after the first pass
        for number in (200, 120, 239, 100, 180):
            assert number_of(source.frame(number)) == number
        assert len(rewinds) == 1
        assert number_of(source.frame(3)) == 3  # nothing to jump to
        assert len(rewinds) == 2


def test_reopening_a_clip_does_not_scan_it_again(tmp_path, monkeypatch):
    path = encode(tmp_path / "dive.mp4", numbered_frames(40), *B_FRAMES)
    info = probe(path)
    passes = []
    scan = VideoReader._scan
    monkeypatch.setattr(VideoReader, "_scan", lambda self, limits: (passes.append(1), scan(self, limits))[1])
    with reopen(info) as source:
        assert source.info == info
        assert [number_of(source.frame(number)) for number in (30, 5, 39)] == [30, 5, 39]
    assert passes == []
    encode(path, numbered_frames(20), *B_FRAMES)  # another clip in its place
    with reopen(info) as source:
        assert source.info.frame_count == 20
    assert passes == [1]
    path.unlink()
    with pytest.raises(VideoError, match="does not exist"):
        reopen(info)


def test_a_stream_may_start_and_stop_anywhere(clips):
    with open_source(clips["b-frames.mp4"]) as source:
        assert [number for number, _ in source.stream(50, 53)] == [50, 51, 52]
        assert [number_of(frame) for _, frame in source.stream(7, 10)] == [7, 8, 9]
        assert [number for number, _ in source.stream(stop=2)] == [0, 1]


def test_asking_for_what_is_not_there(clips):
    with open_source(clips["b-frames.mp4"]) as source:
        with pytest.raises(VideoError, match="has no frame 60; its frames are 0 to 59"):
            source.read([0, 60])
        with pytest.raises(VideoError, match="has no frame -1"):
            source.frame(-1)
        with pytest.raises(ValueError, match="list of integers"):
            source.read([0.5])
        assert source.read([]).shape == (0, 48, 64, 3)
    with pytest.raises(VideoError, match="was closed"):
        source.frame(0)
    source.close()


def test_rotation_is_undone_as_ffmpeg_does_it(tmp_path):
    plain = encode(tmp_path / "plain.mp4", numbered_frames(10))
    for turn in (90, 180, 270):  # counter-clockwise, as ffmpeg counts
        path = tmp_path / f"turned{turn}.mp4"
        ffmpeg("-display_rotation", turn, "-i", plain, "-c", "copy", path)
        raw = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
        height, width = (48, 64) if turn == 180 else (64, 48)
        reference = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
        with open_source(path) as source:
            info = source.info
            assert (info.width, info.height, info.coded_width, info.coded_height) == (width, height, 64, 48)
            assert info.rotation == 360 - turn
            difference = np.abs(source.read(range(10)).astype(int) - reference)
        assert np.median(difference) <= 3  # chroma is scaled differently at the bars' edges


@pytest.mark.parametrize(
    ("aspect", "size"),
    [("4/3", (85, 48)), ("3/4", (64, 64)), ("1/1", (64, 48)), ("1001/1000", (64, 48))],
)
def test_pixels_are_made_square_by_stretching(tmp_path, aspect, size):
    path = encode(tmp_path / "sar.mp4", numbered_frames(10), *H264, "-vf", f"setsar={aspect}")
    with open_source(path) as source:
        info = source.info
        assert (info.width, info.height, info.coded_width, info.coded_height) == (*size, 64, 48)
        for number, frame in source.stream():
            assert frame.shape == (size[1], size[0], 3)
            assert number_of(frame) == number


def test_the_pixel_aspect_rotates_with_the_frame(tmp_path):
    plain = encode(tmp_path / "sar.mp4", numbered_frames(10), *H264, "-vf", "setsar=2/1")
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", plain, "-c", "copy", path)
    info = probe(path)
    assert info.pixel_aspect == 2.0
    assert (info.coded_width, info.coded_height, info.width, info.height) == (64, 48, 48, 128)


@pytest.mark.parametrize("name", ["vfr.mp4", "vfr.mkv", "vfr.webm"])
def test_variable_frame_rate_preserves_its_times(tmp_path, name):
    codec = ("-c:v", "libvpx", "-cpu-used", "8") if name.endswith("webm") else B_FRAMES
    dropping = ("-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr")
    path = encode(tmp_path / name, numbered_frames(COUNT), *codec, *dropping)
    kept = [number for number in range(COUNT) if number % 7 != 3]
    with open_source(path) as source:
        info = source.info
        assert info.variable_frame_rate
        assert [number_of(frame) for _, frame in source.stream()] == kept
        times = [source.seconds(number) for number in source.frame_numbers]
        np.testing.assert_allclose(times, np.array(kept) / 30, atol=0.0011)
        duration = (kept[-1] + 1) / 30
        assert info.duration == pytest.approx(duration, abs=0.002)
        assert info.fps == pytest.approx(len(kept) / duration, rel=0.002)
        for number in np.random.default_rng(0).integers(0, len(kept), 20):
            assert number_of(source.frame(int(number))) == kept[number]
        assert [info.number_at(time) for time in times] == list(source.frame_numbers)


def test_a_gif_with_uneven_delays_is_variable(tmp_path):
    dropping = ("-vf", "select='not(eq(mod(n,5),3))'", "-fps_mode", "vfr", "-f", "gif")
    info = probe(encode(tmp_path / "uneven.gif", numbered_frames(30), *dropping, fps="10"))
    assert info.variable_frame_rate
    assert info.seconds(3) == pytest.approx(0.4)


@pytest.mark.parametrize(("rate", "fps"), [("30000/1001", 30000 / 1001), ("24", 24.0), ("59.94", 59.94)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi"])
def test_frame_rates_are_not_rounded(tmp_path, rate, fps, suffix):
    info = probe(encode(tmp_path / f"rate{suffix}", numbered_frames(20), fps=rate))
    assert not info.variable_frame_rate
    assert info.fps == pytest.approx(fps, rel=1e-4)
    assert info.seconds(19) == pytest.approx(19 / fps, rel=1e-4)


def test_a_live_recording_without_a_length_is_read(tmp_path):
    """Browsers record WebM whose header leaves length and number of frames open."""
    path = tmp_path / "live.webm"
    plain = encode(tmp_path / "plain.mp4", numbered_frames(30))
    path.write_bytes(ffmpeg("-i", plain, "-c:v", "libvpx", "-cpu-used", "8", "-f", "webm", "-live", "1", "-"))
    assert probe(path).frame_count == 30


def test_a_trimmed_clip_is_not_called_truncated(tmp_path):
    """Phones trim without encoding again: frames before the new start stay in the file, unseen."""
    plain = encode(tmp_path / "plain.mp4", numbered_frames(60), *B_FRAMES)
    ffmpeg("-ss", "0.75", "-i", plain, "-c", "copy", tmp_path / "trimmed.mp4")
    with open_source(tmp_path / "trimmed.mp4") as source:
        assert source.info.missing_frames == 0
        shown = [number_of(frame) for _, frame in source.stream()]
    assert shown[-1] == 59
    assert shown == list(range(shown[0], 60))


def test_longer_sound_is_not_called_truncation(tmp_path):
    plain = encode(tmp_path / "plain.mp4", numbered_frames(30))
    for name in ("long.mkv", "long.mp4"):
        ffmpeg("-i", plain, "-f", "lavfi", "-i", "sine=duration=4", "-c:v", "copy", tmp_path / name)
        assert probe(tmp_path / name).frame_count == 30


def test_a_tail_of_a_few_frames_may_be_missing(tmp_path):
    path = encode(tmp_path / "tail.avi", numbered_frames(60), "-c:v", "mjpeg")
    data = path.read_bytes()
    size = data.index(b"00dc", data.rindex(b"00dc", 0, data.rindex(b"idx1")) - 10)
    path.write_bytes(data[:size])  # the last picture and the index are gone
    info = probe(path)
    assert (info.frame_count, info.missing_frames) == (59, 1)


def test_endings_may_be_in_capitals_and_wrong_among_videos(clips, tmp_path):
    for name in ("CLIP.MP4", "clip.avi", "clip.m4v"):
        path = tmp_path / name
        path.write_bytes(clips["b-frames.mp4"].read_bytes())
        assert probe(path).kind == "mp4"


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_folder_preserves_its_numbers(tmp_path, suffix):
    frames = numbered_frames(12)
    folder = write_folder(tmp_path / "frames", frames, first=1731, suffix=suffix)
    (folder / ".DS_Store").write_text("")
    (folder / "notes.txt").write_text("")
    with open_source(folder) as source:
        info = source.info
        assert source.frame_numbers == range(1731, 1743)
        assert (info.kind, info.frame_count, info.fps, info.width, info.height) == ("folder", 12, 25.0, 64, 48)
        assert source.seconds(1741) == pytest.approx(0.4)
        read = source.read([1742, 1731, 1742])
        assert [number for number, _ in source.stream()] == list(range(1731, 1743))
        with pytest.raises(VideoError, match="has no frame 0; its frames are 1731 to 1742"):
            source.frame(0)
    if suffix == ".png":
        np.testing.assert_array_equal(read, frames[[11, 0, 11]])
    assert [number_of(frame) for frame in read] == [11, 0, 11]


def test_a_folder_of_named_frames_without_leading_zeros(tmp_path):
    folder = write_folder(tmp_path / "frames", numbered_frames(12), first=5, name="dive_{}")
    with open_source(folder, folder_fps=29.97) as source:
        assert [number_of(frame) for _, frame in source.stream()] == list(range(12))
        assert source.info.fps == 29.97


def test_a_frame_damaged_inside_is_named_when_it_is_read(tmp_path):
    folder = write_folder(tmp_path / "frames", numbered_frames(12), suffix=".png")
    data = bytearray((folder / "00004.png").read_bytes())
    data[60:-20] = bytes(len(data) - 80)
    (folder / "00004.png").write_bytes(bytes(data))
    with open_source(folder) as source, pytest.raises(VideoError, match=r"00004\.png: cannot be decoded"):
        source.read(range(12))


def listing(*folders: Path) -> set[str]:
    return {str(path) for folder in folders for path in folder.rglob("*")}


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_bad_input_is_rejected_with_its_reason(bad, tmp_path, tmp_path_factory, monkeypatch, capfd):
    """The error names the file and the reason; nothing is left behind, nothing is written to stderr."""
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    path = bad.write(tmp_path)
    before = listing(tmp_path, scratch)
    capfd.readouterr()
    with pytest.raises(VideoError, match=bad.reason) as caught:
        open_source(path, bad.limits)
    assert str(caught.value).startswith(str(path))
    assert caught.value.path in (path, *path.glob("*"))
    assert caught.value.reason.endswith((".", "?"))
    assert listing(tmp_path, scratch) == before
    assert capfd.readouterr() == ("", "")


def test_the_table_is_long_enough():
    assert len(BAD_INPUTS) >= 20
    assert len({bad.name for bad in BAD_INPUTS}) == len(BAD_INPUTS)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="no other user to be")
def test_a_file_that_may_not_be_read(tmp_path):
    path = encode(tmp_path / "secret.mp4", numbered_frames(10))
    path.chmod(0)
    me = os.geteuid()
    if me == 0:  # root may read everything, so be nobody for a moment
        os.seteuid(65534)
    try:
        with pytest.raises(VideoError, match="permission denied"):
            probe(path)
    finally:
        os.seteuid(me)


def test_open_files_are_let_go(clips, tmp_path):
    """A source that fails or is closed holds no file open."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.is_dir():
        pytest.skip("open files cannot be counted here")
    probe(clips["b-frames.mp4"])
    before = len(list(descriptors.iterdir()))
    for _ in range(3):
        probe(clips["b-frames.mp4"])
        with pytest.raises(VideoError):
            probe(clips["b-frames.mp4"], Limits(min_frames=100))
    assert len(list(descriptors.iterdir())) == before


def test_the_log_level_of_opencv_is_left_as_it_was(clips):
    level = cv2.utils.logging.getLogLevel()
    probe(clips["clip.gif"])
    assert cv2.utils.logging.getLogLevel() == level


@needs_real
@pytest.mark.parametrize(
    ("name", "count", "fps", "size"),
    [
        ("london2012_10m_207C.avi", 103, 30.0, (320, 240)),
        ("college_springboard_inward.mp4", 259, 30000 / 1001, (320, 240)),
        ("silhouettes_springboard_3m_single.mp4", 81, 25.0, (456, 256)),
        ("silhouettes_platform_10m_synchro.mp4", 51, 25.0, (456, 256)),
    ],
)
def test_real_recordings(name, count, fps, size):
    info = probe(REAL / name)
    assert (info.frame_count, info.width, info.height) == (count, *size)
    assert info.fps == pytest.approx(fps)
    assert not info.variable_frame_rate


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
