"""Tiny networks with fixed weights give what they gave at commit d6cfcb6."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fineparser.model.inference import optimise

from .conftest import arrays, network


def check(tensor: torch.Tensor, golden: np.ndarray, tolerance: float) -> None:
    values = tensor.float().numpy()
    assert values.shape == golden.shape
    assert np.abs(values - golden).max() <= tolerance * max(1, np.abs(golden).max())


@pytest.fixture(scope="module", params=["compact", "paper"])
def outputs(request, clips) -> SimpleNamespace:
    golden, model = arrays(f"tiny_{request.param}"), network(request.param)
    with torch.inference_mode():
        encoding = model.encode(clips, side_outputs=True, keep_frames=True)
    return SimpleNamespace(golden=golden, model=model, encoding=encoding, name=request.param)


def test_tokens_and_transitions(outputs):
    for name in ("dynamic", "static", "entry", "transition_probabilities"):
        if name in outputs.golden:
            check(getattr(outputs.encoding, name), outputs.golden[name], 1e-6)
    check(outputs.encoding.frames[:, :, ::8], outputs.golden["frames"], 1e-6)
    assert outputs.encoding.transitions.tolist() == outputs.golden["transitions"].tolist()


def test_masks(outputs):
    check(outputs.encoding.mask_probability[:, ::6, ::3, ::3], outputs.golden["masks"], 1e-6)
    check(outputs.encoding.side_probability[:, :, ::12, ::4, ::4], outputs.golden["sides"], 1e-6)


def test_entry_crops(outputs):
    if outputs.name == "compact":
        check(outputs.encoding.entry_shown[:, ::5, :, ::6, ::6], outputs.golden["entry_crops"], 1e-6)
        check(outputs.encoding.entry_layers[:, ::5, :, ::4, ::4], outputs.golden["entry_layers"], 1e-6)


def test_tokens_at_given_transitions(outputs, clips):
    with torch.inference_mode():
        encoding = outputs.model.encode(clips, torch.tensor([[20, 70], [25, 65]]), masks=False)
    check(encoding.static, outputs.golden["forced_static"], 1e-6)
    check(encoding.dynamic, outputs.golden["forced_dynamic"], 1e-6)


def test_comparison(outputs):
    with torch.inference_mode():
        pair = outputs.encoding.select([0, 1]), outputs.encoding.select([1, 0])
        comparison = outputs.model.compare(*pair, 2.7)
    check(comparison.contributions, outputs.golden["contributions"], 1e-6)
    check(comparison.deltas, outputs.golden["deltas"], 1e-6)


def test_inference_copy(outputs, clips):
    with torch.inference_mode():
        encoding = optimise(outputs.model).encode(clips)
    for name in ("dynamic", "static", "entry", "transition_probabilities"):
        if name in outputs.golden:
            check(getattr(encoding, name), outputs.golden[name], 1e-5)
    check(encoding.mask_probability[:, ::6, ::3, ::3], outputs.golden["masks"], 1e-5)
