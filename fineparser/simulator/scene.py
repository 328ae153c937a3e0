"""A diving venue, painted once per clip as a panorama round the camera's optical centre."""

import math
from dataclasses import dataclass

import numpy as np

from fineparser.simulator.board import Board
from fineparser.simulator.camera import BODY_LENGTH, Camera, orientation
from fineparser.simulator.canvas import Canvas
from fineparser.simulator.decoys import paint_decoys
from fineparser.simulator.foreground import paint_foreground
from fineparser.simulator.graphics import draw_graphics
from fineparser.simulator.pool import paint_pool
from fineparser.simulator.poolside import Poolside
from fineparser.simulator.site import Light, Site
from fineparser.simulator.surroundings import paint_surroundings
from fineparser.simulator.tower import Tower, choose_board

WIDEST = math.radians(54)  # half of the widest field a flat panorama can hold
PIXEL_LIMIT = 6_000_000


@dataclass(frozen=True)
class Scene:
    """Everything around the divers, seen from the camera's place in all directions it turns to.

    Pictures are warped into a frame with `camera.homography(scene.reference)`. That map, like everything here, takes
    pixel centres to lie at integers + 0.5; OpenCV's warps count from pixel centres, so shift by half a pixel.
    """

    background: np.ndarray
    """RGB uint8 [h, w, 3]."""
    foreground: np.ndarray | None
    """RGBA uint8 [h, w, 4] of what passes in front of the divers, colours already multiplied by alpha; or None."""
    reference: Camera
    """The camera of the panorama, one frame."""
    water: np.ndarray
    """float32 [h, w], how much of each pixel is open water, 0..1."""
    light: Light
    board: Board
    graphics: np.ndarray | None
    """RGBA uint8 [lines, width, 4] in picture coordinates (the window's part), straight alpha; or None."""


def panorama_camera(camera, scale=1.0):
    """One-frame camera at the same place whose picture holds every frame of `camera`.

    The picture is level; its resolution is `scale` times that of the camera's middle focal length.

    Raises:
        ValueError: the camera turns through more than a flat picture can hold.
    """
    tall, wide = camera.height, camera.width
    corners = np.array([[0, 0], [wide, 0], [wide, tall], [0, tall]], dtype=float)
    offset = np.concatenate(
        [(corners - camera.principal_point)[None] / camera.focal[:, None, None], np.ones((len(camera.focal), 4, 1))], -1
    )
    looking = np.einsum("tji,tnj->tni", camera.rotation, offset)
    looking /= np.linalg.norm(looking, axis=-1, keepdims=True)
    rise = np.arcsin(looking[..., 2])
    turn = np.arctan2(looking[..., 1], looking[..., 0])
    around = math.atan2(np.sin(turn).mean(), np.cos(turn).mean())
    turn = (turn - around + math.pi) % (2 * math.pi) - math.pi
    pan, tilt = around + (turn.min() + turn.max()) / 2, (rise.min() + rise.max()) / 2
    rotation = orientation(pan, tilt)
    seen = looking @ rotation[0].T
    if seen[..., 2].min() < math.cos(1.4 * WIDEST):
        raise ValueError(
            f"the camera turns through {math.degrees(turn.max() - turn.min()):.0f} x "
            f"{math.degrees(rise.max() - rise.min()):.0f} degrees, more than one flat panorama can hold; "
            "use a camera further away"
        )
    focal = scale * float(np.median(camera.focal))
    plane = focal * seen[..., :2] / seen[..., 2:]
    low, high = plane.min((0, 1)) - 4, plane.max((0, 1)) + 4
    area = float(np.prod(high - low))
    if area > PIXEL_LIMIT:
        shrink = math.sqrt(PIXEL_LIMIT / area)
        focal, low, high = focal * shrink, low * shrink, high * shrink
    size = np.ceil(high - low).astype(int)
    return Camera(
        position=camera.position,
        rotation=rotation,
        focal=np.array([focal]),
        principal_point=(float(-low[0]), float(-low[1])),
        width=int(size[0]),
        height=int(size[1]),
        kind=camera.kind,
    )


def build_scene(rng, camera, height, springboard, scale=1.0, partner=None):
    """Paint a venue for one clip.

    Args:
        rng: numpy Generator; all choices come from it.
        camera: the clip's Camera.
        height: of the board or platform in metres.
        springboard: True for a springboard.
        scale: panorama pixels per frame pixel.
        partner: y of a second diver (synchro): a shared platform is widened, a second springboard is left out of the
            scenery because its blade is drawn per frame.

    Returns:
        Scene.
    """
    reference = panorama_camera(camera, scale)
    site = Site.sample(rng, float(camera.position[1]))
    light = Light.sample(rng, site.indoor)
    canvas = Canvas(reference, light)
    board = choose_board(rng, site, height, springboard, partner)
    tower = Tower(rng, site, board)
    body_pixels = BODY_LENGTH * canvas.pixels_per_metre((0.5, 0.0, height))
    paint_surroundings(canvas, rng, site)
    water = paint_pool(canvas, rng, site, tower.shadows())
    behind_poolside = canvas.colour.copy()
    if rng.random() < 0.92:
        Poolside(rng, site, canvas).paint()
    paint_decoys(canvas, rng, site, body_pixels)
    tower.paint(canvas)
    # What stands in the way of the water is no longer water.
    covered = np.abs(canvas.colour.astype(np.int16) - behind_poolside).max(2) > 6
    water[covered] = 0
    paint_foreground(canvas, rng, site, camera.kind, body_pixels)
    return Scene(
        background=canvas.colour,
        foreground=canvas.front if canvas.front_used else None,
        reference=reference,
        water=water,
        light=light,
        board=board,
        graphics=draw_graphics(rng, camera) if camera.kind == "broadcast" else None,
    )
