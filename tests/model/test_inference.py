import pytest
import torch
from torch import nn

from fineparser.model.config import WITHOUT_TRACK, FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.model.inference import optimise
from fineparser.model.precision import has_bfloat16

TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 3e-2}


@pytest.fixture(scope="module", params=[torch.float32, torch.bfloat16], ids=str)
def fast(request, tiny) -> FineParser:
    if request.param == torch.bfloat16 and not has_bfloat16():
        pytest.skip("this processor has no bf16")
    return optimise(tiny, request.param)


@pytest.mark.parametrize("side_outputs", [False, True])
def test_it_gives_the_same_numbers(tiny, fast, clips, side_outputs):
    """A relative error in float32 far below what bf16's eight bits allow."""
    with torch.inference_mode():
        transitions = torch.tensor([[20, 60]] * len(clips))
        expected, found = (model.encode(clips, transitions, side_outputs) for model in (tiny, fast))
        deltas = [model.compare(e.select([0]), e).delta for model, e in ((tiny, expected), (fast, found))]
    tolerance = TOLERANCES[fast.dtype]
    names = ["dynamic", "transition_probabilities", "static", "mask_logits", *["side_logits"] * side_outputs]
    for name in names:
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert ours.dtype == torch.float32
        assert (ours - theirs).abs().max() <= tolerance * theirs.abs().max(), name
    assert (deltas[1] - deltas[0]).abs().max() <= tolerance * deltas[0].abs().max()


def test_the_original_stays_as_it_was(clips):
    model = FineParser(FineParserConfig.tiny()).eval()
    before = model.fingerprint()
    with torch.inference_mode():
        dynamic = model.encode(clips[:1]).dynamic
        fast = optimise(model)
        fast.encode(clips[:1])
        assert torch.equal(model.encode(clips[:1]).dynamic, dynamic)
    assert model.fingerprint() == before == fast.fingerprint()


def test_nothing_is_left_that_only_training_needs(fast):
    assert fast.i3d is None  # along a track nothing asks for it
    backbones = [fast.entry_parser.painter, fast.spatial_action_parser, fast.static_visual_encoder.backbone]
    left = [type(module) for backbone in backbones for module in backbone.modules()]
    assert not {nn.BatchNorm2d, nn.BatchNorm3d} & set(left)
    assert not any(parameter.requires_grad for parameter in fast.parameters())


def test_folded_weights_are_not_saved(fast, tmp_path):
    with pytest.raises(ValueError, match="save the one that it was made from"):
        fast.save_pretrained(tmp_path)


def test_without_the_static_branch(clips):
    change = {"static_branch": False, **WITHOUT_TRACK}
    model = FineParser(FineParserConfig(**FineParserConfig.tiny().to_json() | change)).eval()
    with torch.inference_mode():
        assert optimise(model).encode(clips[:1]).static is None


def test_a_clip_is_encoded_alike_alone_and_in_a_batch(fast, clips):
    with torch.inference_mode():
        alone, together = fast.encode(clips[1:2]), fast.encode(clips)
    assert (alone.mask_logits - together.mask_logits[1:2]).abs().max() <= 1e-2 * together.mask_logits.abs().max()
