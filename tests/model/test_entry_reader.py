"""What reads the drawn entry: how layers are summed up, and what counts."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from fineparser.model.config import ENTRY_READINGS, FineParserConfig
from fineparser.model.entry_reader import (
    AWARD_MIDDLE,
    AWARD_SPREAD,
    DEDUCTION_SPREAD,
    EXTENTS,
    FAINT,
    EntryReader,
    extents,
    in_awards,
)
from fineparser.model.entry_scene import OFFSETS, SCENE_MEASURES
from fineparser.simulator.judges import PRICES

CONFIG = FineParserConfig.tiny()


@pytest.fixture
def reader():
    torch.manual_seed(0)
    return EntryReader(CONFIG).eval()


@pytest.fixture
def entries():
    """Layers, maps, inside and measures of two entries."""
    generator = torch.Generator().manual_seed(1)
    layers = torch.rand(2, len(OFFSETS), 3, 16, 16, generator=generator)
    maps = torch.randn(2, len(OFFSETS), CONFIG.entry_channels[-2], 4, 4, generator=generator)
    inside = torch.ones(2, len(OFFSETS), dtype=torch.bool)
    return layers, maps, inside, torch.randn(2, SCENE_MEASURES, generator=generator)


def test_it_reads_what_the_judges_price_and_the_award():
    assert len(PRICES) + 1 == ENTRY_READINGS


def test_readings_are_told_in_awards():
    read = torch.zeros(2, ENTRY_READINGS)
    read[1] = 2
    usual, other = in_awards(read)
    assert usual.tolist() == [0.0] * len(PRICES) + [AWARD_MIDDLE]
    torch.testing.assert_close(other, 2 * torch.tensor([*DEDUCTION_SPREAD, AWARD_SPREAD]) + usual)


def test_each_entry_is_read_by_itself(reader, entries):
    with torch.no_grad():
        both, alone = reader(*entries), reader(*(values[1:] for values in entries))
    assert both.shape == (2, ENTRY_READINGS)
    torch.testing.assert_close(both[1:], alone)


def test_moments_after_the_clips_end_are_weighed_by_nothing(reader, entries):
    """But for what convolutions along time see of the first two of them."""
    layers, maps, inside, measures = entries
    inside[:, 10:] = False
    other = layers.clone()
    other[:, 12:] = 0
    with torch.no_grad():
        torch.testing.assert_close(reader(layers, maps, inside, measures), reader(other, maps, inside, measures))
        other[:, 9] = 0
        changed = reader(other, maps, inside, measures)
    assert (changed - reader(layers, maps, inside, measures)).abs().max() > 1e-6


def test_gradients_reach_all_of_it(reader, entries):
    reader.train()(*entries).square().sum().backward()
    assert all(parameter.grad is not None for parameter in reader.parameters())


def test_extents_are_those_of_scipy():
    """Area, middle and spread of a blob, held against `scipy.ndimage`."""
    rows, columns = np.mgrid[:32, :32]
    blob = np.exp(-((rows - 20) ** 2 / 18 + (columns - 9) ** 2 / 50)).astype(np.float32)
    found = extents(torch.from_numpy(blob)[None, None])[0].numpy()
    assert found.shape == (EXTENTS,)
    shown = np.clip(blob - FAINT, 0, None)
    whole = ndimage.sum(shown)
    assert found[0] == pytest.approx(np.log(whole / 32**2 + 1e-4) / 2, abs=1e-4)
    middle = np.array(ndimage.center_of_mass(shown))
    np.testing.assert_allclose(found[2:4], middle / 31, atol=1e-4)
    spread = [
        np.sqrt((shown * (axis - centre) ** 2).sum() / whole)
        for axis, centre in zip((rows, columns), middle, strict=True)
    ]
    np.testing.assert_allclose(np.exp(found[4:6]) * 31, spread, rtol=1e-3)


def test_a_taller_splash_begins_higher_and_reaches_further():
    low, tall, wide = (torch.zeros(1, 1, 24, 24) for _ in range(3))
    low[..., 18:22, 10:14], tall[..., 6:22, 10:14], wide[..., 18:22, 4:20] = 1, 1, 1
    low, tall, wide = (extents(layer)[0] for layer in (low, tall, wide))
    assert (tall[6:9] < low[6:9]).all()
    assert tall[4] > low[4]
    assert wide[9] > low[9] + 0.3
    assert wide[5] > low[5]


def test_an_empty_layer_has_finite_extents():
    assert extents(torch.zeros(1, 3, 16, 16)).isfinite().all()
