"""The parser of the diver's track."""

import torch

from fineparser.model.config import MEASURES, FineParserConfig
from fineparser.model.track_action_parser import DILATIONS, TrackActionParser


def inputs(config, batch=2):
    return (
        torch.randn(batch, config.clip_frames, config.seen_features),
        torch.randn(batch, config.clip_frames, MEASURES),
    )


def test_each_transition_is_somewhere():
    config = FineParserConfig.tiny()
    parser = TrackActionParser(config).eval()
    around, probabilities = parser(*inputs(config))
    assert around.shape == (2, 96, config.track_width)
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2, 2))


def test_every_frame_sees_the_whole_clip():
    assert 2 * sum(DILATIONS) + 1 >= 64  # to both sides
    config = FineParserConfig.tiny()
    parser = TrackActionParser(config).eval()
    frames, measures = inputs(config, 1)
    measures.requires_grad_(True)
    parser(frames, measures)[0][0, 48].sum().backward()
    reached = measures.grad[0].abs().sum(-1).nonzero().flatten()
    assert reached.min() <= 48 - sum(DILATIONS)
    assert reached.max() >= min(95, 48 + sum(DILATIONS))
