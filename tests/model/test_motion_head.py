"""The motion head: the motion of the crop, its outputs, and its place in the network."""

from dataclasses import replace

import pytest
import torch

from fineparser.model.checkpoint import load_network
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.cpu.optimisation import optimise
from fineparser.model.motion_head import (
    CHOICES,
    FRAME_STATISTICS,
    MotionHead,
    half_sides,
    inputs_of,
    motion_output,
    path_features,
    share_motion,
)
from fineparser.model.protocol import ClipInput, DiagnosticsLevel

from .conftest import noise

FRAMES = 96
STILL = torch.eye(3, dtype=torch.float64).expand(1, FRAMES, 3, 3)
ONE_SHOT = torch.zeros(1, FRAMES, dtype=torch.int64)


@pytest.fixture(scope="module")
def with_head() -> CompactFineParser:
    """A tiny network with a motion head, without mask refiner and entry branch."""
    torch.manual_seed(0)
    config = replace(CompactConfig.tiny(), refiner_channels=(), entry_channels=(), motion_width=16)
    model = CompactFineParser(config).train()
    with torch.no_grad():
        model.encode(noise(2, 5))
    return model.eval()


def falling(acceleration: float = 0.002) -> torch.Tensor:
    """Centres [1, 96, 2] of a crop that moves to the right and falls."""
    t = torch.arange(FRAMES) / 1.0
    return torch.stack([0.004 * t - 0.2, acceleration * t**2 / 2 - 0.3], dim=-1)[None]


def panning() -> torch.Tensor:
    """Camera motion [1, 96, 3, 3], in places, of a camera that turns down and zooms in."""
    t = torch.arange(FRAMES, dtype=torch.float64)
    motion = torch.eye(3, dtype=torch.float64).repeat(FRAMES, 1, 1)
    motion[:, 0, 0] = motion[:, 1, 1] = 1.002**t
    motion[:, 1, 2] = -0.01 * t
    return motion[None]


def test_a_falling_crop_has_constant_acceleration_and_the_right_velocity():
    half_side = torch.full((1, FRAMES), 0.2)
    path = path_features(falling(), half_side, STILL, ONE_SHOT)[0]
    inside = slice(3, -3)
    torch.testing.assert_close(path[inside, 0], torch.full((FRAMES - 6,), 0.004 / 0.2), atol=1e-4, rtol=0)
    torch.testing.assert_close(path[inside, 1], 0.002 * torch.arange(3.0, FRAMES - 3) / 0.2, atol=1e-4, rtol=0)
    torch.testing.assert_close(path[inside, 3], torch.full((FRAMES - 6,), 0.002 / 0.2), atol=1e-4, rtol=0)
    assert path[inside, 5].eq(1).all()
    assert path[:3, 2:4].eq(0).all()


def test_the_motion_of_the_camera_is_removed():
    """A point that stands still in the scene does not move, however the camera turns and zooms."""
    camera = panning()
    point = torch.tensor([0.1, 0.2, 1.0], dtype=torch.float64)
    seen = (camera[0] @ point)[None]
    half_side = 0.2 * camera[..., 0, 0].float()
    path = path_features(seen[..., :2].float(), half_side, camera, ONE_SHOT)
    torch.testing.assert_close(path[..., :5], torch.zeros(1, FRAMES, 5), atol=1e-4, rtol=0)


def test_a_cut_is_no_motion():
    shots = (torch.arange(FRAMES) >= 40).long()[None]
    centre = torch.zeros(1, FRAMES, 2)
    centre[:, 40:] = 0.4
    path = path_features(centre, torch.full((1, FRAMES), 0.2), STILL, shots)
    assert path[..., :5].abs().max() == 0
    assert (path[0, :, 5] == 0).nonzero().ravel().tolist() == [0, 1, 2, *range(37, 43), 93, 94, 95]


def test_pixels_become_places():
    motion = torch.tensor([[1.0, 0, 10], [0, 1, -20], [0, 0, 1]], dtype=torch.float64)
    shared = share_motion(motion, 200)
    torch.testing.assert_close(shared[:2, 2], torch.tensor([0.05, -0.1], dtype=torch.float64))
    zoom = share_motion(torch.diag(torch.tensor([2.0, 2, 1], dtype=torch.float64)), 200)
    # The origin of pixels is a corner, that of places the centre: the centre moves to the lower right corner.
    torch.testing.assert_close(zoom[:2, 2], torch.tensor([0.5, 0.5], dtype=torch.float64))


def test_the_mirror_image_has_mirrored_inputs(with_head):
    """Of a clip and its mirror image, every input but the horizontal ones is the same in both passes."""
    config = with_head.config
    track = torch.randn(1, FRAMES, sum(config.track_parts), generator=torch.Generator().manual_seed(1))
    track[..., -3:-1] = falling()
    track[..., -1] = -0.5
    mirrored = track.clone()
    mirrored[..., -3] *= -1
    camera = panning()
    camera[..., 0, 2] = torch.linspace(0, 0.3, FRAMES)
    inputs = inputs_of(torch.stack([track, mirrored], dim=1), camera, ONE_SHOT, config)[0]
    signs = torch.tensor([-1.0, 1, -1, 1, 1, 1])
    torch.testing.assert_close(inputs[1, :, -6:], inputs[0, :, -6:] * signs)
    assert inputs[0, :, -6].abs().max() > 0


def test_outputs_are_in_their_units():
    values = torch.zeros(1, FRAMES, len(FRAME_STATISTICS))
    names = list(FRAME_STATISTICS)
    values[..., names.index("hip_angle")] = 200.0
    values[..., names.index("ankles_apart")] = -0.1
    values[..., names.index("log_metre")] = torch.tensor(0.5).log()
    values[..., names.index("somersault_sin")] = 1.0
    output = motion_output(values, {}, torch.full((1, FRAMES), 0.2))
    assert output.hip_angle.max() == 180
    assert output.ankles_apart.min() == 0
    torch.testing.assert_close(output.metre, torch.full((1, FRAMES), 0.2))  # half of a crop of 0.4
    assert output.somersault[0, 0].tolist() == [0, 1]


def test_a_network_with_a_motion_head_predicts_motion_and_transitions(with_head):
    clip = noise(2, 1)
    with torch.inference_mode():
        encoding, diagnostics = with_head.encode_with_diagnostics(clip, level=DiagnosticsLevel.FEATURES)
        prediction = with_head.predict_transitions(ClipInput(clip.frames))  # needs no camera motion
    motion = diagnostics.motion
    assert motion.somersault.shape == motion.twist.shape == (2, FRAMES, 2)
    for name in ("somersault_rate", "twist_rate", "hip_angle", "knee_angle", "foot_angle", "metre", "height"):
        assert getattr(motion, name).shape == (2, FRAMES)
    assert {name: values.shape[1] for name, values in motion.choices.items()} == CHOICES
    for values in motion.choices.values():
        torch.testing.assert_close(values.sum(-1), torch.ones(2))
    torch.testing.assert_close(encoding.transition_probabilities.sum(1), torch.ones(2, 2))
    torch.testing.assert_close(prediction.probabilities, diagnostics.parser_probabilities)
    assert not torch.allclose(prediction.probabilities, encoding.transition_probabilities)
    assert with_head.uses_camera_motion
    torch.testing.assert_close(
        motion.metre / half_sides(diagnostics.frame_features[:, 0], with_head.config) > 0,
        torch.ones(2, FRAMES, dtype=torch.bool),
    )


def test_the_temporal_parser_keeps_its_features_and_loses_its_transitions(with_head):
    clip = noise(1, 1)
    with torch.inference_mode():
        encoding, diagnostics = with_head.encode_with_diagnostics(clip, level=DiagnosticsLevel.FEATURES)
        tracks, old = with_head.temporal_from_cache(diagnostics.frame_features)
        torch.testing.assert_close(tracks, diagnostics.frame_features)
        assert not torch.allclose(old, encoding.transition_probabilities)


@pytest.mark.parametrize("level", [DiagnosticsLevel.FEATURES, DiagnosticsLevel.MASKS])
def test_transitions_can_be_decoded_by_the_caller(with_head, level):
    seen = []

    def decode(probabilities, diagnostics):
        seen.append((probabilities, diagnostics))
        return torch.tensor([[20, 70]])

    clip = noise(1, 1)
    with torch.inference_mode():
        encoding, diagnostics = with_head.encode_with_diagnostics(clip, decode, level)
        taught = with_head.encode(clip, torch.tensor([[20, 70]]))
    assert encoding.transitions.tolist() == [[20, 70]]
    torch.testing.assert_close(encoding.static, taught.static)
    probabilities, given = seen[0]
    torch.testing.assert_close(probabilities, encoding.transition_probabilities)
    assert given.frame_features.shape == (1, 2, FRAMES, sum(with_head.config.track_parts))
    assert given.masks.shape[:2] == (1, FRAMES)
    torch.testing.assert_close(given.motion.height, diagnostics.motion.height)
    with pytest.raises(ValueError, match=r"must be \[1, 2\]"):
        with_head.encode(clip, lambda probabilities, diagnostics: torch.tensor([20, 70]))


def test_an_inference_copy_has_the_same_motion(with_head):
    clip = noise(1, 2)
    with torch.inference_mode():
        expected = with_head.encode_with_diagnostics(clip, level=DiagnosticsLevel.FEATURES)[1].motion
        motion = optimise(with_head).encode_with_diagnostics(clip, level=DiagnosticsLevel.FEATURES)[1].motion
    torch.testing.assert_close(motion.hip_angle, expected.hip_angle, rtol=1e-3, atol=1e-2)
    torch.testing.assert_close(motion.somersault, expected.somersault, rtol=1e-3, atol=1e-3)


def test_a_checkpoint_keeps_the_head_and_one_without_can_get_it(with_head, tmp_path):
    torch.manual_seed(0)
    model = CompactFineParser(replace(with_head.config, motion_width=0)).eval()
    model.save_pretrained(tmp_path / "without")
    before = model.fingerprint()
    model.add_motion_head(16)
    assert model.fingerprint() == before  # no encoding at given transitions depends on it
    assert model.config.motion_width == 16
    model.motion_head.standardise(torch.full_like(model.motion_head.mean, 0.5), model.motion_head.deviation)
    model.save_pretrained(tmp_path / "with")
    assert load_network(tmp_path / "without").motion_head is None
    loaded = load_network(tmp_path / "with")
    assert loaded.fingerprint() == model.fingerprint()
    assert loaded.motion_head.mean.eq(0.5).all()


def test_inputs_of_another_scale_are_standardised(with_head):
    torch.manual_seed(0)
    head = MotionHead(with_head.config).eval()
    inputs = torch.randn(1, FRAMES, len(head.mean))
    with torch.no_grad():
        expected = head(inputs).frames
        head.standardise(torch.full_like(head.mean, 3.0), torch.full_like(head.mean, 2.0))
        torch.testing.assert_close(head(2 * inputs + 3).frames, expected, rtol=1e-3, atol=1e-3)
