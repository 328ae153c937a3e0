"""Camera motion: against known motions, with a diver in front of the background, and across a cut."""

import numpy as np
import pytest

from fineparser.video.camera_motion import CameraMotion, MotionEstimator
from tests.cameras import background_image, pan_motions, shifted_frames


def test_motions_equal_those_of_the_camera():
    motions = pan_motions(10)
    camera = CameraMotion.from_frames(shifted_frames(background_image(0), motions))
    assert camera.shots.tolist() == [0] * 10
    corners = np.array([[20, 20, 1], [140, 20, 1], [20, 140, 1], [140, 140, 1]]).T
    for frame, other in ((0, 9), (3, 6), (8, 2), (4, 4)):
        expected = motions[other] @ np.linalg.inv(motions[frame])
        estimate = camera.between(frame, other)
        np.testing.assert_allclose((estimate @ corners)[:2], (expected @ corners)[:2], atol=1.0)


def test_a_moving_object_in_front_of_the_background_is_an_outlier():
    frames = shifted_frames(background_image(1), [pan_motions(1)[0]] * 8)
    diver = background_image(2)[:48, :48]
    for step, frame in enumerate(frames):
        frame[30 + 8 * step : 78 + 8 * step, 50:98] = diver
    camera = CameraMotion.from_frames(frames)
    np.testing.assert_allclose(camera.between(0, 7), np.eye(3), atol=0.1)


@pytest.mark.parametrize("other", ["another scene", "no texture"])
def test_a_cut_begins_another_shot(other):
    first, second = (
        shifted_frames(background_image(3), pan_motions(3)),
        shifted_frames(background_image(4), pan_motions(3)),
    )
    if other == "no texture":
        second = np.full_like(second, 90)
    camera = CameraMotion.from_frames(np.concatenate([first, second]))
    assert camera.shots[2] == camera.shots[0]
    assert camera.shots[3] != camera.shots[2]
    assert camera.between(1, 4) is None


def test_the_number_of_threads_does_not_change_the_result():
    frames = shifted_frames(background_image(5), pan_motions(6))
    np.testing.assert_array_equal(
        CameraMotion.from_frames(frames, threads=2).motions, CameraMotion.from_frames(frames).motions
    )


def test_an_estimate_beyond_the_largest_zoom_is_rejected():
    centre = np.array([[1.0, 0, -100], [0, 1, -100], [0, 0, 1]])
    zoomed = np.diag([1.15, 1.15, 1.0]) @ centre
    source, target = shifted_frames(background_image(6), [centre, zoomed])[..., 0]
    assert MotionEstimator(max_zoom=1.3).estimate(source, target)[0, 0] == pytest.approx(1.15, abs=0.02)
    assert MotionEstimator(max_zoom=1.1).estimate(source, target) is None
