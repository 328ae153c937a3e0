"""Good clips of every format give their frames back exactly; everything else gets a clear error."""

import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from fineparser.video import reader
from fineparser.video.decoder import Decoder
from fineparser.video.info import VideoError
from fineparser.video.limits import Limits
from fineparser.video.reader import VideoReader, open_source, probe, reopen, scan_frames
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
    "clip.ts": B_FRAMES,
    "open-gop.ts": (*B_FRAMES, "-x264-params", "open-gop=1"),
    "clip.m2ts": (*B_FRAMES, "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "interlaced.ts": (*B_FRAMES, "-x264-params", "interlaced=1", "-vf", "setfield=tff"),
    "mpeg2.mpg": ("-c:v", "mpeg2video", "-bf", "2", "-q:v", "2"),
    "clip.3gp": ("-c:v", "mpeg4", "-q:v", "2"),
    "clip.wmv": ("-c:v", "wmv2", "-q:v", "2"),
    "clip.flv": B_FRAMES,
    "clip.ogv": ("-c:v", "libtheora", "-q:v", "9"),
    "clip.mxf": ("-c:v", "mpeg2video", "-q:v", "2"),
    "prores.mov": ("-c:v", "prores_ks"),
    "jpeg.mov": ("-c:v", "mjpeg", "-q:v", "2"),
    "hevc-10-bit.mkv": ("-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", "log-level=none:keyint=12"),
    "intra-refresh.mp4": (*B_FRAMES, "-x264-params", "intra-refresh=1"),
    "av1.mp4": ("-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-g", "12", "-crf", "20"),
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
        assert info.index.is_interlaced == (name == "interlaced.ts")
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
    path = encode(tmp_path / "lossless.mkv", frames, "-c:v", "libx264rgb", "-qp", "0")
    with open_source(path) as source:
        np.testing.assert_array_equal(source.read(range(12)), frames)


def test_a_jump_saves_decoding_and_is_exact(tmp_path, monkeypatch):
    """In a long clip with keyframes the decoder jumps: it must not decode everything before the frame."""
    count = 240
    path = encode(tmp_path / "long.mp4", numbered_frames(count), *B_FRAMES)
    places = []
    place = VideoReader._place
    monkeypatch.setattr(VideoReader, "_place", lambda self, group: (places.append(group), place(self, group))[1])
    with open_source(path) as source:
        for number in (200, 120, 239, 100, 180):
            assert number_of(source.frame(number)) == number
        assert len(places) == 5
        assert min(places) > 0
        assert number_of(source.frame(3)) == 3  # nothing to jump to
        assert places[5:] == [-1]


def test_reopening_a_clip_does_not_scan_it_again(tmp_path, monkeypatch):
    path = encode(tmp_path / "dive.mp4", numbered_frames(40), *B_FRAMES)
    info = probe(path)
    scan = reader._scan_file
    passes = []
    monkeypatch.setattr(reader, "_scan_file", lambda *args: (passes.append(1), scan(*args))[1])
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


@pytest.mark.parametrize("flip", [(), ("-display_hflip",)])
@pytest.mark.parametrize("turn", [0, 90, 180, 270, 100])  # counter-clockwise, as ffmpeg counts
def test_display_matrices_are_applied_as_ffmpeg_does_it(tmp_path, turn, flip):
    plain = encode(tmp_path / "plain.mp4", numbered_frames(10))
    path = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", turn, *flip, "-i", plain, "-c", "copy", path)
    right = path
    if turn == 100:  # no camera writes it; rounded
        right = tmp_path / "right.mp4"
        ffmpeg("-display_rotation", 90, *flip, "-i", plain, "-c", "copy", right)
    raw = ffmpeg("-i", right, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    width, height = (64, 48) if turn in (0, 180) else (48, 64)
    reference = np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)
    with open_source(path) as source:
        info = source.info
        assert (info.width, info.height, info.coded_width, info.coded_height) == (width, height, 64, 48)
        assert info.mirrored == bool(flip)
        difference = np.abs(source.read(range(10)).astype(int) - reference)
    assert np.median(difference) <= 3  # chroma is scaled differently at the bars' edges
    assert difference.mean() < 5


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


def test_what_a_file_holds_decides_not_its_ending(clips, tmp_path):
    for name in ("CLIP.MP4", "clip.avi", "clip.m4v", "clip", "clip.txt", "clip.jpg"):
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


def test_one_scan_shows_every_frame_and_replaces_every_other_pass(tmp_path, monkeypatch):
    path = encode(tmp_path / "dive.mp4", numbered_frames(40, 96, 128), *B_FRAMES)
    shown = []
    info = scan_frames(path, lambda number, frame: shown.append((number, frame)), longest_side=64)
    assert info == probe(path)
    assert [number for number, _ in shown] == list(range(40))
    assert [number_of(frame) for _, frame in shown] == list(range(40))
    assert {frame.shape for _, frame in shown} == {(48, 64, 3)}
    monkeypatch.setattr(reader, "_scan_file", lambda *args: pytest.fail("a second pass"))
    with reopen(info) as source:
        assert number_of(source.frame(33)) == 33
        large = source.frame(12)
    reduced = cv2.resize(large, (64, 48), interpolation=cv2.INTER_AREA)
    assert np.median(np.abs(reduced.astype(int) - shown[12][1])) < 3


def test_a_scan_shows_frames_as_displayed_and_enlarges_none(tmp_path):
    plain = encode(tmp_path / "plain.mp4", numbered_frames(10), *H264, "-vf", "setsar=2/1")
    ffmpeg("-display_rotation", "90", "-i", plain, "-c", "copy", tmp_path / "turned.mp4")
    for side, shape in ((1000, (128, 48, 3)), (64, (64, 24, 3))):
        frames = []
        scan_frames(tmp_path / "turned.mp4", lambda _, frame, to=frames: to.append(frame), longest_side=side)
        assert {frame.shape for frame in frames} == {shape}


def test_a_folder_is_scanned_with_its_numbers(tmp_path):
    folder = write_folder(tmp_path / "frames", numbered_frames(12), first=100)
    shown = []
    info = scan_frames(folder, lambda number, frame: shown.append((number, frame.shape)), longest_side=32)
    assert shown == [(number, (24, 32, 3)) for number in range(100, 112)]
    assert info.kind == "folder"


def test_the_larger_and_longer_stream_is_read(tmp_path):
    """Test cards, covers and telemetry are not the recording."""
    card = encode(tmp_path / "card.mp4", numbered_frames(70, 24, 32, first=100), "-c:v", "mjpeg")
    dive = encode(tmp_path / "dive.mp4", numbered_frames(60), *B_FRAMES)
    still = encode(tmp_path / "still.mp4", numbered_frames(1, 480, 640), "-c:v", "mjpeg")
    cover = tmp_path / "cover.jpg"
    cover.write_bytes(cv2.imencode(".jpg", numbered_frames(1, 480, 640)[0])[1].tobytes())
    inputs = ("-i", card, "-i", still, "-i", dive, "-map", "0", "-map", "1", "-map", "2", "-c", "copy")
    ffmpeg(*inputs, tmp_path / "several.mov")
    attached = ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic", tmp_path / "cover.mp4")
    ffmpeg("-i", cover, "-i", dive, *attached)
    for name in ("several.mov", "cover.mp4"):
        with open_source(tmp_path / name) as source:
            assert (source.info.width, source.info.frame_count) == (64, 60)
            assert number_of(source.frame(59)) == 59


def test_a_script_that_names_other_files_is_not_followed(tmp_path):
    """FFmpeg would open what the lists name, also addresses; the bytes decide before FFmpeg sees a file."""
    encode(tmp_path / "secret.mp4", numbered_frames(30))
    scripts = ("ffconcat version 1.0\nfile secret.mp4\n", "<?xml?><MPD></MPD>", "v=0\no=- 0 0 IN IP4 127.0.0.1\n")
    for number, script in enumerate(scripts):
        path = tmp_path / f"{number}.mp4"
        path.write_text(script)
        with pytest.raises(VideoError, match="is a text file"):
            probe(path)


def test_limits_are_checked_before_a_frame_is_decoded(tmp_path, monkeypatch):
    path = encode(tmp_path / "long.mp4", numbered_frames(60))
    large = encode(tmp_path / "large.ts", numbered_frames(10, 480, 640))
    monkeypatch.setattr(Decoder, "frames", lambda self: pytest.fail("a frame was decoded"))
    with pytest.raises(VideoError, match=r"is 2.0 s long"):
        probe(path, Limits(max_seconds=1))
    with pytest.raises(VideoError, match="640x480 pixels, more than"):
        probe(large, Limits(max_pixels=100_000))


def test_a_frame_that_does_not_decode_is_named(tmp_path):
    path = encode(tmp_path / "damaged.avi", numbered_frames(30), "-c:v", "mjpeg")
    data = bytearray(path.read_bytes())
    places = [place for place in range(len(data)) if data[place : place + 4] == b"00dc"]
    start = places[13] + 8  # the first one belongs to the index
    data[start : places[14]] = bytes(places[14] - start)
    path.write_bytes(bytes(data))
    with pytest.raises(VideoError, match="is damaged: frame 12 cannot be decoded"):
        probe(path)


def test_concealed_damage_is_the_same_in_every_run(tmp_path):
    """A camera whose card lost some bytes: players show the frames, and so do we, always the same."""
    frames = np.random.default_rng(0).integers(0, 255, (60, 60, 80, 3), np.uint8).repeat(2, 1).repeat(2, 2)
    path = encode(tmp_path / "damaged.ts", frames, *B_FRAMES)
    data = bytearray(path.read_bytes())
    middle = next(  # of a frame, whose packets do not start another one
        place
        for place in range(len(data) // 188 // 2 * 188, len(data), 188)
        if not any(data[place + 188 * step + 1] & 0x40 for step in range(-2, 5))
    )
    data[middle : middle + 2 * 188] = bytes(2 * 188)
    path.write_bytes(bytes(data))
    runs = []
    for _ in range(3):
        with open_source(path) as source:
            assert source.info.index.is_damaged
            runs.append(np.stack([frame for _, frame in source.stream()]))
            jumped = source.frame(source.info.frame_count // 2)
        np.testing.assert_array_equal(jumped, runs[-1][len(runs[-1]) // 2])
    np.testing.assert_array_equal(runs[0], runs[1])
    np.testing.assert_array_equal(runs[0], runs[2])


def interlaced_clip(path: Path, *options: str) -> Path:
    """A bright bar that moves to the right, its odd lines half a frame later than its even ones."""
    frames = np.full((60, 64, 96, 3), 40, np.uint8)
    for index, frame in enumerate(frames):
        frame[8:56, index : index + 16] = 215
    return encode(path, frames, *options, "-vf", "tinterlace=mode=interleave_top,setfield=tff", fps="60")


INTERLACED = {
    "interlaced.mkv": ("-c:v", "libx264", "-g", "12", "-bf", "2", "-flags", "+ildct+ilme", "-crf", "8"),
    "interlaced.mpg": ("-c:v", "mpeg2video", "-g", "12", "-flags", "+ildct+ilme", "-q:v", "2"),
    "interlaced.mov": ("-c:v", "prores_ks", "-flags", "+ildct"),
}


@pytest.mark.parametrize("name", INTERLACED)
def test_interlaced_streams_are_deinterlaced_as_ffmpeg_does_it(tmp_path, name):
    path = interlaced_clip(tmp_path / name, *INTERLACED[name])
    deinterlaced = ("-vf", "bwdif=mode=send_frame:deint=interlaced", "-fps_mode", "passthrough")
    raw = ffmpeg("-i", path, *deinterlaced, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    reference = np.frombuffer(raw, np.uint8).reshape(-1, 64, 96, 3)
    with open_source(path) as source:
        assert source.info.index.is_interlaced
        frames = source.read(source.frame_numbers)
        assert np.abs(frames.astype(int) - reference).mean() < 0.5
        rows = frames[15, :, :, 0].astype(int)
        assert np.abs(np.diff(rows[12:52], axis=0)).mean() < 3  # no comb
        for number in np.random.default_rng(0).permutation(len(frames)):
            np.testing.assert_array_equal(source.frame(int(number)), frames[number])
    scanned = []
    scan_frames(path, lambda number, frame: scanned.append(frame), longest_side=96)
    np.testing.assert_array_equal(np.stack(scanned), frames)


def test_progressive_content_in_an_interlaced_stream_stays_as_it_is(tmp_path):
    """Cameras write 25 and 30 frames a second as pairs of fields of one moment."""
    frames = cv2.GaussianBlur(numbered_frames(24, 96, 128).transpose(1, 2, 0, 3).reshape(96, 128, -1), (0, 0), 2)
    frames = frames.reshape(96, 128, 24, 3).transpose(2, 0, 1, 3)
    plain = encode(tmp_path / "plain.mp4", frames, *H264, "-crf", "10")
    flagged = encode(
        tmp_path / "psf.mp4", frames, *H264, "-crf", "10", "-x264-params", "interlaced=1", "-vf", "setfield=tff"
    )
    with open_source(plain) as source, open_source(flagged) as other:
        assert other.info.index.is_interlaced
        difference = np.abs(source.read(range(24)).astype(int) - other.read(range(24)))
    assert difference[5].mean() < 3
    assert difference.mean() < 3


@pytest.mark.parametrize("name", ["alpha.mov", "alpha.gif"])
def test_transparent_parts_are_black(tmp_path, name):
    """Twelve frames in white, of which the right half is transparent."""
    frames = np.full((12, 48, 64, 4), 255, np.uint8)
    frames[:, :, 32:, 3] = 0
    palette = "split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse"
    options = ("-c:v", "qtrle", "-pix_fmt", "argb") if name.endswith("mov") else ("-vf", palette)
    source = ("-f", "rawvideo", "-pix_fmt", "rgba", "-video_size", "64x48", "-framerate", "25", "-i", "pipe:0")
    ffmpeg(*source, *options, tmp_path / name, pictures=frames)
    with open_source(tmp_path / name) as clip:
        for _, frame in clip.stream():
            assert frame[:, :31].min() >= 250
            assert frame[:, 33:].max() == 0


@pytest.mark.parametrize(
    ("matrix", "range_"), [("bt709", "tv"), ("smpte170m", "tv"), ("bt709", "pc"), ("bt2020nc", "tv")]
)
def test_colours_follow_the_matrix_and_the_range_of_the_stream(tmp_path, matrix, range_):
    tags = ("-colorspace", matrix, "-color_range", range_)
    scaled = ("-vf", f"scale=out_color_matrix={matrix}:out_range={range_},format=yuv444p")
    path = encode(tmp_path / "tagged.mp4", numbered_frames(10), "-c:v", "libx264", "-crf", "4", *scaled, *tags)
    with open_source(path) as source:
        np.testing.assert_allclose(source.frame(5), numbered_frames(10)[5], atol=12)


def test_frames_of_odd_sizes_and_other_pixel_formats(tmp_path):
    frames = numbered_frames(10, 49, 65)
    for name, options in {
        "odd.mkv": ("-c:v", "libx264", "-pix_fmt", "yuv444p"),
        "grey.mkv": ("-c:v", "libx264", "-pix_fmt", "gray"),
        "palette.mov": ("-c:v", "qtrle", "-pix_fmt", "rgb24"),
        "deep.webm": ("-c:v", "libvpx-vp9", "-crf", "4", "-b:v", "0", "-pix_fmt", "yuv420p12le"),
    }.items():
        with open_source(encode(tmp_path / name, frames, *options)) as source:
            assert (source.info.width, source.info.height) == (65, 49)
            assert [number_of(frame) for _, frame in source.stream()] == list(range(10))


def test_an_avi_with_repeated_frames_preserves_its_times(tmp_path):
    """Capture programs write a chunk without data where a frame was dropped."""
    path = encode(tmp_path / "plain.avi", numbered_frames(30), "-c:v", "mjpeg")
    kept = ("-vf", "select='not(between(n,10,12))'", "-fps_mode", "passthrough")
    path = encode(tmp_path / "dropped.avi", numbered_frames(30), "-c:v", "mjpeg", *kept)
    with open_source(path) as source:
        assert [number_of(frame) for _, frame in source.stream()] == [*range(10), *range(13, 30)]
        assert source.seconds(10) == pytest.approx(13 / 30)
        assert number_of(source.frame(2)) == 2


def test_frames_of_another_size_are_scaled_to_the_first_one(tmp_path):
    """Browsers change the size in the middle of a recording; players scale."""
    small = encode(tmp_path / "small.ts", numbered_frames(20), *H264)
    large = encode(tmp_path / "large.ts", numbered_frames(20, 96, 128, first=20), *H264)
    path = tmp_path / "both.ts"
    path.write_bytes(small.read_bytes() + large.read_bytes())
    with open_source(path) as source:
        assert (source.info.width, source.info.height) == (64, 48)
        assert [number_of(frame) for _, frame in source.stream()] == list(range(40))


def test_a_recording_that_starts_between_two_key_frames(tmp_path):
    """The frames before the first key frame cannot be decoded and do not count."""
    data = encode(tmp_path / "whole.ts", numbered_frames(60), *B_FRAMES).read_bytes()
    path = tmp_path / "cut.ts"
    path.write_bytes(data[len(data) // 3 :])
    with open_source(path) as source:
        shown = [number_of(frame) for _, frame in source.stream()]
    assert 20 < len(shown) < 50
    assert shown == list(range(60 - len(shown), 60))
