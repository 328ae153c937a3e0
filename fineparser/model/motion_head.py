"""The motion head: rotation, shape and scale of the diver in each frame, the dive, and the transitions (not in the
paper)."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.config import MASK_MEASURES, CompactConfig
from fineparser.model.protocol import MotionOutput
from fineparser.model.temporal_action_parser import DILATIONS, DilatedBlock

CHOICES = {"half_somersaults": 12, "half_twists": 10, "direction": 4, "start": 2, "position": 4, "height": 5}
"""Number of possibilities of each choice, see `MotionOutput.choices`."""
FRAME_STATISTICS = {
    "somersault_cos": (0.0, 1.0),
    "somersault_sin": (0.0, 1.0),
    "twist_cos": (0.0, 1.0),
    "twist_sin": (0.0, 1.0),
    "somersault_rate": (0.01, 0.03),
    "twist_rate": (0.0, 0.03),
    "hip_angle": (130.0, 50.0),
    "knee_angle": (150.0, 40.0),
    "foot_angle": (140.0, 30.0),
    "knees_apart": (0.2, 0.06),
    "ankles_apart": (0.2, 0.08),
    "log_metre": (-1.0, 0.3),
    "height": (4.0, 3.0),
}
"""Approximate mean and standard deviation of each output of a frame, in its own unit: the linear layer behind them
starts near the truth."""
PATH_FEATURES = 6
"""Numbers that describe how the crop moves, see `path_features`."""
PATH_STEP = 3
"""Frames to either side over which the motion of the crop is measured: its centre is smoothed over that time."""
MIN_ZOOM = 0.01
"""Least zoom between two frames of a shot: an estimate below is none."""
ATTENTION_POOLS = 4
"""Weighted means over the frames that describe the clip."""
MAX_INPUT = 6.0
"""Standard deviations from the mean to which inputs are clipped: a recording of another kind is no outlier."""


@dataclass(frozen=True)
class MotionLogits:
    """Raw outputs of the motion head for N passes."""

    frames: Tensor
    """[N, T, 13], in the order and units of `FRAME_STATISTICS`."""
    transitions: Tensor
    """[N, T, 2]: logits, over the frames."""
    choices: dict[str, Tensor]
    """[N, n]: logits of each of `CHOICES`."""


class MotionHead(nn.Module):
    """Predicts the motion of the diver from tracks.

    Shapes are those of the bundled network; each of the two passes over B clips is a clip of its own:

      tracks [B, 96, 445], motion of the crop [B, 96, 6]
        |
        +--> standardised --> linear --> dilated convolutions over time --> [B, 96, 128] --+
                                                                               |          |
                            clip: weighted means over the frames [B, 4 * 128] <-'          |
                              |                                                            |
                              +--> [B, 128] --> choices                                    |
                                      \\--> to every frame ---------------------------------+--> frames [B, 96, 13],
                                                                                                transitions [B, 96, 2]
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        width, inputs = config.motion_width, sum(config.track_parts) + PATH_FEATURES
        self.config = config
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("deviation", torch.ones(inputs))
        self.from_frames = nn.Linear(inputs, width)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(DilatedBlock(width, dilation) for dilation in DILATIONS)
        self.dropout = nn.Dropout(config.token_dropout)
        self.attention = nn.Linear(width, ATTENTION_POOLS)
        self.clip = nn.Linear(ATTENTION_POOLS * width, width)
        self.choices = nn.Linear(width, sum(CHOICES.values()))
        self.with_clip = nn.Linear(2 * width, width)
        self.frames = nn.Linear(width, len(FRAME_STATISTICS) + 2)

    def forward(self, inputs: Tensor) -> MotionLogits:
        """Inputs [N, T, 451] of N passes, see `inputs_of`."""
        x = ((inputs - self.mean) / self.deviation).clamp(-MAX_INPUT, MAX_INPUT)
        x = self.dropout(functional.relu(self.norm(self.from_frames(x)))).transpose(1, 2)
        for block in self.blocks:
            x = self.dropout(block(x))
        x = x.transpose(1, 2)
        weights = self.attention(x).softmax(dim=1)  # [N, T, 4]
        clip = self.dropout(functional.relu(self.clip((weights.transpose(1, 2) @ x).flatten(1))))
        joined = torch.cat([x, clip[:, None].expand(-1, x.shape[1], -1)], dim=-1)
        outputs = self.frames(self.dropout(functional.relu(self.with_clip(joined)))).float()
        frames, transitions = outputs.split([len(FRAME_STATISTICS), 2], dim=-1)
        means, deviations = (frames.new_tensor(values) for values in zip(*FRAME_STATISTICS.values(), strict=True))
        return MotionLogits(
            frames=frames * deviations + means,
            transitions=transitions,
            choices=dict(zip(CHOICES, self.choices(clip).float().split(list(CHOICES.values()), dim=-1), strict=True)),
        )

    def standardise(self, mean: Tensor, deviation: Tensor) -> None:
        """Set mean and standard deviation [451] of the inputs."""
        self.mean.copy_(mean)
        self.deviation.copy_(deviation)

    def predict(self, tracks: Tensor, camera_motion: Tensor, shots: Tensor) -> tuple[MotionOutput, Tensor]:
        """Motion, and probabilities of the transitions [B, 96, 2], of both passes together.

        Args:
            tracks: [B, 2, 96, 445] of the clips and of their mirror images.
            camera_motion: [B, 96, 3, 3] between places, see `share_motion`.
            shots: int64 [B, 96], see `ClipInput`.
        """
        with torch.autocast(tracks.device.type, enabled=False):
            inputs = inputs_of(tracks.float(), camera_motion, shots, self.config)
            logits = self(inputs.flatten(0, 1))
        probabilities = {"transitions": logits.transitions.softmax(dim=1)}
        probabilities |= {name: choice.softmax(dim=-1) for name, choice in logits.choices.items()}
        passes = tracks.shape[:2]
        means = {name: values.unflatten(0, passes).mean(1) for name, values in probabilities.items()}
        frames = logits.frames.unflatten(0, passes).mean(1)
        transitions = means.pop("transitions")
        return motion_output(frames, means, half_sides(tracks[:, 0].float(), self.config)), transitions


def motion_output(frames: Tensor, choices: dict[str, Tensor], half_side: Tensor) -> MotionOutput:
    """Motion from numbers [B, T, 13], see `FRAME_STATISTICS`, and probabilities of the choices.

    Args:
        frames: numbers of each frame.
        choices: [B, n] each.
        half_side: [B, T] half sides of the crops.
    """
    columns = dict(zip(FRAME_STATISTICS, frames.unbind(-1), strict=True))
    return MotionOutput(
        somersault=torch.stack([columns["somersault_cos"], columns["somersault_sin"]], dim=-1),
        twist=torch.stack([columns["twist_cos"], columns["twist_sin"]], dim=-1),
        somersault_rate=columns["somersault_rate"],
        twist_rate=columns["twist_rate"],
        hip_angle=columns["hip_angle"].clamp(0, 180),
        knee_angle=columns["knee_angle"].clamp(0, 180),
        foot_angle=columns["foot_angle"].clamp(0, 180),
        knees_apart=columns["knees_apart"].clamp_min(0),
        ankles_apart=columns["ankles_apart"].clamp_min(0),
        metre=columns["log_metre"].exp() * 2 * half_side,
        height=columns["height"],
        choices=choices,
    )


def half_sides(tracks: Tensor, config: CompactConfig) -> Tensor:
    """Half sides of the crops, shares of the side of the frame, [..., T] of tracks [..., T, 445]."""
    measures = tracks[..., sum(config.track_parts) - MASK_MEASURES :]
    return measures[..., -1].exp() / 4


def inputs_of(tracks: Tensor, camera_motion: Tensor, shots: Tensor, config: CompactConfig) -> Tensor:
    """Inputs of the motion head, [B, 2, T, 451]: the tracks, and the motion of the crop.

    Args:
        tracks: [B, 2, T, 445].
        camera_motion: [B, T, 3, 3] between places, see `share_motion`.
        shots: int64 [B, T].
        config: of the network.
    """
    half_side = half_sides(tracks, config)
    centre = tracks[..., -3:-1]  # in the measures of the masks
    # The second pass sees the mirror image; its path is measured in the clip, with the motion of the camera.
    mirror = centre.new_tensor([[1, 1], [-1, 1]])
    paths = [
        path_features(centre[:, number] * mirror[number], half_side[:, number], camera_motion, shots)
        for number in range(len(mirror))
    ]
    signs = torch.cat([mirror, mirror, torch.ones_like(mirror)], dim=-1)[:, None]
    path = torch.stack(paths, dim=1)
    return torch.cat([tracks, path * signs], dim=-1)


def path_features(centre: Tensor, half_side: Tensor, camera_motion: Tensor, shots: Tensor) -> Tensor:
    """Motion of the crop without that of the camera, [B, T, 6]: velocity and acceleration along x and y in half sides
    a frame, change of the logarithm of the half side, and whether there are frames of the same shot on both sides.

    Args:
        centre: [B, T, 2], places.
        half_side: [B, T].
        camera_motion: [B, T, 3, 3] between places.
        shots: int64 [B, T].
    """
    frames = torch.arange(centre.shape[1], device=centre.device)
    inverse = torch.linalg.inv(camera_motion)
    moved = []
    for step in (PATH_STEP, -PATH_STEP):
        other = (frames + step).clamp(0, len(frames) - 1)
        # From the other frame to the first one of the shot, and from there to this one.
        between = camera_motion @ inverse[:, other]
        point = torch.cat([centre[:, other], torch.ones_like(centre[..., :1])], dim=-1).to(between)
        point = (between @ point[..., None])[..., 0]
        zoom = torch.linalg.det(between[..., :2, :2]).abs().sqrt().clamp_min(MIN_ZOOM)
        size = (half_side[:, other].to(zoom) * zoom).log()
        is_near = (shots[:, other] == shots) & (other == frames + step)
        moved.append(
            (
                torch.where(is_near[..., None], (point[..., :2] / point[..., 2:]).to(centre), centre),
                torch.where(is_near, size.to(centre), half_side.log()),
                is_near,
            )
        )
    (after, size_after, has_after), (before, size_before, has_before) = moved
    steps = PATH_STEP * (has_after.to(centre) + has_before.to(centre)).clamp_min(1)
    velocity = (after - before) / (steps * half_side)[..., None]
    acceleration = (after - 2 * centre + before) / (PATH_STEP**2 * half_side[..., None])
    is_inside = has_after & has_before
    return torch.cat(
        [
            velocity,
            acceleration.where(is_inside[..., None], 0.0),
            ((size_after - size_before) / steps)[..., None],
            is_inside[..., None].to(centre),
        ],
        dim=-1,
    )


def share_motion(camera_motion: Tensor, side: int) -> Tensor:
    """Camera motion [B, T, 3, 3] between pixels of square frames, as one between places: shares of the side from the
    centre of the frame."""
    to_pixels = camera_motion.new_tensor([[side, 0, side / 2], [0, side, side / 2], [0, 0, 1]])
    return torch.linalg.inv(to_pixels) @ camera_motion @ to_pixels
