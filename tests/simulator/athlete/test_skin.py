"""Paint and light on bodies."""

from types import SimpleNamespace

import numpy as np
import pytest

from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.skeleton import Sex
from fineparser.simulator.athlete.skin import BodyPaint, draw_face, shade
from fineparser.simulator.camera_views import CameraViews

VIEWS = CameraViews(
    rotation=np.array([[[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]]),  # looks along +y
    focal=np.array([1000.0]),
    position=np.array([0.0, -10.0, 3.0]),
    principal_point=(50.0, 50.0),
    size=(100, 100),
    counts=np.array([1]),
)


def lit(normal, exposure=1.0, albedo=(120, 90, 70)):
    light = SimpleNamespace(direction=np.array([0, 0, 1.0]), ambient=0.4, colour=(1.0, 1.0, 1.0), exposure=exposure)
    point = np.array([[1.0, 0.0, normal[0], normal[1], *albedo]], dtype=np.float32)
    return shade(
        point,
        column=np.array([50.0]),
        row=np.array([50.0]),
        instant=np.array([0]),
        views=VIEWS,
        scale=np.array([100.0]),
        light=light,
        water_colour=(0, 80, 160),
    )[0]


def test_up_is_bright_and_down_is_dark():
    up, side, down = lit((0, -0.9))[:3], lit((0.5, 0))[:3], lit((0, 0.9))[:3]
    assert (up > side).all()
    assert (side > down).all()
    assert (down > 5).all()


def test_shadows_are_redder_than_light():
    up, down = lit((0, -0.9), albedo=(100, 100, 100))[:3], lit((0, 0.9), albedo=(100, 100, 100))[:3]
    assert down[0] / down[2] > up[0] / up[2]


def test_highlights_are_compressed_instead_of_clipped():
    values = [lit((0, -0.9), exposure)[0] for exposure in (1.0, 1.5, 2.0, 3.0)]
    assert (np.diff(values) > 0).all()
    assert values[-1] < 255


def test_colours_of_the_parts_of_a_body():
    body = Body.sample(np.random.default_rng(2), Sex.FEMALE)
    paint = BodyPaint.sample(np.random.default_rng(0), body)
    count = len(body.parts)
    assert paint.start.shape == paint.end.shape == paint.cap.shape == (count, 3)
    names = [part.name for part in body.parts]
    assert paint.start[names.index("face")] == pytest.approx(np.array(body.colours["skin"]), rel=0.2)
    assert paint.cap[names.index("thigh_l")] == pytest.approx(body.colours["suit"])
    assert paint.blend_depth[names.index("chest")] > paint.blend_depth[names.index("hand_l")]
    again = BodyPaint.sample(np.random.default_rng(0), body)
    assert (again.start == paint.start).all()


def test_the_eyes_are_dark_and_only_in_front():
    colours = np.full((3, 3), 200.0)
    draw_face(
        colours,
        up=np.array([0.048, 0.048, 0.01]),
        side=np.array([0.031, -0.031, 0.0]),
        front=np.array([0.9, -0.9, 0.9]),
    )
    assert colours[0].max() < 90
    assert (colours[1] == 200).all()
    assert colours[2].min() > 150
