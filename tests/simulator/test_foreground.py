"""Near things before the diver."""

import numpy as np

from fineparser.simulator.camera import Camera, orientation
from fineparser.simulator.canvas import Canvas
from fineparser.simulator.foreground import paint_foreground
from fineparser.simulator.site import Light, Site


def paint(seed, kind):
    rng = np.random.default_rng(seed)
    camera = Camera(np.zeros(3), orientation(0.0, 0.0), np.array([400.0]), (80.0, 120.0), 160, 240)
    canvas = Canvas(camera, Light(np.array([0.0, 0.0, 1.0]), 0.5, (1.0, 1.0, 1.0), 1.0))
    paint_foreground(canvas, rng, Site.sample(rng, 10.0), kind, body_pixels=40)
    return canvas


def test_some_clips_have_one_and_amateurs_more_often():
    shares = {
        kind: np.mean([paint(seed, kind).front_used for seed in range(200)]) for kind in ("broadcast", "handheld")
    }
    assert 0.1 < shares["broadcast"] < shares["handheld"] < 0.55


def test_layers_are_valid_and_mostly_thin():
    covers = []
    for seed in range(120):
        canvas = paint(seed, "handheld")
        if canvas.front_used:
            assert (canvas.front[..., :3].astype(int) <= canvas.front[..., 3:].astype(int) + 1).all()
            covers.append((canvas.front[..., 3] > 60).mean())
    assert np.median(covers) < 0.15
    assert not canvas.colour.any()
