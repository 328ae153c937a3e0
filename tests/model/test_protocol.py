"""Inputs and outputs of networks."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.transforms.functional import normalize

from fineparser.model.protocol import (
    ClipInput,
    Diagnostics,
    DiagnosticsLevel,
    Encoding,
    cut_windows,
    denormalise,
    normalise,
    pixel_values,
)

from .conftest import noise


@pytest.fixture(scope="module")
def outputs(tiny, clips) -> tuple[Encoding, Diagnostics]:
    with torch.inference_mode():
        return tiny.encode_with_diagnostics(clips, level=DiagnosticsLevel.SIDE_OUTPUTS)


@pytest.fixture(scope="module")
def encoding(outputs) -> Encoding:
    return outputs[0]


@pytest.fixture(scope="module")
def diagnostics(outputs) -> Diagnostics:
    return outputs[1]


def test_confidence_sums_what_lies_within_two_frames():
    probabilities = torch.zeros(1, 20, 2)
    probabilities[0, 3:9, 0] = torch.tensor([0.1, 0.2, 0.3, 0.2, 0.1, 0.1])
    probabilities[0, 19, 1] = probabilities[0, 18, 1] = 0.7  # each by itself, as the paper's network may output
    encoding = Encoding(torch.zeros(1, 9, 8), probabilities, torch.tensor([[5, 19]]))
    torch.testing.assert_close(encoding.transition_confidence, torch.tensor([[0.9, 1.0]]))


def test_a_clip_input_moves_selects_and_joins(clips):
    half = clips.to(torch.bfloat16)
    assert (half.frames.dtype, half.camera_motion.dtype, half.shots.dtype) == (
        torch.bfloat16,
        torch.float64,
        torch.int64,
    )
    assert len(clips.select([2, 0])) == 2
    assert torch.equal(clips.select([2, 0]).camera_motion[0], clips.camera_motion[2])
    joined = ClipInput.concatenate(list(clips))
    assert torch.equal(joined.frames, clips.frames)
    assert torch.equal(joined.shots, clips.shots)
    assert ClipInput.concatenate([clips, ClipInput(clips.frames)]).camera_motion is None


def test_a_missing_camera_motion_is_named_with_its_remedy(tiny, clips):
    with pytest.raises(ValueError, match=r"fineparser\.data\.clip_input\.clip_input"):
        tiny.encode(ClipInput(clips.frames))


def test_masks_are_means_over_the_windows_of_a_frame(diagnostics):
    masks = replace(diagnostics, crop_masks=None).masks
    torch.testing.assert_close(masks[:, 3], diagnostics.mask_logits[:, 0, 3].sigmoid())
    both = (diagnostics.mask_logits[:, 0, 12].sigmoid() + diagnostics.mask_logits[:, 1, 2].sigmoid()) / 2
    torch.testing.assert_close(masks[:, 12], both)


def test_side_masks_are_averaged_like_the_fused_one(diagnostics):
    sides = diagnostics.side_masks
    assert sides.shape == (3, 4, 96, 32, 32)
    torch.testing.assert_close(sides[:, 2, 95], diagnostics.side_logits[:, 8, 2, 15].sigmoid())
    both = (diagnostics.side_logits[:, 0, 3, 12].sigmoid() + diagnostics.side_logits[:, 1, 3, 2].sigmoid()) / 2
    torch.testing.assert_close(sides[:, 3, 12], both)


def test_true_masks_are_cut_into_windows_like_the_outputs(diagnostics):
    masks = torch.arange(96.0).view(1, 1, 96, 1, 1).expand(3, 1, 96, 2, 2)
    windows = cut_windows(masks, diagnostics.window_starts)
    assert windows.shape == (27, 1, 16, 2, 2)
    assert windows[10, 0, :, 0, 0].tolist() == list(range(10, 26))  # clip 1, window 1


def test_levels_without_masks_say_so(tiny, clips):
    with torch.inference_mode():
        _, features = tiny.encode_with_diagnostics(clips.select([0]), level=DiagnosticsLevel.FEATURES)
        _, masks = tiny.encode_with_diagnostics(clips.select([0]), level=DiagnosticsLevel.MASKS)
    assert features.frame_features.shape == (1, 2, 96, sum(tiny.config.track_parts))
    with pytest.raises(ValueError, match="no masks at this level"):
        _ = features.masks
    assert masks.masks.shape == (1, 96, 32, 32)
    for name in ("mask_outputs", "side_masks"):
        with pytest.raises(ValueError, match="no side outputs at this level"):
            getattr(masks, name)
    with pytest.raises(ValueError, match="no masks were decoded in crops"):
        _ = features.crop_mask_logits


def test_an_encoding_travels_as_arrays(encoding):
    arrays = encoding.to(torch.bfloat16).to_arrays()
    assert sorted(arrays) == ["dynamic", "entry", "static", "transition_probabilities", "transitions"]
    assert {array.dtype.name for array in arrays.values()} == {"float32", "int64"}
    back = Encoding.from_arrays(encoding.to_arrays())
    for name, array in encoding.to_arrays().items():
        np.testing.assert_array_equal(getattr(back, name), array)


def test_encodings_join_and_part(encoding):
    whole = Encoding.concatenate([encoding.select([0]), encoding.select([1, 2])])
    torch.testing.assert_close(whole.dynamic, encoding.dynamic)
    assert encoding.to(torch.float16).transitions.dtype == torch.int64
    with pytest.raises(ValueError, match="only a single clip"):
        encoding.expand(5)
    lacking = replace(encoding, entry=None)
    assert Encoding.concatenate([encoding, lacking]).entry is None


def test_evidence_is_kept_wherever_an_encoding_has_it(encoding):
    evidence = torch.rand(3, 9, 2) * 1e6
    measured = replace(encoding, evidence=evidence)
    joined = Encoding.concatenate([encoding.select([0]), measured, encoding.select([1, 2])])
    assert torch.equal(joined.evidence[1:4], evidence)
    assert not joined.evidence[[0, 4, 5]].any()
    assert Encoding.concatenate([encoding, encoding]).evidence is None
    # The largest precision would be infinite in 16 bits.
    assert torch.equal(measured.to(torch.float16).select([2, 0]).evidence, evidence[[2, 0]])
    assert torch.equal(Encoding.from_arrays(measured.to_arrays()).evidence, evidence)


def test_an_encoding_without_a_field_that_is_compared_is_refused(tiny, encoding):
    with pytest.raises(ValueError, match="no 'entry', which the network compares"):
        tiny.compare(replace(encoding, entry=None), encoding)


def test_noise_has_a_still_camera():
    assert torch.equal(noise(1, 0).camera_motion[0, 95], torch.eye(3, dtype=torch.float64))


def test_normalise_agrees_with_torchvision():
    frames = np.random.default_rng(0).integers(0, 256, (2, 5, 7, 3), dtype=np.uint8)
    reference = torch.stack(
        [
            normalize(torch.from_numpy(frame).permute(2, 0, 1) / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
            for frame in frames
        ],
        dim=1,
    )
    assert torch.allclose(normalise(frames), reference, atol=1e-5)


def test_denormalise_is_the_inverse():
    frames = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3), dtype=np.uint8)
    back = denormalise(normalise(frames).transpose(0, 1))  # [2, 3, 6, 5]
    np.testing.assert_allclose(back.permute(0, 2, 3, 1) * 255, frames, atol=1e-3)


def test_pixel_values_are_those_of_the_frames():
    frames = np.random.default_rng(0).integers(0, 256, (2, 6, 5, 3), dtype=np.uint8)
    normalised = normalise(frames).transpose(0, 1)
    np.testing.assert_array_equal(pixel_values(normalised).permute(0, 2, 3, 1), frames)
    half = pixel_values(normalised.to(torch.bfloat16)).permute(0, 2, 3, 1)
    assert np.abs(half.numpy() - frames).max() <= 2
    assert pixel_values(normalised.requires_grad_(True)).requires_grad is False
