"""Near things before the diver."""

import numpy as np

from fineparser.simulator.filming.camera import Camera, orientation
from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.foreground import paint_foreground
from fineparser.simulator.venue.venue import Light, Venue


def paint(seed, camera_kind):
    rng = np.random.default_rng(seed)
    camera = Camera(np.zeros(3), orientation(0.0, 0.0), np.array([400.0]), (80.0, 120.0), 160, 240)
    canvas = Canvas(camera, Light(np.array([0.0, 0.0, 1.0]), 0.5, (1.0, 1.0, 1.0), 1.0))
    paint_foreground(canvas, rng, Venue.sample(rng, 10.0), camera_kind, body_pixels=40)
    return canvas


def test_some_clips_have_one_and_amateurs_more_often():
    shares = {
        camera_kind: np.mean([paint(seed, camera_kind).foreground_used for seed in range(200)])
        for camera_kind in ("broadcast", "handheld")
    }
    assert 0.1 < shares["broadcast"] < shares["handheld"] < 0.55


def test_layers_are_valid_and_mostly_thin():
    covers = []
    for seed in range(120):
        canvas = paint(seed, "handheld")
        if canvas.foreground_used:
            assert (canvas.foreground[..., :3].astype(int) <= canvas.foreground[..., 3:].astype(int) + 1).all()
            covers.append((canvas.foreground[..., 3] > 60).mean())
    assert np.median(covers) < 0.15
    assert not canvas.colour.any()
