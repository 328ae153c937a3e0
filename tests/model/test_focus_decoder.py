"""What is drawn in the square: shapes, and points as SciPy's centre of mass finds them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from fineparser.model.config import LANDMARKS, FineParserConfig
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.fineparser import FineParser
from fineparser.model.focus_decoder import FocusDecoder, FocusView
from fineparser.model.static_visual_encoder import FrameResNet


def test_it_draws_at_the_squares_size():
    config = FineParserConfig.compact()
    backbone = FrameResNet(config.static_blocks, config.static_channels, 4)
    stages = backbone.stages(torch.randn(3, 4, 64, 64))
    assert [stage.shape[-1] for stage in stages] == [32, 16, 8, 4, 2]
    view = FocusDecoder(config)(stages)
    assert view.outline.shape == (3, 64, 64)
    assert view.places.shape == (3, LANDMARKS, 32, 32)
    torch.testing.assert_close(view.places.exp().sum((-2, -1)), torch.ones(3, LANDMARKS))


def test_stages_are_what_the_features_are_pooled_from():
    torch.manual_seed(0)
    backbone = FrameResNet((1, 1, 1, 1), (8, 8, 16, 64)).eval()
    frames = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(backbone.stages(frames)[-1].mean((2, 3)), backbone(frames))


def test_points_are_the_middles_of_their_maps():
    torch.manual_seed(0)
    places = torch.randn(2, LANDMARKS, 16, 16).mul(3).flatten(2).log_softmax(-1).view(2, LANDMARKS, 16, 16)
    points = FocusView(torch.zeros(2, 32, 32), places).points
    for square in range(2):
        for number in range(LANDMARKS):
            chance = places[square, number].exp().numpy()
            row, column = ndimage.center_of_mass(chance)
            x, y = (column + 0.5) / 8 - 1, (row + 0.5) / 8 - 1
            rows, columns = np.mgrid[:16, :16]
            squared = ((rows - row) ** 2 + (columns - column) ** 2) / 64
            expected = [x, y, np.sqrt((chance * squared).sum() / chance.sum())]
            np.testing.assert_allclose(points[square, number], expected, atol=1e-4)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return FineParser(FineParserConfig.tiny()).eval()


def test_outlines_are_drawn_anew_where_the_squares_are(model):
    with torch.inference_mode():
        encoding = model.encode(torch.randn(1, 3, 96, 32, 32), keep_frames=True)
    assert encoding.outlines.shape == (1, 96, 32, 32)
    assert torch.equal(encoding.mask_probability, encoding.outlines)
    assert 0 <= encoding.outlines.min() <= encoding.outlines.max() <= 1
    assert encoding.frames.shape[-1] == sum(model.config.track_parts)
    assert encoding.without_masks().outlines is None
    assert model.encode(torch.randn(1, 3, 96, 32, 32), masks=False).outlines is None
    assert "outlines" not in encoding.to_arrays()


def test_the_spatial_parsers_own_masks_can_be_had_alone(model):
    clips = torch.randn(2, 3, 96, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(model.outline(clips), model.encode(clips).mask_logits, atol=1e-4, rtol=1e-4)


def test_a_second_look_is_in_the_mirror_where_the_first_outlines_lead(model):
    """Masks, switches and tokens are the mean of what a network with one look says of either picture."""
    once = FineParser(replace(model.config, second_look=False)).eval()
    once.load_state_dict(model.state_dict())
    clips, outlined = torch.randn(2, 3, 96, 32, 32), torch.rand(2, 96, 32, 32)
    transitions = torch.tensor([[20, 60], [30, 80]])
    with torch.inference_mode():
        tracks, probabilities, outlines = model.read_track(clips, outlined)
        first = once.read_track(clips, outlined)
        led = ((outlined + first[2]) / 2).flip(-1)
        focus = DiverFocus.of(first[2].flip(-1))
        features, view = once.look(clips.flip(-1), led, focus)
        drawn = focus.paste(view.outline.sigmoid().unflatten(0, (2, 96)), led)
        track, told = once.parse_track(features, focus.measures(drawn))
        tokens = [once.static_visual_encoder(some, transitions) for some in (first[0], track[:, None])]
        both = model.static_visual_encoder(tracks, transitions)
        reread = model.reread(tracks)
    torch.testing.assert_close(tracks, torch.stack([first[0][:, 0], track], dim=1))
    torch.testing.assert_close(probabilities, (first[1] + told) / 2)
    torch.testing.assert_close(outlines, (first[2] + drawn.flip(-1)) / 2)
    torch.testing.assert_close(both, sum(tokens) / 2)
    torch.testing.assert_close(reread, (tracks, probabilities))
