"""The published geometry, on frames and masks alike."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool3d

from fineparser.data.transforms import ClipTransform, centre_crop, jitter_colours, resize_frames
from fineparser.model.protocol import normalise


def columns(count=200, height=112):
    """One frame whose red channel is the column's number."""
    frame = np.zeros((1, height, count, 3), np.uint8)
    frame[..., 0] = np.arange(count, dtype=np.uint8)
    return frame


def red(clip):
    """The red channel of a normalised clip's first row, as numbers again."""
    return (clip[0, 0, 0] * 0.229 + 0.485).mul(255).round().long().tolist()


def test_evaluation_cuts_the_middle():
    clip, masks = ClipTransform()(columns(), None, np.random.default_rng(0))
    assert clip.shape == (3, 1, 112, 112)
    assert clip.dtype == torch.float32
    assert masks is None
    assert red(clip) == list(range(44, 156))


def test_training_crops_anywhere_and_flips_half_of_the_time():
    transform = ClipTransform.for_training()
    lefts, mirrored = [], 0
    for seed in range(200):
        values = red(transform(columns(), None, np.random.default_rng(seed))[0])
        mirrored += values[0] > values[-1]
        lefts.append(min(values))
        assert sorted(values) == list(range(lefts[-1], lefts[-1] + 112))
    assert min(lefts) < 8
    assert max(lefts) > 80
    assert 70 <= mirrored <= 130  # 4 standard deviations about 100


def test_masks_go_where_the_frames_go():
    frames = columns()
    masks = (frames[..., 0] >= 60) & (frames[..., 0] < 130)
    for seed in range(20):
        clip, mask = ClipTransform.for_training()(frames, masks, np.random.default_rng(seed))
        assert mask.shape == (1, 1, 112, 112)
        assert mask.dtype == torch.bool
        assert mask[0, 0, 0].tolist() == [60 <= value < 130 for value in red(clip)]


def test_the_end_moves_by_0_to_3_frames_in_training_only():
    rng = np.random.default_rng(0)
    assert {ClipTransform.for_training().end_shift(rng) for _ in range(100)} == {-3, -2, -1, 0}
    assert {ClipTransform().end_shift(rng) for _ in range(10)} == {0}


def test_frames_are_scaled_to_200_by_112_by_averaging():
    picture = np.zeros((1, 224, 400, 3), np.uint8)
    picture[:, ::2] = 200  # every second row: 2 x 2 blocks average to 100
    small = resize_frames(picture)
    assert small.shape == (1, 112, 200, 3)
    assert (small == 100).all()


def test_a_mask_preserves_the_pixels_of_which_half_is_covered():
    mask = np.zeros((1, 224, 400), bool)
    mask[0, 0, :2] = True  # half of the first small pixel
    mask[0, 2, 2] = True  # a quarter of another
    small = resize_frames(mask)
    assert small.dtype == np.bool_
    assert np.argwhere(small[0]).tolist() == [[0, 0]]


def test_an_enlarged_frame_has_the_right_size():
    assert resize_frames(np.zeros((2, 60, 80, 3), np.uint8)).shape == (2, 112, 200, 3)
    assert resize_frames(np.ones((2, 60, 80), bool)).all()


def test_a_cropped_frame_is_not_scaled_in_width():
    picture = columns(112)
    assert resize_frames(picture) is picture
    assert np.array_equal(centre_crop(picture), picture)
    for side in (112, 224):
        cut = np.zeros((1, side, side, 3), np.uint8)
        assert resize_frames(cut).shape == (1, 112, 112, 3)
        assert resize_frames(cut, 2).shape == (1, 224, 224, 3)
    assert resize_frames(np.zeros((1, 300, 300, 3), np.uint8)).shape == (1, 112, 200, 3)  # square, but nobody cut it


def test_larger_scales_show_the_same_crop():
    """Clips of twice the size, averaged over 2 x 2 pixels, are those of the usual size; so are their masks."""
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (2, 224, 400, 3), dtype=np.uint8)
    masks = np.zeros((2, 224, 400), bool)
    masks[:, 40:140, 100:260] = True
    for plain in (
        ClipTransform(),
        ClipTransform.for_training(),
        ClipTransform.for_training(zoom_jitter=0.3, crop_attempts=2),
    ):
        fine = replace(plain, scale=2, mask_scale=2)
        for seed in range(8):
            (small, result), (large, sharp) = (
                transform(frames, masks, np.random.default_rng(seed)) for transform in (plain, fine)
            )
            assert large.shape == (3, 2, 224, 224)
            assert sharp.shape == (1, 2, 224, 224)
            shrunk = avg_pool3d(large[None], (1, 2, 2))[0]
            if not plain.zoom_jitter:
                assert (shrunk - small).abs().max() < 0.02  # a level of 255, rounded
            assert (avg_pool3d(sharp[None].float(), (1, 2, 2))[0] - result.float()).abs().mean() < 0.02


def test_invalid_scales_are_rejected():
    with pytest.raises(ValueError, match="not 0 and 1"):
        ClipTransform(scale=0)


def test_colour_jitter_moves_the_colours_alike_in_every_frame():
    frames = np.random.default_rng(0).integers(60, 180, (1, 8, 8, 3), dtype=np.uint8).repeat(3, axis=0)
    moved = jitter_colours(frames, np.random.default_rng(3), 0.3)
    assert moved.shape == frames.shape
    assert moved.dtype == np.uint8
    assert np.abs(moved.astype(int) - frames).mean() > 2
    assert (moved == moved[:1]).all()


def test_colour_jitter_preserves_grey_except_for_the_balance():
    """Contrast about the mean, brightness and saturation leave a uniform grey uniform: only a factor each channel."""
    frames = np.full((2, 4, 4, 3), 100, np.uint8)
    for seed in range(20):
        moved = jitter_colours(frames, np.random.default_rng(seed), 0.3)
        assert (moved == moved[0, 0, 0]).all()
        assert 100 * 0.7 * 0.9 - 1 <= moved.min() <= moved.max() <= 100 * 1.3 * 1.1 + 1


def test_no_jitter_leaves_the_colours_alone():
    frames = np.random.default_rng(0).integers(0, 256, (1, 112, 112, 3), dtype=np.uint8)
    clip, _ = ClipTransform()(frames, None, np.random.default_rng(0))
    assert torch.equal(clip, normalise(frames))


def test_masks_of_another_size_are_rejected():
    with pytest.raises(ValueError, match=r"shape \(1, 112, 100\), the frames \(1, 112, 200\)"):
        ClipTransform()(columns(), np.zeros((1, 112, 100), bool), np.random.default_rng(0))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"flip_probability": 1.5}, "probability, not 1.5"),
        ({"colour_jitter": 1.0}, "below 1, not 1"),
        ({"max_end_shift": -3}, "not -3"),
    ],
)
def test_impossible_settings_are_rejected(setting, message):
    with pytest.raises(ValueError, match=message):
        ClipTransform(**setting)


def spotted(count=8):
    """Pictures whose value is the column, and a mask of ten columns near the right edge."""
    masks = np.zeros((count, 112, 200), bool)
    masks[:, 40:60, 180:190] = True
    return np.repeat(columns(200), count, axis=0), masks


def test_the_crop_with_most_of_the_diver_is_used():
    frames, masks = spotted()
    shown = {
        looks: np.mean(
            [
                ClipTransform(random_crop=True, crop_attempts=looks)(frames, masks, np.random.default_rng(seed))[1]
                .any()
                .item()
                for seed in range(40)
            ]
        )
        for looks in (1, 8)
    }
    assert shown[1] < 0.5 < 0.6 < shown[8]


def test_closer_crops_enlarge_frames_and_masks_alike():
    frames, masks = spotted()
    frames = np.where(masks[..., None], 255, 0).astype(np.uint8).repeat(3, axis=-1)
    sizes = set()
    for seed in range(40):
        clip, mask = ClipTransform(random_crop=True, zoom_jitter=0.4, crop_attempts=6)(
            frames, masks, np.random.default_rng(seed)
        )
        assert clip.shape == (3, 8, 112, 112)
        result = clip[0, 0] > clip[0, 0].mean()
        if mask.any() and not mask[0, 0, :, [0, -1]].any():
            assert (result ^ mask[0, 0]).float().mean() < 0.01
            sizes.add(int(mask[0, 0].sum()))
    assert min(sizes) == 200 < 300 < max(sizes)


def test_clips_are_trimmed_around_the_dive(make_dive):
    dive = make_dive(last_frame=200, flight_frame=80, entry_frame=130)
    spans = [
        ClipTransform(trim_probability=0.5).numbers(dive, np.random.default_rng(seed))[[0, -1]] for seed in range(60)
    ]
    firsts, lasts = np.array(spans).T
    assert 0.3 < (firsts == 0).mean() < 0.75
    assert firsts.max() > 40
    assert firsts.max() <= 75
    assert lasts.min() >= 135
    assert (ClipTransform().numbers(dive, np.random.default_rng(0)) == dive.sample()).all()
