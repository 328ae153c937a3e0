"""The parser of the diver's track."""

import torch

from fineparser.model.config import FineParserConfig
from fineparser.model.diver_focus import MEASURES
from fineparser.model.track_action_parser import DILATIONS, TrackActionParser


def inputs(config, batch=2):
    return (
        torch.randn(batch, config.clip_frames, config.static_channels[-1]),
        torch.randn(batch, config.clip_frames, MEASURES),
        torch.randn(batch, len(config.window_starts), config.feature_width),
    )


def test_each_transition_is_somewhere():
    config = FineParserConfig.tiny()
    parser = TrackActionParser(config).eval()
    frames, probabilities = parser(*inputs(config))
    assert frames.shape == (2, 96, config.static_channels[-1])
    torch.testing.assert_close(probabilities.sum(1), torch.ones(2, 2))


def test_windows_stand_for_the_frames_in_their_middle():
    config = FineParserConfig.tiny()
    parser = TrackActionParser(config)
    ramp = torch.tensor(config.window_starts, dtype=torch.float32)[None, :, None] + (config.window_frames - 1) / 2
    by_frame = parser._by_frame(ramp, config.clip_frames)[0, :, 0]
    inside = torch.arange(96.0).clamp(ramp.min(), ramp.max())
    torch.testing.assert_close(by_frame, inside)


def test_every_frame_sees_the_whole_clip():
    assert 2 * sum(DILATIONS) + 1 >= 64  # to both sides
    config = FineParserConfig.tiny()
    parser = TrackActionParser(config).eval()
    frames, measures, dynamic = inputs(config, 1)
    measures.requires_grad_(True)
    parser(frames, measures, dynamic)[0][0, 48].sum().backward()
    reached = measures.grad[0].abs().sum(-1).nonzero().flatten()
    assert reached.min() <= 48 - sum(DILATIONS)
    assert reached.max() >= min(95, 48 + sum(DILATIONS))
