"""What is written is H.264 as browsers want it, frame for frame what was given; a failure leaves nothing."""

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
from av.video.frame import PictureType

from fineparser.video.info import VideoError
from fineparser.video.reader import open_source, probe
from fineparser.video.writer import VideoSink, write_video
from tests.video.clips import encode, number_of, numbered_frames


def boxes_of(path: Path) -> list[bytes]:
    """Types of the top-level boxes of an MP4 file, in order."""
    data, at, kinds = path.read_bytes(), 0, []
    while at < len(data):
        kinds.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4], "big")
    return kinds


def describe(path: Path) -> str:
    """ffmpeg's own line about the picture track."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path)]
    said = subprocess.run(command, capture_output=True, text=True).stderr
    return next(line for line in said.splitlines() if "Video:" in line)


def frame_types(path: Path) -> str:
    """I, P or B of every frame."""
    with av.open(str(path)) as file:
        return "".join(PictureType(frame.pict_type).name for frame in file.decode(video=0))


def test_a_round_trip_preserves_frames_order_and_rate(tmp_path):
    frames = numbered_frames(50)
    path = write_video(tmp_path / "out.mp4", frames, fps=30000 / 1001, quality=10)
    with open_source(path) as source:
        assert source.info.fps == pytest.approx(30000 / 1001, rel=1e-6)
        read = source.read(range(50))
    assert [number_of(frame) for frame in read] == list(range(50))
    assert np.abs(read.astype(int) - frames).mean() < 3
    assert list(tmp_path.iterdir()) == [path]


def test_browsers_can_play_it(tmp_path):
    path = write_video(tmp_path / "out.mp4", numbered_frames(20), fps=25)
    kinds = boxes_of(path)
    assert kinds[0] == b"ftyp"
    assert kinds.index(b"moov") < kinds.index(b"mdat")
    assert b"avc1" in path.read_bytes()
    line = describe(path)
    assert "h264" in line
    assert "yuv420p(tv, bt709" in line
    assert "25 fps" in line


@pytest.mark.parametrize("size", [(64, 96), (720, 1280)])
def test_colours_survive(tmp_path, size):
    """Small and large pictures alike: players guess the colour matrix from the size unless it is stated."""
    colours = np.array([[200, 30, 30], [30, 180, 40], [40, 50, 210], [190, 140, 110]], np.uint8)
    frame = np.repeat(colours[None], size[1] // 4, axis=1).reshape(1, -1, 3).repeat(size[0], axis=0)
    path = write_video(tmp_path / "out.mp4", [frame] * 10, fps=25, quality=8)
    with open_source(path) as source:
        read = source.frame(5)
    for index, colour in enumerate(colours):
        seen = read[size[0] // 2, (2 * index + 1) * size[1] // 8]
        np.testing.assert_allclose(seen.astype(int), colour, atol=4)


@pytest.mark.parametrize(("height", "width"), [(47, 63), (48, 63), (47, 64), (17, 101)])
def test_odd_sizes_are_padded_not_cropped(tmp_path, height, width):
    frames = np.full((10, height, width, 3), 60, np.uint8)
    frames[:, -1, :] = 200  # the last row and column are what would be lost
    frames[:, :, -1] = 200
    path = write_video(tmp_path / "odd.mp4", frames, fps=25, quality=4)
    with open_source(path) as source:
        info, frame = source.info, source.frame(4).astype(int)
    assert (info.width, info.height) == (width + width % 2, height + height % 2)
    assert np.abs(frame[height - 1 :] - 200).max() < 12
    assert np.abs(frame[:, width - 1 :] - 200).max() < 12


def test_keyframes_have_the_requested_interval(tmp_path):
    frames = numbered_frames(30)
    every = write_video(tmp_path / "every.mp4", frames, fps=30, keyframe_every=1)
    assert frame_types(every) == "I" * 30
    tenth = write_video(tmp_path / "tenth.mp4", frames, fps=30, keyframe_every=10)
    kinds = frame_types(tenth)
    assert [kinds[index] for index in (0, 10, 20)] == ["I"] * 3


@pytest.mark.parametrize("digits", [9, 3])
def test_a_variable_rate_is_shown_at_its_times(tmp_path, digits):
    """Every output frame shows the source frame that was on the screen then, also with stamps in milliseconds."""
    shown_at = np.delete(np.arange(40), [7, 8, 20, 33])  # which thirtieths of a second have a frame
    frames = numbered_frames(40)[shown_at]
    times = np.round(2.5 + shown_at / 30, digits)
    path = write_video(tmp_path / "out.mp4", frames, fps=30, seconds=times)
    with open_source(path) as source:
        numbers = [number_of(frame) for _, frame in source.stream()]
    expected = [max(n for n in shown_at if n <= tick) for tick in range(40)]
    assert numbers == expected


def test_a_faster_source_loses_frames_not_time(tmp_path):
    frames = numbered_frames(60)
    path = write_video(tmp_path / "out.mp4", frames, fps=30, seconds=np.arange(60) / 60)
    with open_source(path) as source:
        numbers = [number_of(frame) for _, frame in source.stream()]
    assert len(numbers) == 30
    np.testing.assert_allclose(np.array(numbers) / 60, np.arange(30) / 30, atol=1 / 60 + 1e-9)


def test_a_source_of_variable_rate_copied_over(tmp_path):
    dropping = ("-c:v", "libx264", "-pix_fmt", "yuv420p", "-vf", "select='not(eq(mod(n,7),3))'", "-fps_mode", "vfr")
    source_path = encode(tmp_path / "vfr.mp4", numbered_frames(50), *dropping)
    with open_source(source_path) as source:
        info = source.info
        with VideoSink(tmp_path / "out.mp4", 30, info.width, info.height) as sink:
            for number, frame in source.stream():
                sink.write(frame, source.seconds(number))
    with open_source(tmp_path / "out.mp4") as copy:
        numbers = [number_of(frame) for _, frame in copy.stream()]
    assert numbers == [tick - 1 if tick % 7 == 3 else tick for tick in range(50)]


def test_after_an_exception_the_old_file_is_unchanged(tmp_path):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"the old one")

    def write_and_stop():
        with VideoSink(target, 25, 64, 48) as sink:
            for frame in numbered_frames(20):
                sink.write(frame)
            assert len(list(tmp_path.iterdir())) == 2  # the unfinished one is beside it
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_and_stop()
    assert list(tmp_path.iterdir()) == [target]
    assert target.read_bytes() == b"the old one"


def test_a_finished_video_replaces_the_old_one(tmp_path):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"the old one")
    write_video(target, numbered_frames(12), fps=25)
    assert probe(target).frame_count == 12
    assert list(tmp_path.iterdir()) == [target]
    plain = tmp_path / "plain"
    plain.touch()
    assert target.stat().st_mode == plain.stat().st_mode


def test_no_frames_write_no_video(tmp_path):
    with pytest.raises(VideoError, match="there were no frames"):
        write_video(tmp_path / "out.mp4", [], fps=25)
    with pytest.raises(VideoError, match="there were no frames"), VideoSink(tmp_path / "out.mp4", 25, 64, 48):
        pass
    assert list(tmp_path.iterdir()) == []


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """A disk on which a file may have `size` bytes at most."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("count", [10, 200], ids=["at the end", "on the way"])
def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path, count):
    noise = np.random.default_rng(0).integers(0, 256, (count, 120, 160, 3), np.uint8)
    with full_disk(20_000), pytest.raises(VideoError, match="could not be encoded: File too large"):
        write_video(tmp_path / "out.mp4", noise, fps=25)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_encoder_is_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("fineparser.video.writer.ENCODER", "libx264_of_another_build")
    with pytest.raises(VideoError, match=r"there is no H\.264 encoder .* Install its wheel"):
        write_video(tmp_path / "out.mp4", numbered_frames(2), fps=25)
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_no_address(tmp_path):
    """FFmpeg takes what stands before a colon for a protocol, and %d for a number."""
    path = write_video(tmp_path / "pipe:1 %d.mp4", numbered_frames(12), fps=25)
    assert probe(path).frame_count == 12
    assert list(tmp_path.iterdir()) == [path]


def test_the_array_of_a_frame_may_be_used_again(tmp_path):
    frames = numbered_frames(40)
    array = np.empty_like(frames[0])
    with VideoSink(tmp_path / "out.mp4", 25, 64, 48) as sink:
        for frame in frames:
            array[:] = frame
            sink.write(array)
            array[:] = 0
    with open_source(tmp_path / "out.mp4") as source:
        assert [number_of(frame) for _, frame in source.stream()] == list(range(40))


def test_every_frame_has_its_time_and_the_last_one_its_duration(tmp_path):
    path = write_video(tmp_path / "out.mp4", numbered_frames(50), fps=30000 / 1001)
    with av.open(str(path)) as file:
        times = [frame.time for frame in file.decode(video=0)]
        duration = float(file.streams.video[0].duration * file.streams.video[0].time_base)
    np.testing.assert_allclose(times, np.arange(50) * 1001 / 30000, atol=1e-6)
    assert duration == pytest.approx(50 * 1001 / 30000, abs=1e-4)


def test_a_target_that_cannot_be(tmp_path):
    frames = numbered_frames(2)
    with pytest.raises(VideoError, match="there is no folder"):
        write_video(tmp_path / "nowhere" / "out.mp4", frames, fps=25)
    with pytest.raises(VideoError, match=r"Use one of \.mp4"):
        write_video(tmp_path / "out.avi", frames, fps=25)
    (tmp_path / "taken.mp4").mkdir()
    with pytest.raises(VideoError, match="cannot be written"):
        write_video(tmp_path / "taken.mp4", frames, fps=25)
    assert [path.name for path in tmp_path.iterdir()] == ["taken.mp4"]


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf"), 2000])
def test_impossible_rates_are_rejected(tmp_path, fps):
    with pytest.raises(ValueError, match="frame rate"):
        VideoSink(tmp_path / "out.mp4", fps, 64, 48)


def test_frames_and_times_are_checked(tmp_path):
    frame = numbered_frames(1)[0]
    with VideoSink(tmp_path / "out.mp4", 25, 64, 48) as sink:
        with pytest.raises(ValueError, match=r"uint8 \[48, 64, 3\], not uint8 \[48, 32, 3\]"):
            sink.write(frame[:, :32])
        with pytest.raises(ValueError, match="not float64"):
            sink.write(frame / 255)
        sink.write(frame, 0.0)
        with pytest.raises(ValueError, match="Times must rise"):
            sink.write(frame, 0.0)
        with pytest.raises(ValueError, match="must, too"):
            sink.write(frame)
    with pytest.raises(ValueError, match="inside its with block"):
        sink.write(frame, 2.0)
    with pytest.raises(ValueError, match="shorter"):
        write_video(tmp_path / "short.mp4", [frame, frame], fps=25, seconds=[0.0])
    assert not (tmp_path / "short.mp4").exists()
