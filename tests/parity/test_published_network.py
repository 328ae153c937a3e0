"""The network computes what the authors' published code computes (README.md).

golden.npz was made by running that code in eval mode, float32, on a processor, with generated weights and inputs;
conftest.py generates the same.
"""

import numpy as np
import pytest
import torch

from fineparser.model.protocol import ClipInput, DiagnosticsLevel, cut_windows
from fineparser.model.reference_weights import from_reference
from fineparser.training.losses import mask_loss, score_loss, transition_loss

pytestmark = pytest.mark.slow

TOLERANCE = 1e-3


def check(ours: torch.Tensor, theirs: np.ndarray) -> None:
    ours = ours.detach().numpy()
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= TOLERANCE * np.abs(theirs).max()


@pytest.fixture(scope="module")
def computed(reference_state, clips):
    model = from_reference(reference_state)
    with torch.inference_mode():
        outputs = [
            model.encode_with_diagnostics(ClipInput(clip), level=DiagnosticsLevel.SIDE_OUTPUTS) for clip in clips
        ]
        (query, exemplar), diagnostics = zip(*outputs, strict=True)
        return query, exemplar, model.compare(query, exemplar), model.compare(exemplar, query), diagnostics


def test_gated_features(computed, golden):
    check(computed[0].dynamic[0], golden["gated_features_query"])
    check(computed[1].dynamic[0], golden["gated_features_exemplar"])


@pytest.mark.parametrize("output", range(5))
def test_mask_logits(computed, golden, output):
    pair = [diagnostics.mask_outputs[output] for diagnostics in computed[4]]
    window_major = torch.stack(pair, dim=1).flatten(0, 1)  # window 0 query, window 0 exemplar, window 1 query, ...
    check(window_major[:, 0, ::5, ::9, ::9], golden[f"mask_logits_{output}"])


def test_transitions(computed, golden):
    check(computed[0].transition_probabilities[0], golden["transition_probs_query"])
    check(computed[1].transition_probabilities[0], golden["transition_probs_exemplar"])
    assert torch.cat([encoding.transitions for encoding in computed[:2]]).tolist() == golden["transitions"].tolist()


def test_static_tokens(computed, golden):
    check(computed[0].static[0], golden["static_query"])
    check(computed[1].static[0], golden["static_exemplar"])


def test_token_deltas(computed, golden):
    forward, backward = computed[2:4]
    check(torch.cat([forward.tokens[0], backward.tokens[0]]), golden["dynamic_deltas"])
    check(torch.cat([forward.tokens[1], backward.tokens[1]]), golden["static_deltas"])


def test_score(computed, golden):
    forward, backward = computed[2:4]
    check(torch.cat([forward.delta, backward.delta]), golden["delta"])
    check(forward.delta + 70.0, golden["score"])


def test_losses(computed, golden):
    query, exemplar, forward, backward, diagnostics = computed
    masks = torch.from_numpy(np.random.default_rng(3).random((2, 1, 96, 112, 112)) < 0.2).float()
    pair = [torch.cat(outputs) for outputs in zip(*(one.mask_outputs for one in diagnostics), strict=True)]
    targets = cut_windows(masks, diagnostics[0].window_starts)
    probabilities = torch.cat([query.transition_probabilities, exemplar.transition_probabilities])
    losses = [
        score_loss(forward.delta, backward.delta, torch.tensor([60.0]), torch.tensor([70.0])),
        transition_loss(probabilities, torch.tensor([[20, 70], [25, 65]])),
        mask_loss(pair, targets),
    ]
    for ours, theirs in zip(losses, golden["losses"], strict=True):
        assert ours.item() == pytest.approx(theirs, rel=TOLERANCE)
