"""Losses against torchvision, plain numpy and the published numbers."""

from pathlib import Path

import numpy as np
import pytest
import torch

from fineparser.training.losses import (
    LAYER_OFFSET,
    Losses,
    dice,
    dice_mask_loss,
    layer_mask_loss,
    mask_loss,
    score_loss,
    soft_transition_loss,
    transition_loss,
)

GOLDEN = Path(__file__).parents[2].parent / "shared" / "parity" / "golden.npz"


def one_hot(transitions, frames):
    target = np.zeros((len(transitions), frames, 2))
    for row, (flight, entry) in enumerate(transitions):
        target[row, flight, 0] = target[row, entry, 1] = 1
    return target


def test_score_loss_counts_both_directions():
    # differences 10 and -5; forward off by 1 and 2, backward by 3 and 0: (1 + 4) / 2 + (9 + 0) / 2
    loss = score_loss(
        torch.tensor([11.0, -3.0]),
        torch.tensor([-7.0, 5.0]),
        torch.tensor([80.0, 60.0]),
        torch.tensor([70.0, 65.0]),
    )
    assert loss.item() == pytest.approx(7.0)


def test_score_loss_leaves_out_dives_without_a_score():
    missing = float("nan")
    delta = torch.tensor([11.0, 2.0], requires_grad=True)
    loss = score_loss(
        delta,
        -delta,
        torch.tensor([80.0, missing]),
        torch.tensor([70.0, 65.0]),
        weight=torch.tensor([1.0, 0.0]),
    )
    loss.backward()
    assert loss.item() == pytest.approx(2.0)
    assert delta.grad.tolist() == pytest.approx([4.0, 0.0])


def test_transition_loss_is_binary_cross_entropy_over_all_outputs():
    probabilities = np.random.default_rng(0).uniform(0.05, 0.95, size=(3, 96, 2))
    transitions = [(20, 70), (5, 5), (0, 95)]
    target = one_hot(transitions, 96)
    expected = -(target * np.log(probabilities) + (1 - target) * np.log(1 - probabilities)).mean()
    loss = transition_loss(torch.tensor(probabilities), torch.tensor(transitions))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_transition_loss_leaves_out_clips_without_transitions():
    probabilities = torch.rand(2, 96, 2, generator=torch.Generator().manual_seed(0)) * 0.9 + 0.05
    known = torch.tensor([[20, 70]])
    both = transition_loss(probabilities, torch.tensor([[20, 70], [-1, -1]]), weight=torch.tensor([1.0, 0.0]))
    assert both.item() == pytest.approx(transition_loss(probabilities[:1], known).item())


@pytest.mark.parametrize("transitions", [(20, 96), (-1, 30)])
def test_a_transition_outside_the_clip_is_refused(transitions):
    with pytest.raises(ValueError, match="outside the clip's 96 frames"):
        transition_loss(torch.full((1, 96, 2), 0.5), torch.tensor([transitions]))


def test_a_probability_that_is_no_number_gives_a_loss_that_is_none():
    probabilities = torch.full((1, 96, 2), 0.5)
    probabilities[0, 3, 1] = torch.nan
    assert transition_loss(probabilities, torch.tensor([[20, 70]])).isnan()


def test_mask_loss_is_the_focal_loss_summed_over_outputs():
    rng = np.random.default_rng(1)
    outputs = [rng.normal(size=(2, 1, 4, 6, 6)) for _ in range(5)]
    truth = rng.random((2, 1, 4, 6, 6)) < 0.2
    expected = 0.0
    for logits in outputs:
        probability = 1 / (1 + np.exp(-logits))
        of_truth = np.where(truth, probability, 1 - probability)
        expected += np.mean(-((1 - of_truth) ** 2) * np.log(of_truth))
    loss = mask_loss([torch.tensor(logits) for logits in outputs], torch.tensor(truth))
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_mask_loss_agrees_with_torchvision_in_the_tails():
    from torchvision.ops import sigmoid_focal_loss

    logits = torch.linspace(-60, 60, 192).reshape(2, 1, 4, 4, 6)
    truth = (torch.arange(192) % 3 == 0).reshape(2, 1, 4, 4, 6)
    expected = sigmoid_focal_loss(logits, truth.float(), alpha=-1, gamma=2, reduction="mean")
    assert mask_loss([logits], truth).item() == pytest.approx(expected.item(), rel=1e-6)


def test_mask_loss_leaves_out_windows_without_masks():
    generator = torch.Generator().manual_seed(2)
    logits = [torch.randn(3, 1, 2, 4, 4, generator=generator) for _ in range(5)]
    truth = torch.rand(3, 1, 2, 4, 4, generator=generator)
    truth = torch.where(torch.tensor([True, False, True])[:, None, None, None, None], truth > 0.5, torch.nan)
    some = mask_loss(logits, truth, weight=torch.tensor([1.0, 0.0, 1.0]))
    assert some.item() == pytest.approx(mask_loss([output[[0, 2]] for output in logits], truth[[0, 2]]).item())


def test_dice_of_sure_masks_is_the_f1_score():
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(3)
    truth, found = rng.random((2, 6, 40, 40)) < 0.3
    f1 = [f1_score(t.ravel(), f.ravel()) for t, f in zip(truth, found, strict=True)]
    measured = dice(torch.tensor(found).float(), torch.tensor(truth).float())
    np.testing.assert_allclose(measured.numpy(), f1, atol=2e-3)  # it adds a pixel to both sides


def test_outline_loss_counts_small_divers_as_much_and_takes_empty_frames():
    truth = torch.zeros(1, 1, 2, 20, 20)
    truth[0, 0, 0, 4, 4:6] = 1
    right, wrong = torch.where(truth > 0, 50.0, -50.0), torch.full((1, 1, 2, 20, 20), -50.0)
    assert dice_mask_loss([right], truth).item() == pytest.approx(0, abs=1e-6)
    missed = dice_mask_loss([wrong], truth).item() - 50 * 2 / 800  # without its cross-entropy
    assert missed == pytest.approx((1 - 1 / 3) / 2, abs=1e-5)
    one = missed + 50 * 2 / 800
    side = dice_mask_loss([wrong, *[right] * 4], truth).item()  # the first of four sides, a final one
    assert side == pytest.approx(one / 4, abs=1e-5)
    assert dice_mask_loss([*[right] * 4, wrong, right], truth).item() == pytest.approx(one, abs=1e-5)


def test_outline_loss_leaves_out_windows_without_masks():
    generator = torch.Generator().manual_seed(2)
    logits = [torch.randn(3, 1, 2, 4, 4, generator=generator) for _ in range(5)]
    truth = (torch.rand(3, 1, 2, 4, 4, generator=generator) > 0.5).float()
    truth[1] = torch.nan
    some = dice_mask_loss(logits, truth, weight=torch.tensor([1.0, 0.0, 1.0]))
    kept = dice_mask_loss([output[[0, 2]] for output in logits], truth[[0, 2]])
    assert some.item() == pytest.approx(kept.item(), rel=1e-6)


def test_mask_logits_of_another_size_are_refused():
    with pytest.raises(ValueError, match="resize the logits"):
        mask_loss([torch.zeros(1, 1, 2, 4, 4)], torch.zeros(1, 1, 2, 8, 8))


def test_a_batch_without_labels_gives_zero_that_can_be_differentiated():
    missing = torch.full((2,), float("nan"))
    none = torch.zeros(2)
    delta = torch.tensor([3.0, 4.0], requires_grad=True)
    probabilities = torch.full((2, 96, 2), 0.5, requires_grad=True)
    logits = torch.ones(2, 1, 2, 4, 4, requires_grad=True)
    losses = Losses(
        score=score_loss(delta, -delta, missing, missing, weight=none),
        transition=transition_loss(probabilities, torch.full((2, 2), -1), weight=none),
        mask=mask_loss([logits] * 5, torch.full((2, 1, 2, 4, 4), float("nan")), weight=none),
    )
    losses.total.backward()
    assert losses.terms == {"total": 0.0, "score": 0.0, "transition": 0.0, "mask": 0.0}
    for leaf in (delta, probabilities, logits):
        assert not leaf.grad.any()


def test_shards_with_a_common_normaliser_average_to_the_whole_batch():
    """Three labelled dives of four, two processes: the shards' mean loss is the loss of the batch."""
    delta = torch.tensor([1.0, 2.0, 3.0, 4.0])
    query, exemplar = torch.tensor([60.0, 61.0, 62.0, 0.0]), torch.tensor([58.0, 58.0, 58.0, 0.0])
    weight = torch.tensor([1.0, 1.0, 1.0, 0.0])
    whole = score_loss(delta, -delta, query, exemplar, weight)
    shards = [
        score_loss(delta[part], -delta[part], query[part], exemplar[part], weight[part], weight.sum() / 2)
        for part in (slice(0, 2), slice(2, 4))
    ]
    assert (sum(shards) / 2).item() == pytest.approx(whole.item())


@pytest.mark.skipif(not GOLDEN.exists(), reason="the published numbers are not on this machine")
def test_published_score_and_transition_losses():
    """golden.npz: the authors' code on a pair with scores 60 and 70, transitions (20, 70) and (25, 65)."""
    golden = np.load(GOLDEN)
    delta = torch.tensor(golden["delta"])
    score = score_loss(delta[:1], delta[1:], torch.tensor([60.0]), torch.tensor([70.0]))
    probabilities = np.stack([golden["transition_probs_query"], golden["transition_probs_exemplar"]])
    transition = transition_loss(torch.tensor(probabilities), torch.tensor([[20, 70], [25, 65]]))
    assert [score.item(), transition.item()] == pytest.approx(golden["losses"][:2].tolist(), rel=1e-5)


def test_layers_cost_what_could_be_known_of_them():
    """Cross-entropy less the entropy of what is half covered, by the root of the layer's share."""
    layers = torch.zeros(2, 3, 4, 4)
    layers[0, 1], layers[1, 2] = 0.25, 1.0
    logits = layers.clamp(1e-6, 1 - 1e-6).logit()
    assert layer_mask_loss(logits, layers) == pytest.approx(0, abs=1e-3)
    logits[0, 1] = 0  # one half instead of a quarter
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    one = (np.log(2) - entropy) / (0.5 + LAYER_OFFSET) / 3
    assert layer_mask_loss(logits, layers).item() == pytest.approx(one / 2, rel=1e-3)
    assert layer_mask_loss(logits, layers, torch.tensor([0.0, 1.0])) == pytest.approx(0, abs=1e-3)
    assert layer_mask_loss(logits, layers, torch.ones(2), torch.tensor(4.0)).item() == pytest.approx(one / 4, rel=1e-3)


def test_moments_are_cross_entropy_with_soft_labels():
    logits = torch.randn(3, 20, 2)
    transitions = torch.tensor([[3, 10], [0, 19], [7, 8]])
    frames = torch.arange(20)
    density = torch.distributions.Normal(transitions[:, None].float(), 0.8).log_prob(frames[None, :, None]).exp()
    target = density / density.sum(1, keepdim=True)
    expected = torch.nn.functional.cross_entropy(logits, target)
    torch.testing.assert_close(soft_transition_loss(logits.softmax(1), transitions), expected)
    weight = torch.tensor([1.0, 0.0, 1.0])
    expected = torch.nn.functional.cross_entropy(logits[[0, 2]], target[[0, 2]])
    torch.testing.assert_close(soft_transition_loss(logits.softmax(1), transitions, weight), expected)
