"""The published architecture and its ablations."""

from dataclasses import replace

import pytest
import torch

from fineparser.model.config import FineParserConfig
from fineparser.model.paper import FineParser
from fineparser.model.protocol import DiagnosticsLevel

from .conftest import noise


@pytest.mark.parametrize(
    ("change", "branches", "phases"),
    [
        ({}, 2, 3),
        ({"spatial_gate": False}, 2, 3),
        ({"static_branch": False}, 1, 3),
        ({"temporal_parsing": False, "phase_weights": (1.0,)}, 2, 1),
    ],
)
def test_ablations(clips, change, branches, phases):
    model = FineParser(replace(FineParserConfig.tiny(), **change)).eval()
    with torch.inference_mode():
        encoding = model.encode(clips.select([0, 1]))
        comparison = model.compare(encoding.select([0]), encoding.select([1]))
    assert comparison.deltas.shape == (1, branches, phases)
    torch.testing.assert_close(comparison.contributions.sum((1, 2)), comparison.delta)


def test_the_gate_matters(clips):
    torch.manual_seed(0)
    gated = FineParser(FineParserConfig.tiny()).eval()
    ungated = FineParser(replace(gated.config, spatial_gate=False)).eval()
    ungated.load_state_dict(gated.state_dict())
    with torch.inference_mode():
        assert not torch.allclose(ungated.encode(clips).dynamic, gated.encode(clips).dynamic)


def test_levels_of_diagnostics_change_nothing_but_what_they_add(tiny_paper, clips):
    with torch.inference_mode():
        encoding = tiny_paper.encode(clips.select([0]))
        whole, diagnostics = tiny_paper.encode_with_diagnostics(clips.select([0]), level=DiagnosticsLevel.SIDE_OUTPUTS)
    torch.testing.assert_close(whole.dynamic, encoding.dynamic)
    assert diagnostics.masks.shape == (1, 96, 32, 32)
    assert diagnostics.frame_features.shape == (1, 96, 64)
    assert [list(output.shape) for output in diagnostics.mask_outputs] == [[9, 1, 16, 32, 32]] * 5
    assert diagnostics.crop_masks is None
    torch.testing.assert_close(tiny_paper.predict_masks(clips.frames[:1]), diagnostics.mask_logits)


@pytest.mark.parametrize("rule", ["windowed", "ordered"])
def test_predicted_transitions_are_those_of_an_encoding(tiny_paper, clips, rule):
    model = FineParser(replace(tiny_paper.config, transition_rule=rule)).eval()
    model.load_state_dict(tiny_paper.state_dict())
    with torch.inference_mode():
        prediction = model.predict_transitions(clips)
        expected = model.encode(clips)
    assert torch.equal(prediction.transitions, expected.transitions)
    assert torch.equal(prediction.confidence, expected.transition_confidence)
    assert prediction.masks.shape[:2] == (len(clips), 96)


def test_the_published_comparison_ignores_the_difficulty(tiny_paper, clips):
    with torch.inference_mode():
        encoding = tiny_paper.encode(clips)
        pair = encoding.select([0]), encoding.select([1])
        assert tiny_paper.compare(*pair, 1.6).delta == tiny_paper.compare(*pair).delta


def test_gradients_reach_every_parameter():
    model = FineParser(FineParserConfig.tiny()).train()
    encoding, diagnostics = model.encode_with_diagnostics(
        noise(2, 1), torch.tensor([[20, 60], [25, 70]]), DiagnosticsLevel.SIDE_OUTPUTS
    )
    comparison = model.compare(encoding.select([0]), encoding.select([1]))
    masks = sum(output.square().mean() for output in diagnostics.mask_outputs)
    (comparison.delta.sum() + encoding.transition_probabilities.sum() + masks).backward()
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]


def test_parameter_groups_and_parts_hold_each_parameter_once(tiny_paper):
    everything = {id(p) for p in tiny_paper.parameters()}
    grouped = [id(p) for group in tiny_paper.parameter_groups() for p in group["params"]]
    parted = [id(p) for part in tiny_paper.trainable_parts().values() for module in part for p in module.parameters()]
    assert sorted(grouped) == sorted(parted) == sorted(everything)
    sizes = {group["name"]: sum(p.numel() for p in group["params"]) for group in tiny_paper.parameter_groups()}
    assert sizes["i3d"] == sum(p.numel() for p in tiny_paper.i3d.parameters())
