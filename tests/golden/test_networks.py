"""Tiny networks with fixed weights give what they gave at commit d6cfcb6."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fineparser.model.cpu.optimisation import optimise
from fineparser.model.protocol import DiagnosticsLevel

from .conftest import arrays, network

REFINED = 3e-4
"""Tolerance of refined masks: their background was sampled by OpenCV, and is by PyTorch now. Both are bilinear and
round to whole levels of 255; one pixel in ten thousand is rounded the other way."""


PROCESSORS = 5e-6
"""Tolerance of everything else: processors add in another order."""


def check(tensor: torch.Tensor, golden: np.ndarray, tolerance: float) -> None:
    values = tensor.float().numpy()
    assert values.shape == golden.shape
    assert np.abs(values - golden).max() <= tolerance * max(1, np.abs(golden).max())


@pytest.fixture(scope="module", params=["compact", "paper"])
def outputs(request, clips) -> SimpleNamespace:
    golden, model = arrays(f"tiny_{request.param}"), network(request.param)
    with torch.inference_mode():
        encoding, diagnostics = model.encode_with_diagnostics(clips, level=DiagnosticsLevel.SIDE_OUTPUTS)
    return SimpleNamespace(golden=golden, model=model, encoding=encoding, diagnostics=diagnostics, name=request.param)


def test_tokens_and_transitions(outputs):
    for name in ("dynamic", "static", "entry", "transition_probabilities"):
        if name in outputs.golden:
            check(getattr(outputs.encoding, name), outputs.golden[name], PROCESSORS)
    features = outputs.diagnostics.frame_features
    features = features[:, None] if outputs.name == "paper" else features
    check(features[:, :, ::8], outputs.golden["frames"], PROCESSORS)
    assert outputs.encoding.transitions.tolist() == outputs.golden["transitions"].tolist()


def test_masks(outputs):
    tolerance = REFINED if outputs.name == "compact" else PROCESSORS
    check(outputs.diagnostics.masks[:, ::6, ::3, ::3], outputs.golden["masks"], tolerance)
    check(outputs.diagnostics.side_masks[:, :, ::12, ::4, ::4], outputs.golden["sides"], PROCESSORS)


def test_entry_crops(outputs):
    if outputs.name == "compact":
        check(outputs.diagnostics.entry_crops[:, ::5, :, ::6, ::6], outputs.golden["entry_crops"], PROCESSORS)
        check(outputs.diagnostics.entry_layers[:, ::5, :, ::4, ::4], outputs.golden["entry_layers"], PROCESSORS)


def test_tokens_at_given_transitions(outputs, clips):
    with torch.inference_mode():
        encoding = outputs.model.encode(clips, torch.tensor([[20, 70], [25, 65]]))
    check(encoding.static, outputs.golden["forced_static"], PROCESSORS)
    check(encoding.dynamic, outputs.golden["forced_dynamic"], PROCESSORS)


def test_comparison(outputs):
    with torch.inference_mode():
        pair = outputs.encoding.select([0, 1]), outputs.encoding.select([1, 0])
        comparison = outputs.model.compare(*pair, 2.7)
    check(comparison.contributions, outputs.golden["contributions"], PROCESSORS)
    check(comparison.deltas, outputs.golden["deltas"], PROCESSORS)


def test_inference_copy(outputs, clips):
    with torch.inference_mode():
        encoding, diagnostics = optimise(outputs.model).encode_with_diagnostics(clips)
    for name in ("dynamic", "static", "entry", "transition_probabilities"):
        if name in outputs.golden:
            check(getattr(encoding, name), outputs.golden[name], 1e-5)
    tolerance = REFINED if outputs.name == "compact" else 1e-5
    check(diagnostics.masks[:, ::6, ::3, ::3], outputs.golden["masks"], tolerance)
