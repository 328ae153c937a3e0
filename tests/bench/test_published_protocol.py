import pytest
import torch
from torch import nn
from torch.nn import functional

from fineparser.bench.model import lively_weights
from fineparser.bench.published_protocol import PaddedMaxPool, plain_network, plain_stems, published_vote
from fineparser.model.config import FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.model.upsampling import Upsampling


@pytest.fixture(scope="module")
def network() -> FineParser:
    model = FineParser(FineParserConfig.tiny()).eval()
    with torch.no_grad():
        lively_weights(model, 0)
    return model


@pytest.fixture(scope="module")
def clips() -> torch.Tensor:
    return torch.randn(2, 3, 96, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("copy", [plain_stems, plain_network])
def test_plain_modules_give_the_same_numbers(network, clips, copy):
    with torch.inference_mode():
        ours, plain = (model.encode(clips, side_outputs=True) for model in (network, copy(network)))
    for name in ("dynamic", "static", "mask_logits", "side_logits", "transition_probabilities"):
        torch.testing.assert_close(getattr(plain, name), getattr(ours, name), rtol=1e-3, atol=1e-4)


def test_a_pass_encodes_both_clips_anew(network, clips):
    with torch.inference_mode():
        delta, logits = published_vote(plain_network(network), clips[:1], clips[1:])
        query, exemplar = network.encode(clips[:1]), network.encode(clips[1:])
        torch.testing.assert_close(delta, network.compare(query, exemplar).delta, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(logits, query.mask_logits, rtol=1e-3, atol=1e-4)


def test_nothing_of_ours_is_left(network):
    modules = list(plain_network(network).modules())
    assert not any(isinstance(module, Upsampling) for module in modules)
    assert not any(isinstance(module, nn.ReLU) and module.inplace for module in modules)
    assert any(isinstance(module, Upsampling) for module in network.modules())


@pytest.mark.parametrize(("kernel", "stride", "pad"), [(3, 2, (0, 1) * 3), ((1, 3, 3), (1, 2, 2), (0, 1, 0, 1, 0, 0))])
def test_pools_pad_the_end_as_tensorflow_does(kernel, stride, pad):
    x = torch.rand(1, 2, 4, 6, 6)
    expected = functional.max_pool3d(functional.pad(x, pad), kernel, stride)
    assert torch.equal(PaddedMaxPool(nn.MaxPool3d(kernel, stride, ceil_mode=True))(x), expected)
