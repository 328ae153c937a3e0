"""Whole venues: size, coverage, water, layers, determinism."""

import numpy as np
import pytest

from fineparser.simulator.filming.camera import Camera, ImageCrop, ImageFormat, follow_diver, orientation
from fineparser.simulator.venue.scene import build_scene, panorama_camera

MIDDLE_CROP = ImageCrop(left=44, top=0, width=112, height=112)


def follow_fall(seed, height=10.0, kind=None, crop=MIDDLE_CROP, frames=24):
    """A camera that follows a free fall from `height`, and the generator it was drawn from."""
    rng = np.random.default_rng(seed)
    flight = 0.3 + np.sqrt(2 * (height + 1.5) / 9.81)
    times = np.linspace(-0.5, flight + 0.5, frames)
    aloft = np.clip(times, 0, flight)
    centre = np.stack([aloft, 0 * aloft, height + 1 + 3 * aloft - 4.905 * aloft**2], -1)
    return follow_diver(rng, times, centre, height, ImageFormat(width=200, height=112, crop=crop), kind), rng


def scene_of(seed, height=10.0, springboard=False, **options):
    camera, rng = follow_fall(seed, height)
    return camera, build_scene(rng, camera, height, springboard, **options)


def corners_in(camera, reference):
    """Frame corners [T, 4, 2] in pixels of the reference image."""
    corners = np.array([[0, 0, 1], [camera.width, 0, 1], [camera.width, camera.height, 1], [0, camera.height, 1]])
    back = np.linalg.inv(camera.homography(reference))
    mapped = np.einsum("tij,nj->tni", back, corners.astype(float))
    assert (mapped[..., 2] > 0).all()
    return mapped[..., :2] / mapped[..., 2:]


@pytest.mark.parametrize("seed", range(30))
def test_panorama_holds_every_frame(seed):
    camera, _ = follow_fall(seed, (1.0, 3.0, 5.0, 7.5, 10.0)[seed % 5], crop=None if seed % 2 else MIDDLE_CROP)
    reference = panorama_camera(camera, 1.0)
    in_camera = corners_in(camera, reference)
    assert (in_camera >= 0).all()
    assert (in_camera <= [reference.width, reference.height]).all()
    np.testing.assert_array_equal(reference.position, camera.position)


def test_resolution_follows_the_scale():
    camera, _ = follow_fall(3)
    single, double = panorama_camera(camera, 1.0), panorama_camera(camera, 2.0)
    assert double.focal[0] == pytest.approx(2 * single.focal[0])
    assert single.focal[0] == pytest.approx(np.median(camera.focal))
    assert double.width == pytest.approx(2 * single.width, abs=20)


def test_a_camera_that_turns_too_far_is_refused():
    camera = Camera(np.zeros(3), orientation([0.0, 2.0], [0.0, 0.0]), np.array([100.0, 100.0]), (50.0, 50.0), 100, 100)
    with pytest.raises(ValueError, match="more than one flat panorama"):
        panorama_camera(camera, 1.0)


@pytest.mark.parametrize(
    ("seed", "height", "springboard"), [(0, 10.0, False), (1, 3.0, True), (2, 1.0, True), (5, 5.0, False)]
)
def test_layers_fit_together(seed, height, springboard):
    camera, scene = scene_of(seed, height, springboard)
    size = (scene.reference.height, scene.reference.width)
    assert scene.background.shape == (*size, 3)
    assert scene.background.dtype == np.uint8
    assert scene.water.shape == size
    assert scene.water.dtype == np.float32
    assert 0 <= scene.water.min() <= scene.water.max() <= 1
    if scene.foreground is not None:
        assert scene.foreground.shape == (*size, 4)
        assert (scene.foreground[..., :3] <= scene.foreground[..., 3:]).all()  # premultiplied
    if scene.graphics is not None:
        assert scene.graphics.shape == (camera.height, camera.width, 4)
    assert scene.board.height == height
    assert scene.board.kind == ("springboard" if springboard else "platform")
    assert np.linalg.norm(scene.light.direction) == pytest.approx(1)
    assert scene.background.std() > 5  # not an empty image


def test_same_seed_same_bytes_and_another_seed_another_scene():
    _, one = scene_of(11)
    _, same = scene_of(11)
    assert one.background.tobytes() == same.background.tobytes()
    assert one.water.tobytes() == same.water.tobytes()
    assert (one.foreground is None) == (same.foreground is None)
    if one.foreground is not None:
        assert one.foreground.tobytes() == same.foreground.tobytes()
    _, other = scene_of(12)
    assert one.background.shape != other.background.shape or (one.background != other.background).any()


def test_water_map_lies_where_the_water_is():
    """Where the map says water the line of sight meets z = 0 within a pool; above the horizon there is none."""
    found = 0
    for seed in range(6):
        _, scene = scene_of(seed)
        reference, wet = scene.reference, scene.water > 0.9
        if not wet.any():
            continue
        rows, columns = np.nonzero(wet)
        rays = reference.rays(np.stack([columns + 0.5, rows + 0.5], -1))
        assert (rays[:, 2] < 0).all()
        place = reference.position[:2] + rays[:, :2] * (-reference.position[2] / rays[:, 2])[:, None]
        assert place[:, 0].min() > -2.5  # the pool ends behind the board
        assert place[:, 0].max() < 33
        assert np.abs(place[:, 1]).max() < 16.5
        found += 1
    assert found >= 4


def test_the_diver_enters_open_water_in_most_scenes():
    wet = []
    for seed in range(12):
        _, scene = scene_of(seed)
        pixels, _ = scene.reference.project(np.array([[[1.8, 0.0, 0.0]]]))
        column, row = np.floor(pixels[0, 0]).astype(int)
        wet.append(scene.water[row, column] > 0.5)
    assert np.mean(wet) > 0.75


def test_foregrounds_and_graphics_come_and_go():
    scenes = [scene_of(seed, 3.0, True)[1] for seed in range(24)]
    fronts = np.array([s.foreground is not None and bool((s.foreground[..., 3] > 128).any()) for s in scenes])
    captions = np.array([s.graphics is not None for s in scenes])
    assert fronts.any()
    assert captions.any()
    assert not captions.all()


def test_foreground_rarely_covers_much():
    covers = []
    for seed in range(24):
        scene = scene_of(seed)[1]
        covers.append(0.0 if scene.foreground is None else (scene.foreground[..., 3] > 128).mean())
    assert np.median(covers) < 0.06
    assert np.mean(np.array(covers) > 0.3) < 0.1


def test_a_partner_gets_room():
    _, scene = scene_of(4, 10.0, False, partner=1.5)
    edges = scene.board.upper_edges()
    assert edges[-1, 0, 1] < -0.5
    assert edges[-1, 1, 1] > 2.0
    _, spring = scene_of(4, 3.0, True, partner=-2.2)
    assert spring.board.partner == -2.2
