import pytest
import torch
from torch import nn
from torch.nn import functional

from benchmarks.model import randomise_weights
from benchmarks.published_protocol import PaddedMaxPool, plain_network, plain_stems, published_vote
from fineparser.model.config import FineParserConfig
from fineparser.model.paper import FineParser
from fineparser.model.protocol import ClipInput, DiagnosticsLevel
from fineparser.model.spatial_action_parser import Upsampling


@pytest.fixture(scope="module")
def network() -> FineParser:
    model = FineParser(FineParserConfig.tiny()).eval()
    with torch.no_grad():
        randomise_weights(model, 0)
    return model


@pytest.fixture(scope="module")
def clips() -> torch.Tensor:
    return torch.randn(2, 3, 96, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("copy", [plain_stems, plain_network])
def test_plain_modules_give_the_same_numbers(network, clips, copy):
    with torch.inference_mode():
        expected, plain = (
            model.encode_with_diagnostics(ClipInput(clips), level=DiagnosticsLevel.SIDE_OUTPUTS)
            for model in (network, copy(network))
        )
    for part, names in enumerate((("dynamic", "static", "transition_probabilities"), ("mask_logits", "side_logits"))):
        for name in names:
            value, expected_value = getattr(plain[part], name), getattr(expected[part], name)
            torch.testing.assert_close(value, expected_value, rtol=1e-3, atol=1e-4)


def test_a_pass_encodes_both_clips(network, clips):
    with torch.inference_mode():
        delta, logits = published_vote(plain_network(network), clips[:1], clips[1:])
        query, diagnostics = network.encode_with_diagnostics(ClipInput(clips[:1]))
        exemplar = network.encode(ClipInput(clips[1:]))
        torch.testing.assert_close(delta, network.compare(query, exemplar).delta, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(logits, diagnostics.mask_logits, rtol=1e-3, atol=1e-4)


def test_no_optimised_module_is_left(network):
    modules = list(plain_network(network).modules())
    assert not any(isinstance(module, Upsampling) for module in modules)
    assert not any(isinstance(module, nn.ReLU) and module.inplace for module in modules)
    assert any(isinstance(module, Upsampling) for module in network.modules())


@pytest.mark.parametrize(("kernel", "stride", "pad"), [(3, 2, (0, 1) * 3), ((1, 3, 3), (1, 2, 2), (0, 1, 0, 1, 0, 0))])
def test_pools_pad_the_end_as_tensorflow_does(kernel, stride, pad):
    x = torch.rand(1, 2, 4, 6, 6)
    expected = functional.max_pool3d(functional.pad(x, pad), kernel, stride)
    assert torch.equal(PaddedMaxPool(nn.MaxPool3d(kernel, stride, ceil_mode=True))(x), expected)
