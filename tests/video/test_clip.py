import tracemalloc

import numpy as np
import pytest

from fineparser.domain.clip_geometry import sample_frames
from fineparser.video.clip import read_clip
from fineparser.video.framing import Framing
from fineparser.video.info import VideoError
from fineparser.video.reader import open_source
from tests.video.clips import encode, number_of, numbered_frames, write_folder


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return encode(tmp_path_factory.mktemp("clip") / "dive.mp4", numbered_frames(200))


def test_the_whole_source_at_the_published_framing(path):
    with open_source(path) as source:
        clip = read_clip(source)
        assert clip.frames.shape == (3, 96, 112, 112)
        assert clip.frames.dtype == np.uint8
        np.testing.assert_array_equal(clip.frame_numbers, sample_frames(0, 199))
        np.testing.assert_allclose(clip.seconds, sample_frames(0, 199) / 30)
        assert clip.info is source.info
        centre = Framing.centre_crop(64, 48)
        for index in (0, 50, 95):
            expected = centre.crop(source.frame(int(clip.frame_numbers[index])))
            np.testing.assert_array_equal(clip.frames[:, index].transpose(1, 2, 0), expected)


def test_larger_frames_show_the_same(path):
    with open_source(path) as source:
        small, large = read_clip(source), read_clip(source, side=224)
    assert large.frames.shape == (3, 96, 224, 224)
    means = large.frames.reshape(3, 96, 112, 2, 112, 2).mean(axis=(3, 5))
    assert np.abs(means - small.frames).mean() < 1


def test_a_trimmed_range_in_a_given_box(path):
    with open_source(path) as source:
        clip = read_clip(source, first=40, last=79, framing=Framing.full_frame(64, 48))
    shown = [number_of(clip.frames[:, index].transpose(1, 2, 0)) for index in range(96)]
    assert shown == sample_frames(40, 79).tolist()


def test_a_moving_box(path):
    boxes = np.stack([np.array([0, 0, 64, 48]) + index for index in range(96)]).astype(float)
    with open_source(path) as source:
        clip = read_clip(source, framing=Framing.from_boxes(boxes))
        expected = Framing.from_box(*boxes[7]).crop(source.frame(int(clip.frame_numbers[7])))
        np.testing.assert_array_equal(clip.frames[:, 7].transpose(1, 2, 0), expected)
        with pytest.raises(ValueError, match="each of the 96 frames, not 10"):
            read_clip(source, framing=Framing.from_boxes(boxes[:10]))


def test_a_folder_preserves_its_numbers(tmp_path):
    folder = write_folder(tmp_path / "dive", numbered_frames(20), first=1000)
    with open_source(folder) as source:
        clip = read_clip(source, framing=Framing.full_frame(64, 48))
    np.testing.assert_array_equal(clip.frame_numbers, sample_frames(1000, 1019))
    assert number_of(clip.frames[:, 95].transpose(1, 2, 0)) == 19


@pytest.mark.parametrize(("first", "last"), [(-1, 50), (0, 200), (60, 50)])
def test_a_range_outside_the_source_is_rejected(path, first, last):
    with (
        open_source(path) as source,
        pytest.raises(VideoError, match=r"cannot be trimmed to frames .* it has frames 0 to 199"),
    ):
        read_clip(source, first, last)


def test_too_short_a_range_is_rejected(path):
    with open_source(path) as source:
        with pytest.raises(VideoError, match=r"trimmed to 7 frames \(10 to 16\)"):
            read_clip(source, 10, 16)
        assert read_clip(source, 10, 17).frame_numbers[-1] == 17


def test_memory_does_not_grow_with_the_source(tmp_path):
    """Six times as many frames take no more memory: each is let go before the next."""
    peaks = []
    for count in (25, 150):
        frames = np.broadcast_to(numbered_frames(1, 240, 320), (count, 240, 320, 3))
        path = encode(tmp_path / f"{count}.mp4", frames)
        tracemalloc.start()
        with open_source(path) as source:
            read_clip(source)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    one_frame = 240 * 320 * 3
    assert peaks[1] < peaks[0] + one_frame
    assert peaks[1] < 3 * 96 * 112 * 112 + 20 * one_frame
