import pytest
import torch

from fineparser.data.clip_input import clip_input
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig, FineParserConfig
from fineparser.model.paper import FineParser
from fineparser.model.protocol import ClipInput


def noise(clips: int, seed: int, size: int = 32) -> ClipInput:
    """Clips of white noise with a camera that stands still."""
    frames = torch.randn(clips, 3, 96, size, size, generator=torch.Generator().manual_seed(seed))
    motions = torch.eye(3, dtype=torch.float64).expand(clips, 96, 3, 3)
    return ClipInput(frames, motions, torch.zeros(clips, 96, dtype=torch.int64))


@pytest.fixture(scope="session")
def tiny() -> CompactFineParser:
    """A tiny network in eval mode whose batch norms have statistics of noise."""
    torch.manual_seed(0)
    model = CompactFineParser(CompactConfig.tiny()).train()
    with torch.no_grad():
        model.encode_with_diagnostics(noise(2, 5))
    return model.eval()


@pytest.fixture(scope="session")
def tiny_paper() -> FineParser:
    """The same of the published architecture."""
    torch.manual_seed(0)
    model = FineParser(FineParserConfig.tiny()).train()
    with torch.no_grad():
        model.encode(noise(2, 5))
    return model.eval()


@pytest.fixture(scope="session")
def clips() -> ClipInput:
    """Three clips of noise, with the camera motion that is estimated in them."""
    return clip_input(noise(3, 1).frames)
