"""The entry branch: where its crops are, what it segments in them, and what it predicts from them."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from fineparser.data.clip_input import clip_input
from fineparser.domain.clip_geometry import LAYERS
from fineparser.domain.faults import FAULT_NAMES
from fineparser.model.chunks import ENTRY_CHANNELS
from fineparser.model.config import ENTRY_SCORES, CompactConfig
from fineparser.model.entry import (
    AWARD_SPREAD,
    DEDUCTION_SPREAD,
    DEFAULT_LENGTH,
    ENTRY_MEASURES,
    EXTENTS,
    FRAME_OFFSETS,
    MEAN_AWARD,
    MIN_COVERAGE,
    RAISED,
    EntryCrops,
    EntrySegmenter,
    FaultHead,
    extents,
    in_awards,
    required_frames,
)
from fineparser.model.protocol import ClipInput

CONFIG = CompactConfig.tiny()
SIDE, FRAME_SIZE, TOUCH = 56, 112, 60
HEIGHT, LOWEST, COLUMN = 16, 40, 20


def still_camera(clips: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.eye(3, dtype=torch.float64).expand(clips, 96, 3, 3), torch.zeros(clips, 96, dtype=torch.int64)


def upright(shift=(0, 0)) -> torch.Tensor:
    """Masks [1, 96, h, h] of a diver one pixel wide who stands still, except for `shift` (x, y) a frame."""
    masks = torch.zeros(1, 96, SIDE, SIDE)
    for frame in range(96):
        x, y = (round(step * (frame - TOUCH)) for step in shift)
        if 0 <= COLUMN + x < SIDE:
            masks[0, frame, max(0, LOWEST - HEIGHT + 1 + y) : max(0, LOWEST + 1 + y), COLUMN + x] = 1
    return masks


def locate(masks, transitions=(30, TOUCH), camera=None) -> EntryCrops:
    return EntryCrops.from_masks(masks, torch.tensor([transitions]), camera or still_camera(), FRAME_SIZE)


# Crops


def test_the_crops_are_over_the_water_and_as_large_as_the_diver():
    entry = locate(upright())
    length = np.subtract(*np.percentile(np.arange(HEIGHT), (98, 2)))
    assert entry.length.item() == pytest.approx(length / SIDE)
    assert entry.frames[0].tolist() == [TOUCH + offset for offset in FRAME_OFFSETS]
    np.testing.assert_allclose(entry.track.half_side[0], length / SIDE, rtol=1e-6)
    centre = (COLUMN + 0.5) / SIDE - 0.5, (LOWEST - RAISED * length + 0.5) / SIDE - 0.5
    np.testing.assert_allclose(entry.track.centre[0], np.tile(centre, (len(FRAME_OFFSETS), 1)), rtol=1e-5)
    assert (entry.flight_frames.item(), entry.frames_left.item()) == (30, 95 - TOUCH)
    assert entry.inside.all()


def test_length_and_place_are_numpys_percentiles_and_medians():
    """Of ragged masks: the definition, computed frame by frame."""
    generator = torch.Generator().manual_seed(0)
    masks = (torch.rand(1, 96, SIDE, SIDE, generator=generator) ** 6).where(upright() == 0, 0.9)
    entry = locate(masks)
    pixels = {frame: np.nonzero(masks[0, frame].numpy() >= 0.5) for frame in range(TOUCH - 5, TOUCH + 4)}
    lengths = [
        np.hypot(*(np.subtract(*np.percentile(places, (98, 2))) for places in pixels[frame]))
        for frame in range(TOUCH - 5, TOUCH + 1)
    ]
    lowest = []
    for frame in range(TOUCH, TOUCH + 4):
        rows, columns = pixels[frame]
        lowest.append([columns[rows >= np.percentile(rows, 92)].mean(), rows.max()])
    x, y = np.median(lowest, axis=0)
    length = np.median(lengths)
    assert entry.length.item() * SIDE == pytest.approx(length)
    centre = (x + 0.5) / SIDE - 0.5, (y - RAISED * length + 0.5) / SIDE - 0.5
    np.testing.assert_allclose(entry.track.centre[0, 0], centre, rtol=1e-5)


@pytest.mark.parametrize("touch", [2, TOUCH, 90])
def test_they_depend_on_the_required_frames_alone(touch):
    masks, required = upright((0, 0.5)), required_frames(touch, 95)
    assert required == sorted(set(required))
    assert set(required) <= set(range(96))
    alone = torch.zeros_like(masks)
    alone[:, required] = masks[:, required]
    one, other = (locate(some, (1, touch)) for some in (masks, alone))
    assert torch.equal(one.track.centre, other.track.centre)
    assert torch.equal(one.length, other.length)
    assert set(one.frames[0].tolist()) <= set(required)


def test_they_stay_over_the_water_when_the_camera_pans_and_zooms():
    """Pixels of the frames, of which the masks' are two: the place moves by 1.5 a frame to the right and grows."""
    motions = []
    for frame in range(96):
        scale = 1.02 ** (frame - TOUCH)
        motions.append([[scale, 0, 1.5 * (frame - TOUCH)], [0, scale, 0], [0, 0, 1]])
    motions = np.array(motions) @ np.linalg.inv(np.array(motions[0]))
    entry = locate(upright(), camera=(torch.from_numpy(motions)[None], still_camera()[1]))
    centre, half_side = entry.track.centre[0].numpy(), entry.track.half_side[0].numpy()
    at_touch = FRAME_OFFSETS.index(0)
    scale = 1.02 ** np.array(FRAME_OFFSETS)
    np.testing.assert_allclose(half_side, half_side[at_touch] * scale, rtol=1e-5)
    # The place of the touch, in pixels of the frames: their centres are whole numbers.
    x = ((centre[:, 0] + 0.5) * FRAME_SIZE) - 0.5
    np.testing.assert_allclose(x, x[at_touch] * scale + 1.5 * np.array(FRAME_OFFSETS), atol=1e-3)


def test_frames_after_the_clips_end_are_marked():
    entry = locate(upright(), (30, 90))
    assert entry.inside[0].tolist() == [offset <= 5 for offset in FRAME_OFFSETS]
    assert entry.frames.max() == 95
    assert locate(upright(), (0, 2)).frames.min() == 0


def test_an_invisible_diver_has_the_default_length_and_is_in_the_centre():
    entry = locate(torch.zeros(1, 96, SIDE, SIDE))
    assert entry.length.item() == pytest.approx(DEFAULT_LENGTH)
    np.testing.assert_allclose(entry.track.centre[0, :, 0], 0.5 / SIDE, atol=1e-6)
    assert entry.measures.isfinite().all()


def test_after_a_cut_the_crops_stay_where_they_were():
    """The place of the water in the other shot is unknown."""
    shots = (torch.arange(96) > TOUCH + 3).long()[None]
    centre = locate(upright(), camera=(still_camera()[0], shots)).track.centre[0]
    torch.testing.assert_close(centre, centre[:1].expand_as(centre))


def numbered_frames() -> torch.Tensor:
    """The sixteen frames of an entry [1, 16, 3, H, W], whose brightness is their number in the clip."""
    numbers = TOUCH + torch.tensor(FRAME_OFFSETS)
    return numbers.view(1, -1, 1, 1, 1).expand(1, -1, 3, FRAME_SIZE, FRAME_SIZE).float()


def test_crops_and_their_median():
    entry = locate(upright())
    crops, median = entry.crop_pixels(numbered_frames(), 24)
    assert crops.shape == (1, len(FRAME_OFFSETS), 3, 24, 24)
    numbers = [TOUCH + offset for offset in FRAME_OFFSETS]
    assert crops[0, :, 0, 12, 12].tolist() == numbers
    assert median[0, :, 12, 12].unique().tolist() == [sorted(numbers)[len(numbers) // 2]]
    wide, _ = entry.crop_pixels(numbered_frames(), 24, margin=8.0)
    assert (wide[0, :, :, 0, 0] == 0).all()  # beyond the frame's edge


def test_crops_of_normalised_frames_are_those_of_their_pixels(clips):
    masks = torch.zeros(3, 96, 32, 32)
    masks[..., 4:20, 14:16] = 1
    transitions = torch.tensor([[20, 50]] * 3)
    entry = EntryCrops.from_masks(masks, transitions, clips.require_camera_motion(), 32)
    crops, median = entry.crop(clips.frames, 24)
    assert torch.equal(crops, crops.round())
    assert 0 <= crops.min() <= crops.max() <= 255
    alone = EntryCrops.from_masks(masks[1:2], transitions[1:2], clips.select([1]).require_camera_motion(), 32)
    one, other = alone.crop(clips.frames[1:2], 24)
    assert torch.equal(one[0], crops[1])
    assert torch.equal(other[0], median[1])


def test_the_median_is_that_of_frames_inside_the_clip():
    entry = locate(upright(), (30, 90))
    _, median = entry.crop_pixels(numbered_frames(), 8)
    inside = [TOUCH + offset for offset in FRAME_OFFSETS if offset <= 5]
    assert median[0, 0, 4, 4] == sorted(inside)[len(inside) // 2]


def test_clips_of_a_batch_do_not_depend_on_each_other():
    masks = torch.cat([upright(), upright((0.2, 0))])
    transitions = torch.tensor([[30, TOUCH], [20, 50]])
    both = EntryCrops.from_masks(masks, transitions, still_camera(2), FRAME_SIZE)
    for number in range(2):
        alone = locate(masks[number : number + 1], tuple(transitions[number].tolist()))
        torch.testing.assert_close(both.track.centre[number : number + 1], alone.track.centre)
        torch.testing.assert_close(both.measures[number : number + 1], alone.measures)


# Segmentation


@pytest.fixture
def segmenter():
    torch.manual_seed(0)
    return EntrySegmenter(CONFIG).eval()


def test_channels_of_the_segmenter():
    count = len(FRAME_OFFSETS)
    crops = torch.zeros(1, count, 3, 2, 2)
    crops[:] = torch.arange(100, 100 + count)[:, None, None, None]
    crops[:, :, 0] += 16  # a little red
    crops[..., 0, 0] = 0  # beyond the frame's edge
    channels = EntrySegmenter.channels(crops, torch.full((1, 3, 2, 2), 92.0))
    assert channels.shape == (count, ENTRY_CHANNELS, 2, 2)
    second = channels[1, :, 1, 1].tolist()
    assert second[:3] == pytest.approx([117 / 127.5 - 1, 101 / 127.5 - 1, 101 / 127.5 - 1])
    assert second[3:6] == pytest.approx([25 / 32, 9 / 32, 9 / 32])
    assert second[6:8] == pytest.approx([1 / 32, -1 / 32])  # from the frames before and after
    assert second[8:10] == pytest.approx([1, FRAME_OFFSETS[1] / 12])
    assert second[10:] == pytest.approx([43 / 3 / 24, 16 / 64])
    assert channels[0, 6, 1, 1] == 0 == channels[-1, 7, 1, 1]  # the first and the last have no neighbour there
    assert channels[1, 3:6, 0, 0].tolist() == [0, 0, 0]
    assert channels[1, 8, 0, 0] == -1


def test_layers_have_half_the_size_and_maps_an_eighth(segmenter):
    layers, maps = segmenter(torch.randn(3, ENTRY_CHANNELS, 32, 32))
    assert layers.shape == (3, len(LAYERS), 16, 16)
    assert maps.shape == (3, CONFIG.entry_channels[-2], 4, 4)
    assert layers.dtype == maps.dtype == torch.float32


def test_chunks_change_nothing(segmenter):
    crops = torch.randn(5, ENTRY_CHANNELS, 32, 32)
    with torch.no_grad():
        for one, other in zip(segmenter(crops, chunk=2), segmenter(crops), strict=True):
            torch.testing.assert_close(one, other)


# Fault head


@pytest.fixture
def head():
    torch.manual_seed(0)
    return FaultHead(CONFIG).eval()


@pytest.fixture
def entries():
    """Layers, maps, inside and measures of two entries."""
    generator = torch.Generator().manual_seed(1)
    layers = torch.rand(2, len(FRAME_OFFSETS), 3, 16, 16, generator=generator)
    maps = torch.randn(2, len(FRAME_OFFSETS), CONFIG.entry_channels[-2], 4, 4, generator=generator)
    inside = torch.ones(2, len(FRAME_OFFSETS), dtype=torch.bool)
    return layers, maps, inside, torch.randn(2, ENTRY_MEASURES, generator=generator)


def test_every_output_is_a_known_fault_or_the_award():
    assert set(DEDUCTION_SPREAD) <= set(FAULT_NAMES)
    assert len(DEDUCTION_SPREAD) + 1 == ENTRY_SCORES


def test_outputs_in_awards():
    outputs = torch.zeros(2, ENTRY_SCORES)
    outputs[1] = 2
    mean, other = in_awards(outputs)
    assert mean.tolist() == [0.0] * len(DEDUCTION_SPREAD) + [MEAN_AWARD]
    torch.testing.assert_close(other, 2 * torch.tensor([*DEDUCTION_SPREAD.values(), AWARD_SPREAD]) + mean)


def test_entries_of_a_batch_do_not_depend_on_each_other(head, entries):
    with torch.no_grad():
        both, alone = head(*entries), head(*(values[1:] for values in entries))
    assert both.shape == (2, ENTRY_SCORES)
    torch.testing.assert_close(both[1:], alone)


def test_frames_after_the_clips_end_have_no_weight(head, entries):
    """Except for the first two of them, which the convolutions over time reach."""
    layers, maps, inside, measures = entries
    inside[:, 10:] = False
    other = layers.clone()
    other[:, 12:] = 0
    with torch.no_grad():
        torch.testing.assert_close(head(layers, maps, inside, measures), head(other, maps, inside, measures))
        other[:, 9] = 0
        changed = head(other, maps, inside, measures)
    assert (changed - head(layers, maps, inside, measures)).abs().max() > 1e-6


def test_gradients_reach_the_whole_head(head, entries):
    head.train()(*entries).square().sum().backward()
    assert all(parameter.grad is not None for parameter in head.parameters())


def test_extents_are_those_of_scipy():
    """Area, centre and spread of a blob, against `scipy.ndimage`."""
    rows, columns = np.mgrid[:32, :32]
    blob = np.exp(-((rows - 20) ** 2 / 18 + (columns - 9) ** 2 / 50)).astype(np.float32)
    numbers = extents(torch.from_numpy(blob)[None, None])[0].numpy()
    assert numbers.shape == (EXTENTS,)
    coverage = np.clip(blob - MIN_COVERAGE, 0, None)
    area = ndimage.sum(coverage)
    assert numbers[0] == pytest.approx(np.log(area / 32**2 + 1e-4) / 2, abs=1e-4)
    middle = np.array(ndimage.center_of_mass(coverage))
    np.testing.assert_allclose(numbers[2:4], middle / 31, atol=1e-4)
    spread = [
        np.sqrt((coverage * (axis - centre) ** 2).sum() / area)
        for axis, centre in zip((rows, columns), middle, strict=True)
    ]
    np.testing.assert_allclose(np.exp(numbers[4:6]) * 31, spread, rtol=1e-3)


def test_a_taller_splash_begins_higher_and_a_wider_one_reaches_further():
    low, tall, wide = (torch.zeros(1, 1, 24, 24) for _ in range(3))
    low[..., 18:22, 10:14], tall[..., 6:22, 10:14], wide[..., 18:22, 4:20] = 1, 1, 1
    low, tall, wide = (extents(layer)[0] for layer in (low, tall, wide))
    assert (tall[6:9] < low[6:9]).all()
    assert tall[4] > low[4]
    assert wide[9] > low[9] + 0.3
    assert wide[5] > low[5]


def test_an_empty_layer_has_finite_extents():
    assert extents(torch.zeros(1, 3, 16, 16)).isfinite().all()


# Branch


def test_a_mirrored_entry_has_the_same_scores(tiny, clips):
    """A diver falls into the water in the middle of the clip."""
    masks = torch.zeros(1, 96, 32, 32)
    for frame in range(96):
        masks[0, frame, max(0, min(frame // 3, 20) - 8) : min(frame // 3, 20), 14:16] = 1
    transitions = torch.tensor([[20, 55]])
    shifted = masks.roll(1, -1)  # so that its mirror image lies where it lay
    clip = clips.select([0])
    mirrored = clip_input(clip.frames.flip(-1))
    with torch.no_grad():
        one = tiny.entry_branch(clip, shifted, transitions).scores
        other = tiny.entry_branch(mirrored, shifted.flip(-1), transitions).scores
    # What is left: the corners that the camera motion is estimated from are others.
    torch.testing.assert_close(one, other, atol=0.05, rtol=0.05)


def test_without_camera_motion_the_branch_is_refused(tiny, clips):
    with pytest.raises(ValueError, match="needs the camera motion"):
        tiny.entry_branch(ClipInput(clips.frames), torch.zeros(3, 96, 32, 32), torch.tensor([[20, 50]] * 3))
