"""A camera that stands still: projection, panorama maps, and following a dive."""

import numpy as np
import pytest

from fineparser.simulator.filming.camera import (
    Camera,
    ImageCrop,
    ImageFormat,
    Operator,
    Zoom,
    follow_diver,
    hand_shake,
    orientation,
    track_angles,
)

IMAGE = ImageFormat(width=200, height=112)


def plunge(rng, height, frames=96):
    """Times and centre of mass of a body that stands, jumps and falls freely into the water."""
    speed = rng.uniform(2.5, 5.0)
    flight = (speed + np.sqrt(speed**2 + 2 * 9.81 * (height + 0.6))) / 9.81
    times = np.linspace(-rng.uniform(0.5, 2.0), flight + 0.7, frames)
    aloft = np.clip(times, 0, flight)
    centre = np.stack([aloft, 0 * aloft, height + 1 + speed * aloft - 4.905 * aloft**2], -1)
    centre[:, 2] -= 1.5 * np.clip(times - flight, 0, 0.4)
    return times, centre


def still(pan=0.3, tilt=-0.2, roll=0.1, focal=200.0):
    return Camera(np.array([1.0, -12.0, 4.0]), orientation(pan, tilt, roll), np.array([focal]), (100.0, 56.0), 200, 112)


def test_orientation_is_a_rotation_with_axes_right_down_forward():
    level = orientation(0.0, 0.0)[0]
    np.testing.assert_allclose(level @ [1, 0, 0], [0, 0, 1], atol=1e-12)  # looks along +x
    np.testing.assert_allclose(level @ [0, 1, 0], [-1, 0, 0], atol=1e-12)  # +y is to the left
    np.testing.assert_allclose(level @ [0, 0, 1], [0, -1, 0], atol=1e-12)  # up is up
    turned = orientation([0.4, 2.0], [0.3, -1.0], [0.1, -0.2])
    np.testing.assert_allclose(turned @ turned.transpose(0, 2, 1), np.tile(np.eye(3), (2, 1, 1)), atol=1e-12)
    np.testing.assert_allclose(np.linalg.det(turned), 1.0)


def test_projection_by_hand():
    camera = Camera(np.array([0.0, -10.0, 2.0]), orientation(np.pi / 2, 0.0), np.array([100.0]), (50.0, 40.0), 100, 80)
    pixels, depth = camera.project(np.array([[[0.0, 0.0, 2.0], [1.0, 0.0, 2.0], [0.0, 10.0, 4.0]]]))
    np.testing.assert_allclose(depth, [[10, 10, 20]])
    np.testing.assert_allclose(pixels, [[[50, 40], [60, 40], [50, 30]]], atol=1e-9)


def test_rays_undo_the_projection():
    camera = still()
    pixels = np.array([[3.0, 7.0], [150.0, 100.0], [100.0, 56.0]])
    far = camera.position + 37.0 * camera.rays(pixels)
    np.testing.assert_allclose(camera.project(far[None])[0][0], pixels, atol=1e-9)


def test_homography_agrees_with_projecting_any_point_again():
    rng = np.random.default_rng(1)
    times, centre = plunge(rng, 10)
    camera = follow_diver(rng, times, centre, 10, IMAGE, "handheld")
    middle = camera.rotation[40]
    reference = Camera(camera.position, middle[None], np.array([333.0]), (17.0, 250.0), 400, 500)
    directions = camera.rays(np.array([[10.0, 20.0], [190.0, 100.0], [99.0, 5.0]]), frame=40)
    for distance in (3.0, 1e6):
        points = camera.position + distance * directions
        seen, _ = camera.project(points[None])
        flat, _ = reference.project(points[None])
        homogeneous = np.concatenate([flat[0], np.ones((3, 1))], -1)
        mapped = np.einsum("tij,nj->tni", camera.homography(reference), homogeneous)
        np.testing.assert_allclose(mapped[..., :2] / mapped[..., 2:], seen, atol=1e-5)


@pytest.mark.parametrize("kind", ["broadcast", "handheld", "static"])
@pytest.mark.parametrize("crop", [None, ImageCrop(left=44, top=0, width=112, height=112)])
def test_the_diver_stays_in_the_picture(kind, crop):
    kept = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        height = (1, 3, 5, 7.5, 10)[seed % 5]
        times, centre = plunge(rng, height)
        camera = follow_diver(rng, times, centre, height, ImageFormat(width=200, height=112, crop=crop), kind)
        assert (camera.width, camera.height) == ((200, 112) if crop is None else (112, 112))
        pixels, depth = camera.project(np.maximum(centre, [-99, -99, 0])[:, None])
        inside = (pixels >= 0).all(-1) & (pixels < [camera.width, camera.height]).all(-1) & (depth > 0)
        kept.append(inside.mean())
    assert min(kept) >= 0.9


def test_divers_are_drawn_at_the_sizes_of_real_footage():
    sizes = {"broadcast": [], "static": []}
    for kind, found in sizes.items():
        for seed in range(60):
            rng = np.random.default_rng(seed)
            times, centre = plunge(rng, 10)
            camera = follow_diver(rng, times, centre, 10, IMAGE, kind)
            ends = np.array([[0, 0, 10.0], [0, 0, 11.7]])
            pixels, _ = camera.project(np.tile(ends, (96, 1, 1)))
            found.append(np.linalg.norm(pixels[0, 1] - pixels[0, 0]) / 112)
    assert 0.3 < np.median(sizes["broadcast"]) < 0.5
    assert np.max(sizes["static"]) < 0.25 < np.percentile(sizes["broadcast"], 90)


def test_a_window_is_the_same_view_with_its_axis_moved():
    rng = np.random.default_rng(0)
    times, centre = plunge(rng, 3)
    camera = follow_diver(
        rng, times, centre, 3, ImageFormat(width=200, height=112, crop=ImageCrop(left=30, top=0, width=112, height=112))
    )
    assert camera.principal_point == (70.0, 56.0)


def test_static_cameras_stand_still_and_handheld_ones_shake():
    rng = np.random.default_rng(5)
    times, centre = plunge(rng, 3)
    static = follow_diver(rng, times, centre, 3, IMAGE, "static")
    assert np.ptp(static.rotation, axis=0).max() == 0
    assert np.ptp(static.focal) == 0
    hand = follow_diver(rng, times, centre, 3, IMAGE, "handheld")
    waiting = times < -0.2
    assert np.ptp(hand.rotation[waiting], axis=0).max() > 1e-4


def test_broadcast_camera_holds_in_the_stance_and_tilts_in_the_fall():
    rng = np.random.default_rng(2)
    times, centre = plunge(rng, 10)
    camera = follow_diver(rng, times, centre, 10, IMAGE, "broadcast")
    tilt = np.arcsin(camera.rotation[:, 2, 2])
    assert np.ptp(tilt[times < -0.1]) < 1e-6
    assert tilt[0] - tilt[-1] > np.radians(5)


def test_same_seed_same_camera():
    times, centre = plunge(np.random.default_rng(0), 10)
    one, other = (follow_diver(np.random.default_rng(7), times, centre, 10, IMAGE) for _ in range(2))
    assert one.rotation.tobytes() == other.rotation.tobytes()
    assert one.focal.tobytes() == other.focal.tobytes()
    third = follow_diver(np.random.default_rng(8), times, centre, 10, IMAGE)
    assert third.position.tobytes() != one.position.tobytes()


def test_all_kinds_are_drawn():
    times, centre = plunge(np.random.default_rng(0), 3)
    kinds = {follow_diver(np.random.default_rng(s), times, centre, 3, IMAGE).kind for s in range(40)}
    assert kinds == {"broadcast", "static", "handheld"}


def test_wrong_input_is_refused():
    times, centre = plunge(np.random.default_rng(0), 3)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="'drone' is unknown"):
        follow_diver(rng, times, centre, 3, IMAGE, "drone")
    with pytest.raises(ValueError, match="96 times need"):
        follow_diver(rng, times, centre[:5], 3, IMAGE)
    with pytest.raises(ValueError, match="2 focal lengths"):
        Camera(np.zeros(3), orientation(0.0, 0.0), np.ones(2), (0.0, 0.0), 10, 10)


def operator(**changes):
    settings = {"stiffness": 10.0, "damping": 0.9, "dead_zone": 0.0, "lag": 0.0, "zooms": (), "drift": 0.0}
    return Operator(**{**settings, **changes})


def test_small_motion_within_the_dead_zone_is_not_followed():
    times = np.linspace(0, 3, 90)
    target = 0.02 * np.sin(times)
    held = track_angles(operator(dead_zone=0.1), times, target, field=0.3)
    assert np.ptp(held) == 0
    assert np.ptp(track_angles(operator(), times, target, field=0.3)) > 0.01


@pytest.mark.parametrize("lag", [0.1, 0.25])
def test_steady_motion_is_followed_with_the_given_lag(lag):
    times = np.linspace(0, 4, 240)
    target = 1.5 * times
    angles = track_angles(operator(lag=lag), times, target, field=0.5)
    np.testing.assert_allclose(target[-60:-5] - angles[-60:-5], lag * 0.5, atol=0.01)


def test_light_damping_overshoots_when_the_target_stops():
    times = np.linspace(0, 4, 240)
    target = np.minimum(times, 1.5)
    free = track_angles(operator(damping=0.5, lag=0.2), times, target, field=0.4)
    assert free.max() > 1.51
    np.testing.assert_allclose(free[-1], 1.5, atol=0.02)


def test_lag_is_in_seconds_so_slow_motion_lags_more_frames():
    fine = np.linspace(0, 2, 400)
    coarse = fine[::8]
    settled = track_angles(operator(lag=0.2), fine, 0.5 * fine, 0.4)[::8]
    np.testing.assert_allclose(track_angles(operator(lag=0.2), coarse, 0.5 * coarse, 0.4), settled, atol=0.01)


def test_zoom_is_smooth_and_only_when_asked_for():
    times = np.linspace(-1, 2, 300)
    steady = operator().zoom(times, 1.5)
    assert np.ptp(steady) == 0
    step = operator(zooms=(Zoom(delay=0.0, event="entry", duration=0.3, factor=1.3),)).zoom(times, 1.5)
    assert step[0] == 1
    np.testing.assert_allclose(step[-1], 1.3)
    assert np.abs(np.diff(step)).max() < 0.03
    assert step[times < 1.5].max() == 1


def test_shake_has_no_drift_and_the_strength_asked_for():
    times = np.linspace(0, 60, 6000)
    unrest = hand_shake(np.random.default_rng(0), times, 0.01)
    assert abs(unrest.mean()) < 1e-3
    assert 0.001 < unrest.std() < 0.03
    spectrum = np.abs(np.fft.rfft(unrest))
    frequency = np.fft.rfftfreq(len(times), 0.01)
    assert 0.4 < frequency[spectrum.argmax()] < 3.2
