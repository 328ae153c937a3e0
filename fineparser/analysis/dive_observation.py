"""Observation of a dive for the kinematics, from the outputs of a network and the scan of the clip."""

import numpy as np

from fineparser.analysis.clip_scan import ClipScan
from fineparser.domain.clip_geometry import CLIP_FRAMES
from fineparser.kinematics.observation import DiveObservation
from fineparser.model.config import KEYPOINTS, CompactConfig
from fineparser.video.clip import Clip


def observe_dive(
    config: CompactConfig, clip: Clip, scan: ClipScan, tracks: np.ndarray, masks: np.ndarray, probabilities: np.ndarray
) -> DiveObservation:
    """Observation of an encoded clip, without its entry.

    Args:
        config: of the network.
        clip: the frames that it took.
        scan: of the whole clip.
        tracks: [2, 96, 445], features of the crops of the clip and of its mirror image.
        masks: [96, 112, 112], probabilities of the diver.
        probabilities: [96, 2], of the transitions.
    """
    features = tracks.astype(np.float64)
    end = config.frame_features
    points = features[..., end - 3 * KEYPOINTS : end].reshape(*features.shape[:2], KEYPOINTS, 3)
    # The last three of `CropTrack.measures`.
    centre, half_side = features[..., None, -3:-1], np.exp(features[..., -1])[..., None] / 4
    places = centre + half_side[..., None] * points[..., :2]
    places[1, ..., 0] *= -1  # the second pass saw the mirror image
    boxes = np.broadcast_to(clip.framing.boxes, (CLIP_FRAMES, 4))
    side = np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]))[:, None]
    indices = clip.frame_numbers - clip.info.first_number
    to_pixels = np.diag([clip.info.height, clip.info.height, 1.0])
    camera = to_pixels @ scan.motion.select(indices).camera @ np.linalg.inv(to_pixels)
    return DiveObservation(
        numbers=clip.frame_numbers,
        seconds=scan.seconds[indices],
        width=clip.info.width,
        height=clip.info.height,
        camera=camera,
        shots=np.searchsorted(scan.cuts, clip.frame_numbers, side="right"),
        keypoints=clip.framing.to_source(places + 0.5, np.arange(CLIP_FRAMES)[:, None], size=1),
        spread=points[..., 2] * half_side * side,
        masks=masks,
        boxes=boxes,
        probabilities=probabilities,
    )
