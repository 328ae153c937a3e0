"""What a track's tokens are made of: frames of their phase, the wanted parts, all looks alike."""

import pytest
import torch

from fineparser.model.config import FineParserConfig
from fineparser.model.track_tokens import MOVEMENT, PHASE_TOKENS, SEEN, TrackTokens

CONFIG = FineParserConfig.tiny()
SWITCHES = torch.tensor([[30, 70], [20, 50]])


@pytest.fixture(params=[SEEN, MOVEMENT], ids=["seen", "movement"])
def wanted(request) -> tuple[bool, bool, bool]:
    return request.param


@pytest.fixture
def tokens_of(wanted) -> TrackTokens:
    torch.manual_seed(0)
    return TrackTokens(CONFIG, wanted).eval()


@pytest.fixture
def tracks() -> torch.Tensor:
    return torch.randn(2, 2, 96, sum(CONFIG.track_parts), generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_a_phase_is_told_by_its_own_frames(tokens_of, tracks):
    before = tokens_of(tracks, SWITCHES)
    assert before.shape == (2, 3, PHASE_TOKENS, CONFIG.token_width)
    changed = tracks.clone()
    inside = slice(37, 63)  # phases reach five frames over their switches
    changed[0, :, inside] += torch.randn_like(changed[0, :, inside])
    after = tokens_of(changed, SWITCHES)
    torch.testing.assert_close(after[0, [0, 2]], before[0, [0, 2]])
    torch.testing.assert_close(after[1], before[1])
    assert not torch.allclose(after[0, 1], before[0, 1], atol=1e-3)


@torch.inference_mode()
def test_parts_that_are_not_wanted_make_no_difference(tokens_of, wanted, tracks):
    before = tokens_of(tracks, SWITCHES)
    parts = tracks.split(CONFIG.track_parts, dim=-1)
    for place, is_wanted in enumerate(wanted):
        noise = [torch.randn_like(part) if other == place else part for other, part in enumerate(parts)]
        after = tokens_of(torch.cat(noise, dim=-1), SWITCHES)
        assert torch.allclose(after, before, atol=1e-6) is not is_wanted


@torch.inference_mode()
def test_looks_are_averaged(tokens_of, tracks):
    alone = [tokens_of(tracks[:, look : look + 1], SWITCHES) for look in (0, 1)]
    torch.testing.assert_close(tokens_of(tracks, SWITCHES), (alone[0] + alone[1]) / 2)
    assert not torch.allclose(alone[0], alone[1], atol=1e-3)
