"""The copy for inference gives the outputs of the authors' published code, in float32 within the same bounds."""

import numpy as np
import pytest
import torch

from fineparser.model.cpu.optimisation import optimise
from fineparser.model.protocol import ClipInput, DiagnosticsLevel
from fineparser.model.reference_weights import from_reference

pytestmark = pytest.mark.slow

TOLERANCE = 1e-3


def check(ours: torch.Tensor, theirs: np.ndarray) -> None:
    ours = ours.numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= TOLERANCE * np.abs(theirs).max()


@pytest.fixture(scope="module")
def computed(reference_state, clips):
    model = optimise(from_reference(reference_state))
    with torch.inference_mode():
        both, diagnostics = model.encode_with_diagnostics(
            ClipInput(torch.cat(clips)), level=DiagnosticsLevel.SIDE_OUTPUTS
        )
        query, exemplar = both.select([0]), both.select([1])
        return both, model.compare(query, exemplar), model.compare(exemplar, query), diagnostics


def test_features_phases_and_tokens(computed, golden):
    both = computed[0]
    for index, clip in enumerate(("query", "exemplar")):
        check(both.dynamic[index], golden[f"gated_features_{clip}"])
        check(both.transition_probabilities[index], golden[f"transition_probs_{clip}"])
        check(both.static[index], golden[f"static_{clip}"])
    assert both.transitions.tolist() == golden["transitions"].tolist()


@pytest.mark.parametrize("output", range(5))
def test_mask_logits(computed, golden, output):
    logits = computed[3].mask_outputs[output].unflatten(0, (2, 9)).transpose(0, 1).flatten(0, 1)  # window-major
    check(logits[:, 0, ::5, ::9, ::9], golden[f"mask_logits_{output}"])


def test_score(computed, golden):
    _, forward, backward, _ = computed
    check(torch.cat([forward.tokens[0], backward.tokens[0]]), golden["dynamic_deltas"])
    check(torch.cat([forward.tokens[1], backward.tokens[1]]), golden["static_deltas"])
    check(torch.cat([forward.delta, backward.delta]), golden["delta"])
    check(forward.delta + 70.0, golden["score"])
