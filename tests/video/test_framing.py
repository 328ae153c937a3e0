"""Crops and the way back to source pixels, against Pillow's bilinear scaling and arithmetic."""

import numpy as np
import pytest
from PIL import Image

from fineparser.video.framing import Framing, apply_weights, resample_weights


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """An image with detail at every scale, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    frame = np.zeros((height, width, 3))
    for size in (4, 16, 64):
        small = rng.integers(0, 255, (size, size, 3), np.uint8)
        frame += np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR))
    return (frame / 3).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(240, 320), (256, 456), (720, 1280), (400, 200), (90, 160)])
def test_the_centre_crop_equals_that_of_the_published_loader(height, width):
    """Scale to 200x112 whatever the shape, crop the middle 112x112: Pillow's result, to a level or two."""
    frame = texture(height, width)
    loader = np.asarray(Image.fromarray(frame).resize((200, 112), Image.Resampling.BILINEAR))[:, 44:156]
    difference = np.abs(Framing.centre_crop(width, height).crop(frame).astype(int) - loader)
    assert difference.max() <= 2
    assert difference.mean() < 0.3


@pytest.mark.parametrize(
    "box", [(10.3, 20.7, 250.9, 210.2), (100, 100, 140, 130), (0, 0, 320, 240), (200.5, 50, 201.5, 51)]
)
def test_any_box_is_scaled_as_pillow_does(box):
    frame = texture(240, 320)
    reference = Image.fromarray(frame).resize((112, 112), Image.Resampling.BILINEAR, box=box)
    difference = np.abs(Framing.from_box(*box).crop(frame).astype(int) - np.asarray(reference))
    # Pillow ignores pixels outside the box, we do not: only the border differs.
    assert difference[8:-8, 8:-8].max() <= 2


def test_fine_stripes_do_not_alias():
    frame = np.zeros((448, 448, 3), np.uint8)
    frame[:, ::2] = 255  # far finer than the clip can show
    clip = Framing.full_frame(448, 448).crop(frame)
    inside = clip[:, 1:-1].astype(int)  # the outermost columns see stripes on one side only
    assert np.abs(inside - 128).max() <= 1


def test_whole_pixels_are_copied():
    frame = texture(240, 320)
    np.testing.assert_array_equal(Framing.from_box(30, 40, 142, 152).crop(frame), frame[40:152, 30:142])
    np.testing.assert_array_equal(Framing.from_box(0, 0, 112, 112).crop(frame[:112, :112]), frame[:112, :112])


def test_the_border_is_replicated_beyond_the_frame():
    frame = texture(120, 160)
    clip = Framing.from_box(-56, -30, 56, 82).crop(frame)
    np.testing.assert_array_equal(clip[30:, 56:], frame[:82, :56])
    assert np.all(clip[30:, :56] == frame[:82, :1])
    assert np.all(clip[:30, 56:] == frame[:1, :56])
    far = Framing.from_box(1000, 1000, 1112, 1112).crop(frame)  # wholly outside
    assert np.all(far == frame[-1, -1])


def test_weights_sum_to_one_wherever_the_box_lies():
    for start, stop in ((-50, -10), (-3.2, 200.1), (0, 20), (19.9, 20.1), (40, 400)):
        weights = resample_weights(start, stop, length=20, count=7)
        assert weights.shape == (7, 20)
        np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
        assert weights.min() >= 0


def test_applying_weights_is_a_matrix_product():
    rng = np.random.default_rng(0)
    for start, stop, length, count in ((-3.0, 30.5, 20, 7), (2.2, 9.1, 50, 40), (0, 1, 1, 5)):
        weights = resample_weights(start, stop, length, count)
        weights.data[: weights.indptr[1]] = 0  # the first row, as outside a box
        rows = rng.random((length, 6, 3), np.float32)
        expected = np.einsum("cl,lxk->cxk", weights.toarray().astype(float), rows)
        np.testing.assert_allclose(apply_weights(weights, rows), expected, atol=1e-6)


def test_crops_and_masks_are_contiguous():
    """OpenCV draws into contiguous arrays only."""
    framing = Framing.from_box(3.3, 4.4, 60.6, 50.5)
    assert framing.crop(texture(60, 80)).flags.c_contiguous
    assert framing.mask_to_source(np.ones((112, 112), bool), 0, 80, 60).flags.c_contiguous
    assert framing.mask_to_source(np.ones((112, 112), np.float32), 0, 80, 60).flags.c_contiguous


def test_a_cropped_frame_is_used_in_full():
    assert Framing.default(224, 224).boxes.tolist() == [[0, 0, 224, 224]]
    assert Framing.default(112, 112).boxes.tolist() == [[0, 0, 112, 112]]
    assert Framing.default(300, 300).boxes.tolist() == Framing.centre_crop(300, 300).boxes.tolist()
    assert Framing.default(224, 112).boxes.tolist() == Framing.centre_crop(224, 112).boxes.tolist()


def test_a_moving_box_follows():
    frames = np.stack([texture(200, 300, seed) for seed in range(3)])
    boxes = np.array([[0, 0, 112, 112], [50, 20, 162, 132], [188, 88, 300, 200]])
    framing = Framing.from_boxes(boxes)
    for index, (x0, y0, x1, y1) in enumerate(boxes):
        np.testing.assert_array_equal(framing.crop(frames[index], index), frames[index, y0:y1, x0:x1])
    with pytest.raises(ValueError, match="3 boxes for 2 frames"):
        framing.crop_masks(np.zeros((2, 200, 300), bool))
    with pytest.raises(ValueError, match="none for frame 3"):
        Framing.from_boxes(boxes).box_at(3)


def test_points_are_converted_to_source_pixels():
    framing = Framing.centre_crop(1280, 720)
    # The middle stays in the middle; the clip's corner is the box's.
    np.testing.assert_allclose(framing.to_source([56, 56]), [640, 360])
    np.testing.assert_allclose(framing.to_source([[0, 0], [112, 112]]), [[281.6, 0], [998.4, 720]])
    np.testing.assert_allclose(framing.to_source([112, 112], size=224), [640, 360])
    boxes = np.array([[0, 0, 112, 112], [50, 20, 274, 132]])
    moving = Framing.from_boxes(boxes)
    np.testing.assert_allclose(moving.to_source([10, 10], 1), [70, 30])
    points = np.array([[10.0, 10.0], [10.0, 10.0]])
    np.testing.assert_allclose(moving.to_source(points, np.array([0, 1])), [[10, 10], [70, 30]])


def test_a_spot_in_the_clip_is_at_the_converted_point():
    frame = np.zeros((300, 400, 3), np.uint8)
    frame[100:112, 240:256] = 255
    framing = Framing.from_box(150.5, 33.3, 340.2, 222.2)
    rows, columns = np.nonzero(framing.crop(frame)[..., 0] > 127)
    middle = [columns.mean() + 0.5, rows.mean() + 0.5]
    np.testing.assert_allclose(framing.to_source(middle), [248, 106], atol=0.9)


@pytest.mark.parametrize(
    ("box", "longest_side", "shape"),
    [
        ((100, 50, 324, 274), None, (300, 400)),
        ((100, 50, 324, 274), 200, (150, 200)),
        ((-50, -20, 270, 260), None, (300, 400)),
    ],
)
def test_masks_are_mapped_back_to_their_place(box, longest_side, shape):
    """A rectangle of the source, cropped and mapped back, covers itself to within a clip pixel."""
    framing = Framing.from_box(*box)
    source = np.zeros((1, 300, 400), bool)
    source[0, 80:200, 140:260] = True
    clip = framing.crop_masks(source)
    assert clip.dtype == bool
    back = framing.mask_to_source(clip[0], 0, 400, 300, longest_side)
    assert back.shape == shape
    assert back.dtype == bool
    scale = shape[0] / 300
    expected = np.zeros(shape, bool)
    expected[round(80 * scale) : round(200 * scale), round(140 * scale) : round(260 * scale)] = True
    overlap = (back & expected).sum() / (back | expected).sum()
    assert overlap > 0.94


def test_outside_the_box_there_is_no_mask():
    framing = Framing.from_box(100, 50, 212, 162)
    mapped = framing.mask_to_source(np.ones((112, 112), np.float32), 0, 400, 300)
    assert mapped.dtype == np.float32
    assert mapped.shape == (300, 400)
    expected = np.zeros((300, 400))
    expected[50:162, 100:212] = 1
    np.testing.assert_allclose(mapped, expected, atol=1e-6)
    # Beyond the frame nothing is true, although its border is replicated in the clip.
    clip = Framing.from_box(-56, 0, 56, 112).crop_masks(np.ones((1, 112, 112), bool))
    assert not clip[0, :, :56].any()
    assert clip[0, :, 56:].all()


def test_reports_get_masks_of_at_most_640_pixels():
    framing = Framing.centre_crop(1920, 1080)
    mask = np.zeros((112, 112), bool)
    assert framing.mask_to_source(mask, 0, 1920, 1080).shape == (360, 640)
    assert Framing.centre_crop(1080, 1920).mask_to_source(mask, 0, 1080, 1920).shape == (640, 360)
    assert Framing.centre_crop(320, 240).mask_to_source(mask, 0, 320, 240).shape == (240, 320)


@pytest.mark.parametrize("box", [(10, 10, 10, 20), (10, 20, 20, 10), (0, 0, float("nan"), 5), (0, 0, float("inf"), 5)])
def test_impossible_boxes_are_rejected(box):
    with pytest.raises(ValueError, match="Box 0 is empty or not a number"):
        Framing.from_box(*box)
    with pytest.raises(ValueError, match=r"\[n, 4\]"):
        Framing(np.zeros((2, 3)))


def test_boxes_cannot_be_changed():
    boxes = np.array([[0.0, 0, 10, 10]])
    framing = Framing(boxes)
    boxes[0, 0] = 5
    assert framing.boxes[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        framing.boxes[0, 0] = 5
