"""People who do not dive."""

import numpy as np
import pytest

from fineparser.simulator.filming.camera import Camera, orientation
from fineparser.simulator.venue.bystanders import POSES, build_bystander, sample_outfit
from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.venue import Light

THEME = ((30.0, 60.0, 160.0),)


@pytest.mark.parametrize("pose", POSES)
def test_feet_stand_on_the_ground_and_heads_are_on_top(pose):
    rng = np.random.default_rng(0)
    person = build_bystander(rng, (2.0, 3.0, 0.4), 1.0, sample_outfit(rng, THEME, "dressed"), pose, stature=1.75)
    lowest = min((person.starts[:, 2]).min(), (person.ends[:, 2]).min())
    highest = max((person.starts[:, 2] + person.radii[:, 0]).max(), (person.ends[:, 2] + person.radii[:, 1]).max())
    assert lowest >= 0.4
    if pose == "standing":
        assert highest - 0.4 == pytest.approx(1.8, abs=0.06)
    centre = (person.starts[:, :2].mean(0) + person.ends[:, :2].mean(0)) / 2
    assert np.linalg.norm(centre - [2, 3]) < 0.4


def test_taller_people_are_drawn_taller():
    rng = np.random.default_rng(0)
    colours = sample_outfit(rng, THEME, "official")
    short = build_bystander(np.random.default_rng(1), (0, 0, 0), 0, colours, "standing", stature=1.5)
    tall = build_bystander(np.random.default_rng(1), (0, 0, 0), 0, colours, "standing", stature=2.0)
    np.testing.assert_allclose(tall.ends * 1.5, short.ends * 2.0, atol=1e-9)


def test_swimmers_show_skin():
    colours = sample_outfit(np.random.default_rng(2), THEME, "swimwear")
    np.testing.assert_array_equal(colours["legs"], colours["skin"])
    np.testing.assert_array_equal(colours["arms"], colours["skin"])


def test_a_person_is_painted_where_they_stand():
    camera = Camera(np.array([0.0, -10, 1.0]), orientation(np.pi / 2, 0.0), np.array([200.0]), (60.0, 50.0), 120, 100)
    light = Light(np.array([0.0, 0.0, 1.0]), 0.5, (1.0, 1.0, 1.0), 1.0)
    canvas = Canvas(camera, light)
    rng = np.random.default_rng(0)
    build_bystander(rng, (1.0, 0.0, 0.0), 1.0, sample_outfit(rng, THEME, "dressed"), "standing", stature=1.75).paint(
        canvas
    )
    rows, columns = np.nonzero(canvas.colour.any(2))
    assert columns.mean() == pytest.approx(80, abs=4)
    assert np.ptp(rows) == pytest.approx(36, abs=4)  # 1.8 m at 20 pixels a metre
