"""The entry in the network: looked at in both directions, compared, and left out where it is not wanted."""

from dataclasses import replace

import pytest
import torch

from fineparser.model.config import ENTRY_READINGS, FineParserConfig
from fineparser.model.filmed import Filmed
from fineparser.model.fineparser import FineParser


@pytest.fixture
def model():
    torch.manual_seed(0)
    return FineParser(FineParserConfig.tiny()).eval()


@pytest.fixture
def drawn():
    """A diver who falls into the water in the middle of the clip, [1, 96, 32, 32]."""
    masks = torch.zeros(1, 96, 32, 32)
    for frame in range(96):
        masks[0, frame, max(0, min(frame // 3, 20) - 8) : min(frame // 3, 20), 14:16] = 1
    return masks


def test_an_entry_in_the_mirror_reads_the_same(model, clips, drawn):
    transitions = torch.tensor([[20, 55]])
    shifted = drawn.roll(1, -1)  # so that its mirror image lies where it lay
    with torch.no_grad():
        one = model.entry_parser([Filmed.of(clips[0])], shifted, transitions)[0]
        other = model.entry_parser([Filmed.of(clips[0].flip(-1))], shifted.flip(-1), transitions)[0]
    # What is left: the corners that the camera's motion is found by are others.
    torch.testing.assert_close(one, other, atol=0.05, rtol=0.05)


def test_an_encoding_reads_its_entry_with_masks_and_without(model, clips):
    with torch.no_grad():
        whole, bare = model.encode(clips[:2]), model.encode(clips[:2], masks=False)
    assert whole.entry.shape == (2, ENTRY_READINGS)
    torch.testing.assert_close(whole.entry, bare.entry)


def test_what_is_drawn_comes_with_the_side_outputs(model, clips):
    with torch.no_grad():
        whole, bare = model.encode(clips[:1], side_outputs=True), model.encode(clips[:1])
    assert whole.entry_shown.shape == (1, 16, 3, 32, 32)
    assert whole.entry_layers.shape == (1, 16, 3, 16, 16)
    for drawn in (whole.entry_shown, whole.entry_layers):
        assert 0 <= drawn.min() <= drawn.max() <= 1
    assert bare.entry_shown is bare.entry_layers is None
    kept = whole.without_masks()
    assert kept.entry_shown is kept.entry_layers is None
    torch.testing.assert_close(kept.entry, bare.entry)


def test_where_the_entry_is_looked_at_goes_by_the_transitions(model, clips):
    with torch.no_grad():
        early, late = (model.encode(clips[:1], torch.tensor([[10, touch]]), masks=False).entry for touch in (30, 70))
    assert (early - late).abs().max() > 1e-5


def test_better_readings_count_for_the_entry_alone(model, clips):
    with torch.no_grad():
        encoding = model.encode(clips[:2], masks=False)
        query, exemplar = encoding.select([0]), encoding.select([1])
        model.contrastive_regression.entry_regressor.weight.fill_(0.5)
        before = model.compare(query, exemplar)
        after = model.compare(replace(query, entry=query.entry + 2), exemplar)
    apart = after.deltas - before.deltas
    assert apart[0, 0, 2] == pytest.approx(0.5 * 2 * ENTRY_READINGS, rel=1e-4)
    apart[0, 0, 2] = 0
    assert apart.abs().max() == 0
    # Every token of it tells the same difference more, so that their mean is still the delta.
    torch.testing.assert_close(after.tokens[0].unflatten(1, (3, -1)).mean(-1), after.deltas[:, 0])


def test_a_dive_is_as_good_as_itself(model, clips):
    with torch.no_grad():
        encoding = model.encode(clips[:1], masks=False)
        regression = model.contrastive_regression
        of_entry = regression.entry_regressor(encoding.entry - encoding.entry)
    assert of_entry.abs().max() == 0


def test_without_channels_nothing_is_read(clips):
    torch.manual_seed(0)
    model = FineParser(replace(FineParserConfig.tiny(), entry_channels=())).eval()
    assert model.entry_parser is None
    with torch.no_grad():
        encoding = model.encode(clips[:1], masks=False)
    assert encoding.entry is None
    assert model.compare(encoding, encoding).delta.shape == (1,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entry_channels": (4, 4)}, "4 levels"),
        ({"focus_outlines": False, "second_look": False, "refiner_channels": ()}, "entry_channels draw"),
        ({"temporal_parsing": False, "phase_weights": (1.0,)}, "entry_channels draw"),
    ],
)
def test_impossible_combinations_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(FineParserConfig.tiny(), **change)
