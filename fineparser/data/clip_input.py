"""From frames to the input of a network: normalisation is undone, and the camera motion estimated."""

import numpy as np
import torch
from torch import Tensor

from fineparser.model.protocol import ClipInput, Network, pixel_values
from fineparser.video.camera_motion import CameraMotion


def network_input(network: Network, clips: Tensor) -> ClipInput:
    """Input of a network, with the camera motion if the network uses it.

    Args:
        network: the network.
        clips: [B, 3, T, H, W], normalised, in the input size of the network.
    """
    return clip_input(clips) if network.uses_camera_motion else ClipInput(clips)


def clip_input(clips: Tensor) -> ClipInput:
    """Network input of normalised clips, with their camera motion.

    Args:
        clips: [B, 3, T, H, W], on any device.
    """
    threads = torch.get_num_threads()
    motions = [CameraMotion.from_frames(frames_of(clip), threads) for clip in clips]
    return ClipInput(
        clips,
        torch.from_numpy(np.stack([motion.motions for motion in motions])).to(clips.device),
        torch.from_numpy(np.stack([motion.shots for motion in motions])).to(clips.device),
    )


def frames_of(clip: Tensor) -> np.ndarray:
    """Frames uint8 [T, H, W, 3] of a normalised clip [3, T, H, W]."""
    return pixel_values(clip.transpose(0, 1)).byte().permute(0, 2, 3, 1).contiguous().cpu().numpy()


def sparse_camera_motion(frames: np.ndarray, indices: np.ndarray, count: int) -> tuple[Tensor, Tensor]:
    """Camera motion of a clip of which only some frames are known; in between, the camera stands still.

    Args:
        frames: uint8 [F, H, W, 3].
        indices: of these frames in the clip, in order.
        count: frames of the clip.

    Returns:
        Motions [1, count, 3, 3] and shots [1, count], as in `ClipInput`.
    """
    motion = CameraMotion.from_frames(frames)
    previous = np.maximum(np.searchsorted(indices, np.arange(count), side="right") - 1, 0)
    return torch.from_numpy(motion.motions[previous])[None], torch.from_numpy(motion.shots[previous])[None]
