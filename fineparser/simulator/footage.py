"""Filming a planned dive: where the camera stands, what it films, at which size."""

import math
from dataclasses import dataclass, replace

import numpy as np

from fineparser.simulator.camera import Camera, film, orientation
from fineparser.simulator.layers import draw_layers
from fineparser.simulator.posture import posture
from fineparser.simulator.render import Film, Performer, render
from fineparser.simulator.scene import build_scene, panorama_camera
from fineparser.simulator.sensor import Sensor
from fineparser.simulator.skin import Paint
from fineparser.simulator.splash import Splash, crossings, drips, touch_speed
from fineparser.simulator.water import Water

WINDOW = 112
PICTURE_WIDTH = 200  # of a picture of 112 lines, as the published loader makes it (16:9 rounded)
CAMERA_ATTEMPTS = 12


@dataclass(frozen=True)
class Style:
    """How a dive is filmed."""

    shutter: float
    """Exposure time in seconds."""
    camera: str
    """Kind of camera: "broadcast", "static" or "handheld"."""
    stretch: float
    """Width of the recorded picture over what square pixels would give (16:9 squashed to 4:3 and the like)."""
    key: float
    """How much brighter than the scenery the divers are."""
    zoom: float
    """1, or how many times closer than usual the camera is."""
    aside: float
    """How far the operator keeps the divers off the middle of the picture, as a share of its width."""
    close_up: bool
    """The camera holds the face and shoulders of the waiting diver instead of following the dive."""
    window_place: float
    """Where the window lies in the picture's width, 0-1 (the published loader: random in training, else 0.5)."""
    seeds: tuple[int, int, int, int]
    """Of camera, scene, water and splash, recording: the same dive looks alike at every size."""


def shoot(bodies, motions, sides, board, times, style, *, lines, width, frames):
    """Draw frames of a dive.

    Args:
        bodies, motions: one or two divers.
        sides: y of each diver's line in metres.
        board: (height in metres, whether it is a springboard).
        times: [N] seconds of the dive at the frames of the source clip.
        style: `Style`.
        lines: lines of the picture.
        width: None gives the window of the 16:9 picture that the published loader cuts (112 wide at 112 lines,
            square at other sizes); "full" the whole picture; a number the middle that many pixels.
        frames: [F] numbers of the source frames to draw, rising.

    Returns:
        frames uint8 [F, lines, W, 3], masks bool [F, lines, W].
    """
    take = _take(motions, board, times, style, lines=lines, width=width, frames=frames)
    height, springboard = board
    partner = sides[1] if len(sides) == 2 else None
    scene = build_scene(np.random.default_rng(style.seeds[1]), take.camera, height, springboard, partner=partner)
    performers, surface = _performed(bodies, motions, sides, style, lines)
    recording = Film(shutter=style.shutter, sensor=take.sensor, key=style.key, **surface)
    pictures, masks = render(
        scene, take.camera, performers, recording, take.times, take.frames, size=(take.wide, lines)
    )
    if take.sensor.combed:
        return Sensor.weave(pictures[::2], pictures[1::2]), masks[::2]
    return pictures, masks


def watch(motions, board, times, style, *, lines, width, frames):
    """What `shoot` shows of the first diver in the same picture, in numbers: [F, 28], see `posture`."""
    take = _take(motions, board, times, style, lines=lines, width=width, frames=frames)
    rows = take.frames[::2] if take.sensor.combed else take.frames
    return posture(motions, take.times[rows], take.camera, rows, take.wide / take.camera.width)


def divide(bodies, motions, sides, board, times, style, *, lines, width, frames):
    """What `shoot` shows in the same picture, layer by layer: uint8 [F, lines, W, 3], see
    `fineparser.simulator.layers`."""
    take = _take(motions, board, times, style, lines=lines, width=width, frames=frames)
    rows = take.frames[::2] if take.sensor.combed else take.frames
    performers, _ = _performed(bodies, motions, sides, style, lines)
    return draw_layers(take.camera, performers, style.shutter, take.times, rows, size=(take.wide, lines))


def _performed(bodies, motions, sides, style, lines):
    """The divers with their water, and what the pool's surface is like: "water", "mirror" and "shadow" of `Film`."""
    rng = np.random.default_rng(style.seeds[2])
    surface = {
        "water": Water.sample(rng),
        "mirror": float(rng.uniform(0, 0.35)),
        "shadow": float(rng.uniform(0, 0.7)),
    }
    parcels = int(460 * (lines / WINDOW) ** 1.5)
    performers = [
        Performer(
            body=body,
            # Partners are painted from the same seed: their suits match.
            paint=Paint.sample(np.random.default_rng([style.seeds[2], 1]), body),
            motion=motion,
            splash=Splash.sample(
                rng, motion.entry_time, crossings(motion), motion.splash_size, touch_speed(motion), parcels
            ),
            drips=drips(rng, motion, lines),
            side=side,
        )
        for body, motion, side in zip(bodies, motions, sides, strict=True)
    ]
    return performers, surface


@dataclass(frozen=True)
class _Take:
    """One shot, set up."""

    sensor: Sensor
    times: np.ndarray
    """[N] seconds of the dive at the camera's frames: twice as many as the clip has where it is combed."""
    frames: np.ndarray
    """Which of them are drawn."""
    camera: Camera
    wide: int
    """Width of the picture that is drawn."""


def _take(motions, board, times, style, *, lines, width, frames):
    """Sets up what `shoot` is asked for."""
    left, wide, whole = _window(lines, width, style.window_place)
    sensor = Sensor.sample(np.random.default_rng(style.seeds[3]))
    if sensor.combed:  # every frame is two fields, half a frame apart
        count = len(times)
        times = np.interp(np.arange(2 * count - 1) / 2, np.arange(count), times)
        frames = np.minimum(np.stack([2 * frames, 2 * frames + 1], 1).ravel(), 2 * count - 2)
    # A closer camera is a window of a larger picture.
    tall = round(lines * style.zoom)
    seen, shown = round(whole * style.zoom / style.stretch), max(round(wide / style.stretch), 8)
    window = ((left + (whole * style.zoom - whole) / 2) / style.stretch, (tall - lines) / 2, shown, lines)
    target = np.mean([motion.at(times).centre_of_mass for motion in motions], axis=0)
    camera = _set_up(style, times, target, board[0], seen, tall, window)
    return _Take(sensor, times, frames, camera, wide)


def _window(lines, width, place):
    """Left edge and width of what is wanted, and the width of the whole picture, in pixels."""
    whole = round(lines * PICTURE_WIDTH / WINDOW)
    if width == "full":
        return 0, whole, whole
    if width is None:
        return round(place * (whole - lines)), lines, whole
    if isinstance(width, str) or not 8 <= width <= whole:
        raise ValueError(f'width is {width!r}; give None, "full" or 8 to {whole} pixels for {lines} lines')
    return (whole - width) // 2, width, whole


def _set_up(style, times, target, height, width, lines, window):
    """The camera; one that would have to turn too far is set up anew somewhere else."""
    for attempt in range(CAMERA_ATTEMPTS):
        rng = np.random.default_rng([style.seeds[0], attempt])
        camera = film(rng, times, target, height, width=width, lines=lines, kind=style.camera, window=window)
        if style.close_up:
            camera = _close_up(rng, camera, target)
        else:
            across, down = camera.principal_point
            camera = replace(camera, principal_point=(across + style.aside * camera.width, down))
        try:
            panorama_camera(camera)
        except ValueError:
            continue
        return camera
    raise RuntimeError(f"no camera found in {CAMERA_ATTEMPTS} attempts for the dive from {height:g} m")


def _close_up(rng, camera, target):
    """The same stand with a long lens on the waiting diver's chest and face."""
    looking = target[0] + np.array([0, 0, rng.uniform(0.3, 0.55)]) - camera.position
    distance = float(np.linalg.norm(looking))
    shown = rng.uniform(0.8, 1.6)
    pan = math.atan2(looking[1], looking[0])
    tilt = math.asin(looking[2] / distance)
    count = len(camera.focal)
    middle = (camera.width / 2, camera.height / 2)
    return replace(
        camera,
        rotation=np.repeat(orientation(pan, tilt), count, axis=0),
        focal=np.full(count, camera.height * distance / shown),
        principal_point=middle,
    )
