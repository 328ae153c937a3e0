"""The copy for inference: the same numbers, without what only training needs."""

import pytest
import torch
from torch import nn

from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.cpu.optimisation import optimise
from fineparser.model.precision import has_bfloat16
from fineparser.model.protocol import DiagnosticsLevel

TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 3e-2}


@pytest.fixture(scope="module", params=[torch.float32, torch.bfloat16], ids=str)
def fast(request, tiny) -> CompactFineParser:
    if request.param == torch.bfloat16 and not has_bfloat16():
        pytest.skip("this processor has no bf16")
    return optimise(tiny, request.param)


def test_it_gives_the_same_numbers(tiny, fast, clips):
    """With a relative error in float32 far below that of bf16's eight bits."""
    with torch.inference_mode():
        transitions = torch.tensor([[20, 60]] * len(clips))
        expected, found = (
            model.encode_with_diagnostics(clips, transitions, DiagnosticsLevel.SIDE_OUTPUTS) for model in (tiny, fast)
        )
        deltas = [model.compare(e[0].select([0]), e[0]).delta for model, e in ((tiny, expected), (fast, found))]
    tolerance = TOLERANCES[fast.dtype]
    for index, name in (
        (0, "dynamic"),
        (0, "transition_probabilities"),
        (0, "static"),
        (1, "mask_logits"),
        (1, "side_logits"),
    ):
        ours, theirs = getattr(found[index], name), getattr(expected[index], name)
        assert ours.dtype == torch.float32
        assert (ours - theirs).abs().max() <= tolerance * theirs.abs().max(), name
    assert (deltas[1] - deltas[0]).abs().max() <= tolerance * deltas[0].abs().max()


def test_so_does_that_of_the_published_network(tiny_paper, clips):
    with torch.inference_mode():
        expected, found = (model.encode(clips) for model in (tiny_paper, optimise(tiny_paper)))
    for name in ("dynamic", "transition_probabilities", "static"):
        ours, theirs = getattr(found, name), getattr(expected, name)
        assert (ours - theirs).abs().max() <= 1e-5 * theirs.abs().max(), name


def test_the_original_stays_as_it_was(clips):
    model = CompactFineParser(CompactConfig.tiny()).eval()
    before, clip = model.fingerprint(), clips.select([0])
    with torch.inference_mode():
        dynamic = model.encode(clip).dynamic
        fast = optimise(model)
        fast.encode(clip)
        assert torch.equal(model.encode(clip).dynamic, dynamic)
    assert model.fingerprint() == before == fast.fingerprint()
    assert model.chunk_sizes.windows is None


def test_nothing_is_left_that_only_training_needs(fast):
    left = [type(module) for backbone in fast.backbones() for module in backbone.modules()]
    assert not {nn.BatchNorm2d, nn.BatchNorm3d} & set(left)
    assert not any(parameter.requires_grad for parameter in fast.parameters())


def test_folded_weights_are_not_saved(fast, tmp_path):
    with pytest.raises(ValueError, match="save the one that it was made from"):
        fast.save_pretrained(tmp_path)


def test_a_clip_is_encoded_alike_alone_and_in_a_batch(fast, clips):
    with torch.inference_mode():
        alone, together = fast.predict_masks(clips.frames[1:2]), fast.predict_masks(clips.frames)
    assert (alone - together[1:2]).abs().max() <= 1e-2 * together.abs().max()
