from dataclasses import replace

import pytest
import torch

from fineparser.model.config import WITHOUT_TRACK, FineParserConfig
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.model.static_visual_encoder import with_neighbours


@pytest.fixture(scope="module")
def encoding(tiny, clips) -> ClipEncoding:
    with torch.inference_mode():
        return tiny.encode(clips, side_outputs=True)


def test_encode_gives_everything(encoding):
    assert encoding.dynamic.shape == (3, 3, 4, 8)
    assert encoding.transition_probabilities.shape == (3, 96, 2)
    assert encoding.static.shape == (3, 3, 4, 8)
    assert encoding.mask_probability.shape == (3, 96, 32, 32)
    assert [list(t.shape) for t in encoding.mask_outputs] == [[27, 1, 16, 32, 32]] * 6
    assert 0 <= encoding.mask_probability.min() <= encoding.mask_probability.max() <= 1


def test_mask_probability_averages_the_windows_that_see_a_frame(encoding):
    probability = replace(encoding, outlines=None).mask_probability
    torch.testing.assert_close(probability[:, 3], encoding.mask_logits[:, 0, 3].sigmoid())
    both = (encoding.mask_logits[:, 0, 12].sigmoid() + encoding.mask_logits[:, 1, 2].sigmoid()) / 2
    torch.testing.assert_close(probability[:, 12], both)


def test_side_probabilities_are_averaged_like_the_fused_one(encoding):
    sides = encoding.side_probability
    assert sides.shape == (3, 4, 96, 32, 32)
    torch.testing.assert_close(sides[:, 2, 95], encoding.side_logits[:, 8, 2, 15].sigmoid())
    both = (encoding.side_logits[:, 0, 3, 12].sigmoid() + encoding.side_logits[:, 1, 3, 2].sigmoid()) / 2
    torch.testing.assert_close(sides[:, 3, 12], both)


def test_an_encoding_travels_as_arrays(encoding):
    arrays = encoding.to(torch.bfloat16).to_arrays()
    assert sorted(arrays) == ["dynamic", "entry", "static", "transition_probabilities", "transitions"]
    assert {array.dtype.name for array in arrays.values()} == {"float32", "int64"}
    back = ClipEncoding.from_arrays(encoding.to_arrays(), encoding.window_starts)
    torch.testing.assert_close(back.dynamic, encoding.dynamic, rtol=0, atol=0)
    assert (back.window_starts, back.mask_logits) == (encoding.window_starts, None)


def test_true_masks_are_cut_like_the_outputs(encoding):
    masks = torch.arange(96.0).view(1, 1, 96, 1, 1).expand(3, 1, 96, 2, 2)
    windows = encoding.windows_of(masks)
    assert windows.shape == (27, 1, 16, 2, 2)
    assert windows[10, 0, :, 0, 0].tolist() == list(range(10, 26))  # clip 1, window 1


def test_given_transitions_replace_the_predicted(tiny, clips, encoding):
    forced = torch.tensor([[10, 60]] * 3)
    with torch.inference_mode():
        taught = tiny.encode(clips, forced)
    assert taught.transitions.tolist() == forced.tolist()
    torch.testing.assert_close(taught.transition_probabilities, encoding.transition_probabilities)
    assert not torch.allclose(taught.static, encoding.static)


def test_a_clip_is_encoded_alike_alone_and_in_a_batch(tiny, clips, encoding):
    with torch.inference_mode():
        alone = tiny.encode(clips[1:2])
    for name in ("dynamic", "transition_probabilities", "static", "mask_logits"):
        torch.testing.assert_close(getattr(alone, name), getattr(encoding, name)[1:2], rtol=1e-4, atol=1e-5)


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
    for weighed, tokens in zip(hard.tokens, plain.tokens, strict=True):
        torch.testing.assert_close(weighed, tokens * factors[:, None])


def test_the_published_comparison_knows_no_difficulty(encoding):
    published = FineParser(replace(FineParserConfig.tiny(), by_difficulty=False)).eval()
    with torch.inference_mode():
        pair = encoding.select([0]), encoding.select([1])
        assert published.compare(*pair, 1.6).delta == published.compare(*pair).delta
    assert not FineParserConfig.paper().by_difficulty


@pytest.mark.parametrize(
    ("change", "branches", "phases"),
    [
        ({"spatial_gate": False}, 2, 3),
        ({"static_branch": False, **WITHOUT_TRACK}, 1, 3),
        (WITHOUT_TRACK, 2, 3),
        ({"shared_i3d": False}, 2, 3),
        ({"temporal_parsing": False, "phase_weights": (1.0,), "entry_channels": ()}, 2, 1),
    ],
)
def test_ablations(clips, change, branches, phases):
    model = FineParser(replace(FineParserConfig.tiny(), **change)).eval()
    with torch.inference_mode():
        encoding = model.encode(clips[:2])
        comparison = model.compare(encoding.select([0]), encoding.select([1]))
    assert comparison.deltas.shape == (1, branches, phases)
    torch.testing.assert_close(comparison.contributions.sum((1, 2)), comparison.delta)


def test_details_reach_the_squares_and_nothing_else():
    """Twice as many pixels that are alike two by two change nothing; those that differ change what squares show."""
    torch.manual_seed(0)
    plain = FineParser(FineParserConfig.tiny()).eval()
    fine = FineParser(replace(plain.config, focus_detail=2)).eval()
    fine.load_state_dict(plain.state_dict())
    assert fine.config.picture_size == 64
    coarse = torch.randn(1, 3, 96, 32, 32, generator=torch.Generator().manual_seed(1))
    large = coarse.repeat_interleave(2, -1).repeat_interleave(2, -2)
    sharp = large + torch.tensor([1.0, -1.0]).repeat(32)
    with torch.inference_mode():
        small, same, other = plain.encode(coarse), fine.encode(large), fine.encode(sharp)
    for found in (same, other):
        assert found.mask_logits.shape == (1, 9, 16, 32, 32)
        assert found.outlines.shape == (1, 96, 32, 32)
        torch.testing.assert_close(found.mask_logits, small.mask_logits, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(other.outlines, same.outlines, atol=1e-3)
    with pytest.raises(ValueError, match="96, 64, 64"):
        fine.encode(coarse)


def test_neighbours_are_shown_beside_a_frame():
    squares = torch.arange(2 * 5 * 4, dtype=torch.float32).view(2, 5, 4, 1, 1).expand(-1, -1, -1, 3, 3)
    shown = with_neighbours(squares)
    assert shown.shape == (2, 5, 10, 3, 3)
    assert torch.equal(shown[:, :, :4], squares)
    for frame, before, after in ((0, 0, 1), (2, 1, 3), (4, 3, 4)):
        assert torch.equal(shown[:, frame, 4:7], squares[:, before, :3])
        assert torch.equal(shown[:, frame, 7:], squares[:, after, :3])


def test_the_gate_matters(clips):
    torch.manual_seed(0)
    gated = FineParser(replace(FineParserConfig.tiny(), **WITHOUT_TRACK)).eval()
    ungated = FineParser(replace(gated.config, spatial_gate=False)).eval()
    ungated.load_state_dict(gated.state_dict())
    with torch.inference_mode():
        assert not torch.allclose(ungated.encode(clips).dynamic, gated.encode(clips).dynamic)


def test_wrong_shapes_are_refused(tiny):
    with pytest.raises(ValueError, match=r"clips must be \[B, 3, 96, 32, 32\], got \[1, 3, 95, 32, 32\]"):
        tiny.encode(torch.zeros(1, 3, 95, 32, 32))
    with pytest.raises(ValueError, match=r"transitions must be \[1, 2\]"):
        tiny.encode(torch.zeros(1, 3, 96, 32, 32), torch.zeros(2, 2))


def test_encodings_join_and_part(encoding):
    whole = ClipEncoding.concatenate([encoding.select([0]), encoding.select([1, 2])])
    torch.testing.assert_close(whole.dynamic, encoding.dynamic)
    assert encoding.to(torch.float16).transitions.dtype == torch.int64
    bare = encoding.without_masks()
    with pytest.raises(ValueError, match="has no masks"):
        _ = bare.mask_probability
    with pytest.raises(ValueError, match="no side outputs"):
        _ = bare.mask_outputs
    with pytest.raises(ValueError, match="no side outputs"):
        _ = bare.side_probability
    with pytest.raises(ValueError, match="only a single clip"):
        encoding.expand(5)


def test_gradients_reach_every_parameter_that_inference_uses(clips):
    model = FineParser(FineParserConfig.tiny()).train()
    encoding = model.encode(clips[:2], torch.tensor([[20, 60], [25, 70]]), side_outputs=True)
    comparison = model.compare(encoding.select([0]), encoding.select([1]))
    masks = sum(output.square().mean() for output in encoding.mask_outputs)
    (comparison.delta.sum() + encoding.transition_probabilities.sum() + masks).backward()
    unseen = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    # What windows tell as a whole is asked for by the training of the masks alone.
    tops = "spatial_action_parser.i3d.mixed_5"
    assert unseen == {name for name, _ in model.named_parameters() if name.startswith(tops)}


def test_parameter_groups_and_parts_hold_each_parameter_once(tiny):
    everything = {id(p) for p in tiny.parameters()}
    grouped = [id(p) for group in tiny.parameter_groups() for p in group["params"]]
    parted = [id(p) for part in tiny.parts().values() for module in part for p in module.parameters()]
    assert sorted(grouped) == sorted(parted) == sorted(everything)


def test_masks_can_be_left_out_of_an_encoding():
    torch.manual_seed(0)
    model = FineParser(FineParserConfig.tiny()).eval()
    clips = torch.randn(1, 3, 96, 32, 32)
    with torch.inference_mode():
        whole, bare = model.encode(clips), model.encode(clips, masks=False)
    assert bare.mask_logits is None
    assert bare.side_logits is None
    torch.testing.assert_close(bare.dynamic, whole.dynamic)
    torch.testing.assert_close(bare.static, whole.static)


def test_what_learns_together(tiny):
    def names(modules):
        return {name for name, module in tiny.named_modules() if any(module is some for some in modules)}

    parts = tiny.parts()
    # Single frames tell a tracking network the transitions.
    assert names(parts["parsers"]) == {
        "spatial_action_parser",
        "temporal_action_parser",
        "static_visual_encoder.backbone",
        "focus_decoder",
        "outline_refiner",
    }
    assert names(parts["branches"]) == {
        "dynamic_visual_encoder",
        "static_visual_encoder.phases",
        "entry_parser",
    }
    groups = {group["name"]: sum(p.numel() for p in group["params"]) for group in tiny.parameter_groups()}
    assert sum(groups.values()) == sum(p.numel() for p in tiny.parameters())
    assert tiny.i3d is None
    assert groups["i3d"] == sum(p.numel() for p in tiny.spatial_action_parser.i3d.parameters())


def test_masks_left_out_are_followed_all_the_same(tiny, clips, encoding):
    with torch.inference_mode():
        bare = tiny.encode(clips, masks=False)
    assert bare.mask_logits is None
    torch.testing.assert_close(bare.transition_probabilities, encoding.transition_probabilities)
    torch.testing.assert_close(bare.static, encoding.static)


def test_a_kept_track_is_read_as_the_clip_was(tiny, clips, encoding):
    """Whatever the middle part of a kept track holds: the parser tells it anew."""
    kept = tiny.encode(clips, keep_frames=True).frames
    stale = kept.clone()
    seen = tiny.config.seen_features
    stale[..., seen : seen + tiny.config.track_width] = 0
    track, probabilities = tiny.reread(stale)
    torch.testing.assert_close(track, kept)
    torch.testing.assert_close(probabilities, encoding.transition_probabilities)
