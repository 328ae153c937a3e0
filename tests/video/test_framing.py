"""The box, the picture in it and the way back. References: Pillow's bilinear scaling, and arithmetic."""

import numpy as np
import pytest
from PIL import Image

from fineparser.video.framing import Framing
from fineparser.video.resampling import resample_weights, weigh


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A picture with detail at every scale, uint8 [height, width, 3]."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3))
    for size in (4, 16, 64):
        small = rng.integers(0, 255, (size, size, 3), np.uint8)
        picture += np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR))
    return (picture / 3).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(240, 320), (256, 456), (720, 1280), (400, 200), (90, 160)])
def test_the_centre_is_the_published_loaders(height, width):
    """Scale to 200x112 whatever the shape, crop the middle 112x112: Pillow's result, to a level or two."""
    picture = texture(height, width)
    loader = np.asarray(Image.fromarray(picture).resize((200, 112), Image.Resampling.BILINEAR))[:, 44:156]
    difference = np.abs(Framing.centre(width, height).crop(picture).astype(int) - loader)
    assert difference.max() <= 2
    assert difference.mean() < 0.3


@pytest.mark.parametrize(
    "box", [(10.3, 20.7, 250.9, 210.2), (100, 100, 140, 130), (0, 0, 320, 240), (200.5, 50, 201.5, 51)]
)
def test_any_box_is_scaled_as_pillow_does(box):
    picture = texture(240, 320)
    reference = Image.fromarray(picture).resize((112, 112), Image.Resampling.BILINEAR, box=box)
    difference = np.abs(Framing.box(*box).crop(picture).astype(int) - np.asarray(reference))
    # Pillow forgets what lies outside the box, we do not: only the border differs.
    assert difference[8:-8, 8:-8].max() <= 2


def test_fine_stripes_do_not_alias():
    picture = np.zeros((448, 448, 3), np.uint8)
    picture[:, ::2] = 255  # far finer than the clip can show
    clip = Framing.whole(448, 448).crop(picture)
    inside = clip[:, 1:-1].astype(int)  # the outermost columns see stripes on one side only
    assert np.abs(inside - 128).max() <= 1


def test_whole_pixels_are_copied():
    picture = texture(240, 320)
    np.testing.assert_array_equal(Framing.box(30, 40, 142, 152).crop(picture), picture[40:152, 30:142])
    np.testing.assert_array_equal(Framing.box(0, 0, 112, 112).crop(picture[:112, :112]), picture[:112, :112])


def test_beyond_the_picture_its_edge_is_carried_on():
    picture = texture(120, 160)
    clip = Framing.box(-56, -30, 56, 82).crop(picture)
    np.testing.assert_array_equal(clip[30:, 56:], picture[:82, :56])
    assert np.all(clip[30:, :56] == picture[:82, :1])
    assert np.all(clip[:30, 56:] == picture[:1, :56])
    far = Framing.box(1000, 1000, 1112, 1112).crop(picture)  # wholly outside
    assert np.all(far == picture[-1, -1])


def test_weights_sum_to_one_wherever_the_box_lies():
    for start, stop in ((-50, -10), (-3.2, 200.1), (0, 20), (19.9, 20.1), (40, 400)):
        weights = resample_weights(start, stop, length=20, count=7)
        assert weights.shape == (7, 20)
        np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
        assert weights.min() >= 0


def test_weighing_is_a_matrix_product():
    rng = np.random.default_rng(0)
    for start, stop, length, count in ((-3.0, 30.5, 20, 7), (2.2, 9.1, 50, 40), (0, 1, 1, 5)):
        weights = resample_weights(start, stop, length, count)
        weights.data[: weights.indptr[1]] = 0  # the first row, as outside a box
        rows = rng.random((length, 6, 3), np.float32)
        expected = np.einsum("cl,lxk->cxk", weights.toarray().astype(float), rows)
        np.testing.assert_allclose(weigh(weights, rows), expected, atol=1e-6)


def test_pictures_and_masks_can_be_drawn_on():
    """OpenCV draws only into arrays that lie in one piece."""
    framing = Framing.box(3.3, 4.4, 60.6, 50.5)
    assert framing.crop(texture(60, 80)).flags.c_contiguous
    assert framing.mask_to_source(np.ones((112, 112), bool), 0, 80, 60).flags.c_contiguous
    assert framing.mask_to_source(np.ones((112, 112), np.float32), 0, 80, 60).flags.c_contiguous


def test_a_picture_that_was_cut_is_taken_whole():
    assert Framing.middle(224, 224).boxes.tolist() == [[0, 0, 224, 224]]
    assert Framing.middle(112, 112).boxes.tolist() == [[0, 0, 112, 112]]
    assert Framing.middle(300, 300).boxes.tolist() == Framing.centre(300, 300).boxes.tolist()
    assert Framing.middle(224, 112).boxes.tolist() == Framing.centre(224, 112).boxes.tolist()


def test_a_moving_box_follows():
    frames = np.stack([texture(200, 300, seed) for seed in range(3)])
    boxes = np.array([[0, 0, 112, 112], [50, 20, 162, 132], [188, 88, 300, 200]])
    clip = Framing.moving(boxes).apply(frames)
    for index, (x0, y0, x1, y1) in enumerate(boxes):
        np.testing.assert_array_equal(clip[index], frames[index, y0:y1, x0:x1])
    with pytest.raises(ValueError, match="3 boxes for 2 frames"):
        Framing.moving(boxes).apply(frames[:2])
    with pytest.raises(ValueError, match="none for frame 3"):
        Framing.moving(boxes).box_at(3)


def test_points_go_there_and_back():
    framing = Framing.centre(1280, 720)
    # The middle stays in the middle; the clip's corner is the box's.
    np.testing.assert_allclose(framing.to_source([56, 56]), [640, 360])
    np.testing.assert_allclose(framing.to_source([[0, 0], [112, 112]]), [[281.6, 0], [998.4, 720]])
    np.testing.assert_allclose(framing.to_source([112, 112], size=224), [640, 360])
    boxes = np.array([[0, 0, 112, 112], [50, 20, 274, 132]])
    moving = Framing.moving(boxes)
    np.testing.assert_allclose(moving.to_source([10, 10], 1), [70, 30])
    points = np.array([[10.0, 10.0], [10.0, 10.0]])
    there = moving.to_source(points, np.array([0, 1]))
    np.testing.assert_allclose(there, [[10, 10], [70, 30]])
    np.testing.assert_allclose(moving.to_clip(there, np.array([0, 1])), points)


def test_a_spot_in_the_clip_is_where_the_point_says():
    picture = np.zeros((300, 400, 3), np.uint8)
    picture[100:112, 240:256] = 255
    framing = Framing.box(150.5, 33.3, 340.2, 222.2)
    rows, columns = np.nonzero(framing.crop(picture)[..., 0] > 127)
    middle = [columns.mean() + 0.5, rows.mean() + 0.5]
    np.testing.assert_allclose(framing.to_source(middle), [248, 106], atol=0.9)
    np.testing.assert_allclose(framing.to_clip([248, 106]), middle, atol=0.6)


@pytest.mark.parametrize(
    ("box", "longest_side", "shape"),
    [
        ((100, 50, 324, 274), None, (300, 400)),
        ((100, 50, 324, 274), 200, (150, 200)),
        ((-50, -20, 270, 260), None, (300, 400)),
    ],
)
def test_masks_return_to_their_place(box, longest_side, shape):
    """A rectangle of the source, cut to the clip and laid back, covers itself to within a clip pixel."""
    framing = Framing.box(*box)
    source = np.zeros((1, 300, 400), bool)
    source[0, 80:200, 140:260] = True
    clip = framing.apply_to_masks(source)
    assert clip.dtype == bool
    back = framing.masks_to_source(clip, 400, 300, longest_side)
    assert back.shape == (1, *shape)
    assert back.dtype == bool
    scale = shape[0] / 300
    wanted = np.zeros(shape, bool)
    wanted[round(80 * scale) : round(200 * scale), round(140 * scale) : round(260 * scale)] = True
    overlap = (back[0] & wanted).sum() / (back[0] | wanted).sum()
    assert overlap > 0.94


def test_outside_the_box_there_is_no_mask():
    framing = Framing.box(100, 50, 212, 162)
    laid = framing.masks_to_source(np.ones((2, 112, 112), np.float32), 400, 300)
    assert laid.dtype == np.float32
    assert laid.shape == (2, 300, 400)
    wanted = np.zeros((300, 400))
    wanted[50:162, 100:212] = 1
    np.testing.assert_allclose(laid[0], wanted, atol=1e-6)
    # Beyond the picture nothing is true, although its edge is carried on in the clip.
    clip = Framing.box(-56, 0, 56, 112).apply_to_masks(np.ones((1, 112, 112), bool))
    assert not clip[0, :, :56].any()
    assert clip[0, :, 56:].all()


def test_reports_get_masks_of_at_most_640_pixels():
    framing = Framing.centre(1920, 1080)
    masks = np.zeros((2, 112, 112), bool)
    assert framing.masks_to_source(masks, 1920, 1080).shape == (2, 360, 640)
    assert Framing.centre(1080, 1920).masks_to_source(masks, 1080, 1920).shape == (2, 640, 360)
    assert Framing.centre(320, 240).masks_to_source(masks, 320, 240).shape == (2, 240, 320)


@pytest.mark.parametrize("box", [(10, 10, 10, 20), (10, 20, 20, 10), (0, 0, float("nan"), 5), (0, 0, float("inf"), 5)])
def test_impossible_boxes_are_refused(box):
    with pytest.raises(ValueError, match="Box 0 is empty or not a number"):
        Framing.box(*box)
    with pytest.raises(ValueError, match=r"\[n, 4\]"):
        Framing(np.zeros((2, 3)))


def test_boxes_cannot_be_changed():
    boxes = np.array([[0.0, 0, 10, 10]])
    framing = Framing(boxes)
    boxes[0, 0] = 5
    assert framing.boxes[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        framing.boxes[0, 0] = 5
