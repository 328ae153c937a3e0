"""The compact network: what it outputs, what depends on what, and what can be left out."""

from dataclasses import replace

import pytest
import torch

from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.protocol import ClipInput, Diagnostics, DiagnosticsLevel, Encoding

from .conftest import noise


@pytest.fixture(scope="module")
def outputs(tiny, clips) -> tuple[Encoding, Diagnostics]:
    with torch.inference_mode():
        return tiny.encode_with_diagnostics(clips, level=DiagnosticsLevel.SIDE_OUTPUTS)


@pytest.fixture(scope="module")
def encoding(outputs) -> Encoding:
    return outputs[0]


def test_shapes(outputs):
    encoding, diagnostics = outputs
    assert encoding.dynamic.shape == encoding.static.shape == (3, 3, 4, 8)
    assert encoding.transition_probabilities.shape == (3, 96, 2)
    assert encoding.entry.shape == (3, 14)
    assert diagnostics.masks.shape == (3, 96, 32, 32)
    assert [list(output.shape) for output in diagnostics.mask_outputs] == [[27, 1, 16, 32, 32]] * 6
    assert 0 <= diagnostics.masks.min() <= diagnostics.masks.max() <= 1
    assert torch.equal(diagnostics.masks, diagnostics.crop_masks)
    assert diagnostics.entry_crops.shape == (3, 16, 3, 32, 32)
    assert diagnostics.entry_layers.shape == (3, 16, 3, 16, 16)
    for image in (diagnostics.entry_crops, diagnostics.entry_layers):
        assert 0 <= image.min() <= image.max() <= 1


@pytest.mark.parametrize("level", DiagnosticsLevel)
def test_levels_of_diagnostics_change_nothing_but_what_they_add(tiny, clips, encoding, level):
    with torch.inference_mode():
        alone = tiny.encode(clips)
        other, diagnostics = tiny.encode_with_diagnostics(clips, level=level)
    for name in ("dynamic", "static", "entry", "transition_probabilities"):
        torch.testing.assert_close(getattr(alone, name), getattr(encoding, name))
        torch.testing.assert_close(getattr(other, name), getattr(encoding, name))
    assert (diagnostics.mask_logits is None) == (level < DiagnosticsLevel.MASKS)
    assert (diagnostics.entry_crops is None) == (level < DiagnosticsLevel.MASKS)


def test_given_transitions_replace_the_predicted(tiny, clips, encoding):
    forced = torch.tensor([[10, 60]] * 3)
    with torch.inference_mode():
        taught = tiny.encode(clips, forced)
    assert taught.transitions.tolist() == forced.tolist()
    torch.testing.assert_close(taught.transition_probabilities, encoding.transition_probabilities)
    assert not torch.allclose(taught.static, encoding.static)


def test_a_clip_is_encoded_alike_alone_and_in_a_batch(tiny, clips, outputs):
    with torch.inference_mode():
        alone, diagnostics = tiny.encode_with_diagnostics(clips.select([1]))
    for name in ("dynamic", "transition_probabilities", "static"):
        torch.testing.assert_close(getattr(alone, name), getattr(outputs[0], name)[1:2], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(diagnostics.mask_logits, outputs[1].mask_logits[1:2], rtol=1e-4, atol=1e-5)


def test_predicted_transitions_are_those_of_an_encoding(tiny, clips, encoding, monkeypatch):
    monkeypatch.setattr(CompactFineParser, "phase_tokens", lambda *_: pytest.fail("tokens are not needed"))
    with torch.inference_mode():
        prediction = tiny.predict_transitions(ClipInput(clips.frames))
    assert torch.equal(prediction.transitions, encoding.transitions)
    torch.testing.assert_close(prediction.confidence, encoding.transition_confidence)
    assert prediction.masks.shape[:2] == (len(clips.frames), 96)


def test_predicted_masks_are_those_of_the_diagnostics(tiny, clips, outputs):
    with torch.inference_mode():
        masks = tiny.predict_masks(clips.frames)
    torch.testing.assert_close(masks, outputs[1].mask_logits, atol=1e-4, rtol=1e-4)


def test_one_query_meets_many_exemplars(tiny, encoding):
    with torch.inference_mode():
        votes = tiny.compare(encoding.select([0]), encoding)
        single = tiny.compare(encoding.select([0]), encoding.select([2]))
    assert votes.deltas.shape == (3, 2, 3)
    torch.testing.assert_close(votes.delta[2:], single.delta)
    torch.testing.assert_close(votes.contributions.sum((1, 2)), votes.delta)
    torch.testing.assert_close(votes.by_phase.sum(1), votes.delta)


def test_contributions_are_weighted_means_of_token_deltas(tiny, encoding):
    with torch.inference_mode():
        comparison = tiny.compare(encoding.select([0]), encoding.select([1]))
    dynamic, static = (tokens.view(3, -1).mean(1) for tokens in comparison.tokens)
    expected = (dynamic + static) / 2 @ torch.tensor([0.3, 0.5, 0.2])
    torch.testing.assert_close(comparison.delta, expected[None])


def test_a_difference_is_worth_more_points_in_a_harder_dive(tiny, encoding):
    with torch.inference_mode():
        plain = tiny.compare(encoding.select([0]), encoding)
        unit = tiny.compare(encoding.select([0]), encoding, 3.0)
        hard = tiny.compare(encoding.select([0]), encoding, torch.tensor([1.5, torch.nan, 0.0]))
    torch.testing.assert_close(unit.contributions, plain.contributions)
    factors = torch.tensor([0.5, 1.0, 1.0])
    torch.testing.assert_close(hard.delta, plain.delta * factors)
    torch.testing.assert_close(hard.deltas, plain.deltas * factors[:, None, None])
    for scaled, tokens in zip(hard.tokens, plain.tokens, strict=True):
        torch.testing.assert_close(scaled, tokens * factors[:, None])


def test_details_reach_the_crops_and_nothing_else():
    """Twice as many pixels that are equal two by two change nothing; those that differ change the crops alone."""
    torch.manual_seed(0)
    plain = CompactFineParser(CompactConfig.tiny()).eval()
    fine = CompactFineParser(replace(plain.config, crop_scale=2)).eval()
    fine.load_state_dict(plain.state_dict())
    assert fine.config.input_size == 64
    coarse = noise(1, 1)
    large = coarse.frames.repeat_interleave(2, -1).repeat_interleave(2, -2)
    sharp = large + torch.tensor([1.0, -1.0]).repeat(32)
    with torch.inference_mode():
        small, same, other = (
            model.encode_with_diagnostics(replace(coarse, frames=frames))[1]
            for model, frames in ((plain, coarse.frames), (fine, large), (fine, sharp))
        )
    for diagnostics in (same, other):
        assert diagnostics.mask_logits.shape == (1, 9, 16, 32, 32)
        assert diagnostics.masks.shape == (1, 96, 32, 32)
        torch.testing.assert_close(diagnostics.mask_logits, small.mask_logits, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(other.masks, same.masks, atol=1e-3)
    with pytest.raises(ValueError, match="96, 64, 64"):
        fine.encode(coarse)


def test_wrong_shapes_are_refused(tiny):
    with pytest.raises(ValueError, match=r"frames must be \[B, 3, 96, 32, 32\], got \[1, 3, 95, 32, 32\]"):
        tiny.encode(ClipInput(torch.zeros(1, 3, 95, 32, 32)))
    with pytest.raises(ValueError, match=r"transitions must be \[1, 2\]"):
        tiny.encode(ClipInput(torch.zeros(1, 3, 96, 32, 32)), torch.zeros(2, 2))


def test_without_refiner_and_entry_branch_no_camera_motion_is_needed(clips):
    torch.manual_seed(0)
    model = CompactFineParser(replace(CompactConfig.tiny(), refiner_channels=(), entry_channels=())).eval()
    assert model.mask_refiner is model.entry_branch is None
    with torch.inference_mode():
        encoding, diagnostics = model.encode_with_diagnostics(
            ClipInput(clips.frames[:1]), level=DiagnosticsLevel.SIDE_OUTPUTS
        )
        assert model.compare(encoding, encoding).delta.shape == (1,)
    assert encoding.entry is diagnostics.entry_crops is None


def test_gradients_reach_every_parameter():
    model = CompactFineParser(CompactConfig.tiny()).train()
    encoding, diagnostics = model.encode_with_diagnostics(
        noise(2, 1), torch.tensor([[20, 60], [25, 70]]), DiagnosticsLevel.SIDE_OUTPUTS
    )
    comparison = model.compare(encoding.select([0]), encoding.select([1]))
    masks = sum(output.square().mean() for output in diagnostics.mask_outputs)
    (comparison.delta.sum() + encoding.transition_probabilities.sum() + masks).backward()
    assert not [name for name, parameter in model.named_parameters() if parameter.grad is None]


def test_parameter_groups_and_parts_hold_each_parameter_once(tiny):
    everything = {id(p) for p in tiny.parameters()}
    grouped = [id(p) for group in tiny.parameter_groups() for p in group["params"]]
    parted = [id(p) for part in tiny.trainable_parts().values() for module in part for p in module.parameters()]
    assert sorted(grouped) == sorted(parted) == sorted(everything)
    sizes = {group["name"]: sum(p.numel() for p in group["params"]) for group in tiny.parameter_groups()}
    assert sizes["i3d"] == sum(p.numel() for p in tiny.spatial_action_parser.i3d.parameters())


def test_parts(tiny):
    def names(modules):
        return {name for name, module in tiny.named_modules() if any(module is some for some in modules)}

    parts = tiny.trainable_parts()
    assert names(parts["parsers"]) == {
        "spatial_action_parser",
        "temporal_action_parser",
        "crop_encoder",
        "crop_decoder",
        "mask_refiner",
    }
    assert names(parts["branches"]) == {"dynamic_pooling", "static_pooling", "entry_branch"}


def test_a_cached_track_is_parsed_as_the_clip_was(tiny, clips, outputs):
    """Whatever the temporal features of a cached track are: the temporal parser computes them again."""
    cached = outputs[1].frame_features
    stale = cached.clone()
    static, temporal, _ = tiny.config.track_parts
    stale[..., static : static + temporal] = 0
    with torch.inference_mode():
        tracks, probabilities = tiny.temporal_from_cache(stale)
    torch.testing.assert_close(tracks, cached)
    torch.testing.assert_close(probabilities, outputs[0].transition_probabilities)


def test_the_entry_crops_depend_on_the_transitions(tiny, clips):
    with torch.inference_mode():
        early, late = (tiny.encode(clips.select([0]), torch.tensor([[10, touch]])).entry for touch in (30, 70))
    assert (early - late).abs().max() > 1e-5


def test_the_outputs_of_the_entry_count_in_the_entry_phase_alone(tiny, encoding):
    model = CompactFineParser(tiny.config).eval()
    model.load_state_dict(tiny.state_dict())
    with torch.no_grad():
        model.contrastive_regression.entry_regressor.weight.fill_(0.5)
        query, exemplar = encoding.select([0]), encoding.select([1])
        before = model.compare(query, exemplar)
        after = model.compare(replace(query, entry=query.entry + 2), exemplar)
    difference = after.deltas - before.deltas
    assert difference[0, 0, 2] == pytest.approx(0.5 * 2 * 14, rel=1e-4)
    difference[0, 0, 2] = 0
    assert difference.abs().max() == 0
    torch.testing.assert_close(after.tokens[0].unflatten(1, (3, -1)).mean(-1), after.deltas[:, 0])


def test_a_dive_equals_itself_in_its_entry(tiny, encoding):
    with torch.no_grad():
        of_entry = tiny.contrastive_regression.entry_regressor(encoding.entry - encoding.entry)
    assert of_entry.abs().max() == 0
