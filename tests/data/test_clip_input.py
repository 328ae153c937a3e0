"""Input of networks from frames."""

import cv2
import numpy as np
import torch

from fineparser.data.clip_input import clip_input, frames_of, sparse_camera_motion
from fineparser.model.protocol import normalise
from fineparser.video.camera_motion import CameraMotion


def test_the_camera_motion_is_that_of_the_frames():
    frames = np.random.default_rng(0).integers(0, 256, (2, 4, 32, 32, 3), np.uint8)
    clips = torch.stack([normalise(clip) for clip in frames])
    batch = clip_input(clips)
    assert torch.equal(batch.frames, clips)
    for number, clip in enumerate(frames):
        np.testing.assert_array_equal(frames_of(clips[number]), clip)
        motion = CameraMotion.from_frames(clip)
        np.testing.assert_array_equal(batch.camera_motion[number], motion.motions)
        np.testing.assert_array_equal(batch.shots[number], motion.shots)


def test_between_known_frames_the_camera_stands_still():
    """Texture that moves a pixel a frame, of which some frames are known."""
    texture = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (96, 120, 3), np.uint8), (0, 0), 2)
    frames = np.stack([texture[:, frame : frame + 96] for frame in range(12)])
    indices = np.array([3, 4, 6, 9])
    motions, shots = sparse_camera_motion(frames[indices], indices, 12)
    assert motions.shape == (1, 12, 3, 3)
    assert not shots.any()
    np.testing.assert_allclose(motions[0, :, 0, 2], [0, 0, 0, 0, -1, -1, -3, -3, -3, -6, -6, -6], atol=0.3)
