"""Splashes: water flies in free fall with drag, and larger splashes have more of it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.filming.camera import orientation
from fineparser.simulator.flight.splash import (
    TRACK_STEP,
    Boil,
    Droplets,
    Splash,
    draw_droplets,
    entry_speed,
    surface_crossings,
)
from fineparser.simulator.plan import DiveRequest, plan_dive

WHITE = (255, 255, 255)


def views(instants=1, size=(160, 160)):
    return CameraViews(
        rotation=np.repeat(orientation(np.pi / 2, -0.25), instants, axis=0),
        focal=np.full(instants, 400.0),
        position=np.array([0.0, -10.0, 3.0]),
        principal_point=(size[0] / 2, size[1] / 2),
        size=size,
        counts=np.ones(instants, int),
    )


def thrown(velocity, count=5, **changes):
    fields = {
        "birth": np.zeros(count),
        "position": np.zeros((count, 3)),
        "velocity": np.tile(np.asarray(velocity, float), (count, 1)),
        "radius": np.full(count, 0.05),
        "density": np.full(count, 1.0),
        "life": np.full(count, 5.0),
        "jitter": np.zeros(count),
    }
    return Droplets(**(fields | changes))


def test_droplets_rise_and_fall_back():
    position, density = thrown((0, 0, 4.0)).at([-0.1, 0.05, 0.2, 2.0], 0.0)
    assert density[:, 0].tolist() == [0, pytest.approx(1, abs=0.01), pytest.approx(1, abs=0.03), 0]
    # Air slows them a little: not quite the parabola.
    assert 0.85 * (4 * 0.2 - 9.81 / 2 * 0.04) < position[2, 0, 2] < 4 * 0.2 - 9.81 / 2 * 0.04


def test_droplets_are_rendered_at_their_position():
    cloud = draw_droplets(thrown((0, 0, 3.0)), np.array([0.2]), 0.0, views(), np.array([0]), WHITE)[0]
    left, top, colour, alpha = cloud
    row, column = np.unravel_index(alpha.argmax(), alpha.shape)
    position, _ = thrown((0, 0, 3.0)).at([0.2], 0.0)
    pixel = views().to_pixels(position[0, 0], 0)
    assert (left + column + 0.5, top + row + 0.5) == pytest.approx(tuple(pixel), abs=1.0)
    assert (colour <= 255 * alpha[..., None] + 1e-3).all()


def test_nothing_flies_before_the_entry():
    splash = Splash.sample(np.random.default_rng(0), 1.5, [(1.0, 0.0)], 0.5, 12.0)
    assert splash.foam(views(), 0, 1.49, WHITE) is None
    assert draw_droplets(splash.droplets, np.array([1.4]), 0.0, views(), np.array([0]), WHITE) == [None]


def covered(size, seed, after=0.5, speed=12.0):
    splash = Splash.sample(np.random.default_rng(seed), 0.0, [(0.0, 0.0)], size, speed)
    cloud = draw_droplets(splash.droplets, np.array([after]), 0.01, views(), np.array([0]), WHITE)[0]
    return 0 if cloud is None else cloud[3].sum()


def test_larger_splashes_throw_up_more_water():
    areas = [np.mean([covered(size, seed) for seed in range(4)]) for size in (0.0, 0.5, 1.0)]
    assert 1.5 * areas[0] < areas[1] < areas[2] / 1.2


def test_a_faster_body_throws_up_more_water():
    slow, fast = (np.mean([covered(0.05, seed, 0.3, speed) for seed in range(6)]) for speed in (5.5, 14.0))
    assert fast > 1.3 * slow


def test_the_water_of_a_rip_entry_is_no_large_splash():
    assert max(covered(0.0, seed, speed=14.0) for seed in range(6)) < min(
        covered(0.9, seed, speed=9.0) for seed in range(6)
    )


def test_a_boil_rises_after_the_body_and_fades():
    boil = Boil(start=0.4, radius=0.7, white=0.8, fade=1.0)
    strengths, radii = zip(*(boil.at(age) for age in (0.3, 0.5, 0.8, 3.0)), strict=True)
    assert strengths[0] == radii[0] == 0
    assert 0 < strengths[1] < strengths[2] <= 0.8
    assert strengths[3] < 0.3 * strengths[2]
    assert 0 < radii[1] < radii[2] < radii[3] < 1.1


def test_the_boil_is_visible_after_the_foam_of_a_rip_entry_is_gone():
    rip = Splash.sample(np.random.default_rng(1), 0.0, [(0.0, 0.0)], 0.0, 14.0)
    white, clear = (replace(rip, boil=Boil(0.4, 0.7, share, 1.0)) for share in (1.0, 0.0))
    early, late = ([splash.foam(views(), 0, age, WHITE)[3].sum() for splash in (white, clear)] for age in (0.3, 1.2))
    assert early[0] == early[1]
    assert late[0] > 2 * late[1]


def test_the_density_of_a_splash_does_not_depend_on_the_number_of_parcels():
    coarse, fine = (
        np.mean(
            [
                draw_droplets(
                    Splash.sample(np.random.default_rng(seed), 0.0, [(0.0, 0.0)], 0.6, 12.0, parcels).droplets,
                    np.array([0.4]),
                    0.01,
                    views(),
                    np.array([0]),
                    WHITE,
                )[0][3].sum()
                for seed in range(4)
            ]
        )
        for parcels in (500, 2000)
    )
    assert fine == pytest.approx(coarse, rel=0.5)


def test_foam_spreads_and_then_dies():
    splash = Splash.sample(np.random.default_rng(3), 0.0, [(0.0, 0.0)], 0.6, 12.0)
    strength = [splash.foam(views(), 0, age, WHITE)[3].sum() for age in (0.05, 0.4, 4.0)]
    assert strength[0] < strength[1]
    assert strength[2] < 0.5 * strength[1]


class SlantingDrop:
    """A straight body that falls at 8 m/s, leaning 1 m to the right from hands to feet over 2 m."""

    entry_time = 1.0
    entry_position = (0.5, 0.0)

    def at(self, times):
        share = np.zeros(20)
        share[[10, 11]] = 0
        share[[8, 9, 6, 7, 3, 4, 5, 2, 1, 0, 12, 13, 14, 15, 16, 17, 18, 19]] = np.linspace(0.05, 1, 18)
        joints = np.zeros((len(times), 20, 3))
        joints[..., 0] = 0.5 + share
        joints[..., 2] = 2 * share - 8 * (np.asarray(times)[:, None] - 1.0)
        return SimpleNamespace(joints=joints)


def test_surface_crossings_of_a_slanting_body():
    track = surface_crossings(SlantingDrop())
    assert track[0] == pytest.approx([0.5, 0])
    # After 0.2 s the point 1.6 m up the body is at the surface: 0.8 m to the right of the hands.
    assert track[round(0.2 / TRACK_STEP)] == pytest.approx([1.3, 0], abs=0.1)
    assert (track[-1] == track[-2]).all()


def test_water_leaves_where_the_body_passes():
    track = np.stack([np.linspace(0, 1, 21), np.zeros(21)], -1)
    droplets = Splash.sample(np.random.default_rng(0), 0.0, track, 0.3, 8.0).droplets
    early, late = droplets.birth < 0.05, droplets.birth > 0.25
    assert droplets.position[late, 0].mean() > droplets.position[early, 0].mean() + 0.4


def test_the_speed_at_the_touch_is_that_of_the_fall():
    for code, height, expected in (("101B", 1.0, 6.2), ("107B", 10.0, 14.2)):
        plan = plan_dive(3, DiveRequest(code=DiveCode.parse(code), height=height))
        assert entry_speed(plan.motions[0]) == pytest.approx(expected, rel=0.08)
