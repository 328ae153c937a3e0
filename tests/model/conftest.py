import pytest
import torch

from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser


@pytest.fixture(scope="session")
def tiny() -> FineParser:
    """A tiny network in eval mode whose batch norms have seen some noise."""
    torch.manual_seed(0)
    model = FineParser(FineParserConfig.tiny())
    model.train()
    with torch.no_grad():
        model.encode(torch.randn(2, 3, 96, 32, 32))
    return model.eval()


@pytest.fixture(scope="session")
def clips() -> torch.Tensor:
    return torch.randn(3, 3, 96, 32, 32, generator=torch.Generator().manual_seed(1))
