"""What draws the entry: what it sees, and what comes out."""

import pytest
import torch

from fineparser.model.config import FineParserConfig
from fineparser.model.entry_painter import LAYERS, SEEN, EntryPainter
from fineparser.model.entry_scene import OFFSETS
from fineparser.simulator import layers as simulated


@pytest.fixture
def painter():
    torch.manual_seed(0)
    return EntryPainter(FineParserConfig.tiny()).eval()


def test_it_draws_what_the_simulator_tells_apart():
    assert LAYERS == simulated.LAYERS


def test_channels_are_what_it_is_told_they_are():
    shown = torch.zeros(len(OFFSETS), 3, 2, 2, dtype=torch.uint8)
    shown[:] = torch.arange(100, 100 + len(OFFSETS))[:, None, None, None]
    shown[:, 0] += 16  # a little red
    shown[:, :, 0, 0] = 0  # beyond the picture's edge
    scenery = torch.full((3, 2, 2), 92, dtype=torch.uint8)
    found = EntryPainter.channels(shown, scenery)
    assert found.shape == (len(OFFSETS), SEEN, 2, 2)
    second = found[1, :, 1, 1].tolist()
    assert second[:3] == pytest.approx([117 / 127.5 - 1, 101 / 127.5 - 1, 101 / 127.5 - 1])
    assert second[3:6] == pytest.approx([25 / 32, 9 / 32, 9 / 32])
    assert second[6:8] == pytest.approx([1 / 32, -1 / 32])  # of the moments before and after
    assert second[8:10] == pytest.approx([1, OFFSETS[1] / 12])
    assert second[10:] == pytest.approx([43 / 3 / 24, 16 / 64])
    assert found[0, 6, 1, 1] == 0 == found[-1, 7, 1, 1]  # there is none before the first, and none after the last
    assert found[1, 3:6, 0, 0].tolist() == [0, 0, 0]
    assert found[1, 8, 0, 0] == -1


def test_it_draws_layers_at_half_the_size_and_maps_at_an_eighth(painter):
    layers, maps = painter(torch.randn(3, SEEN, 32, 32))
    assert layers.shape == (3, len(LAYERS), 16, 16)
    assert maps.shape == (3, FineParserConfig.tiny().entry_channels[-2], 4, 4)
    assert layers.dtype == maps.dtype == torch.float32


def test_portions_change_nothing(painter):
    squares = torch.randn(5, SEEN, 32, 32)
    with torch.no_grad():
        whole = painter(squares)
        painter.squares_at_once = 2
        for one, other in zip(painter(squares), whole, strict=True):
            torch.testing.assert_close(one, other)
