"""Scene of a clip: the venue, painted once as a panorama around the camera's optical centre."""

import math
from dataclasses import dataclass

import numpy as np

from fineparser.simulator.filming.camera import STANDING_HEIGHT_M, Camera, orientation
from fineparser.simulator.venue.board import Board
from fineparser.simulator.venue.canvas import Canvas
from fineparser.simulator.venue.foreground import paint_distractors, paint_foreground
from fineparser.simulator.venue.graphics import draw_graphics
from fineparser.simulator.venue.pool import paint_pool
from fineparser.simulator.venue.poolside import Poolside
from fineparser.simulator.venue.surroundings import paint_surroundings
from fineparser.simulator.venue.tower import Tower, sample_board
from fineparser.simulator.venue.venue import Light, Venue

MAX_HALF_FIELD = math.radians(54)
"""Half of the widest field of view that a flat panorama can hold."""
MAX_PIXELS = 6_000_000


@dataclass(frozen=True)
class Scene:
    """Everything around the divers, in all directions that the camera turns to.

    Images are warped into a frame with `camera.homography(scene.reference)`. That map, like everything here, takes
    pixel centres to lie at integers + 0.5; OpenCV's warps count from pixel centres, so shift by half a pixel.
    """

    background: np.ndarray
    """RGB uint8 [h, w, 3]."""
    foreground: np.ndarray | None
    """RGBA uint8 [h, w, 4] of objects in front of the divers, premultiplied; or None."""
    reference: Camera
    """The camera of the panorama, one frame."""
    water: np.ndarray
    """float32 [h, w], share of open water in each pixel, 0..1."""
    light: Light
    board: Board
    graphics: np.ndarray | None
    """RGBA uint8 [lines, width, 4] in coordinates of the camera's image, straight alpha; or None."""


def panorama_camera(camera: Camera, scale: float = 1.0) -> Camera:
    """Camera with one frame at the same place whose image contains every frame of `camera`.

    The image is level; its resolution is `scale` times that of the camera's middle focal length.

    Raises:
        ValueError: the camera turns through more than a flat image can hold.
    """
    height, width = camera.height, camera.width
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=float)
    offset = np.concatenate(
        [(corners - camera.principal_point)[None] / camera.focal[:, None, None], np.ones((len(camera.focal), 4, 1))], -1
    )
    directions = np.einsum("tji,tnj->tni", camera.rotation, offset)
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    rise = np.arcsin(directions[..., 2])
    turn = np.arctan2(directions[..., 1], directions[..., 0])
    around = math.atan2(np.sin(turn).mean(), np.cos(turn).mean())
    turn = (turn - around + math.pi) % (2 * math.pi) - math.pi
    pan, tilt = around + (turn.min() + turn.max()) / 2, (rise.min() + rise.max()) / 2
    rotation = orientation(pan, tilt)
    in_camera = directions @ rotation[0].T
    if in_camera[..., 2].min() < math.cos(1.4 * MAX_HALF_FIELD):
        raise ValueError(
            f"the camera turns through {math.degrees(turn.max() - turn.min()):.0f} x "
            f"{math.degrees(rise.max() - rise.min()):.0f} degrees, more than one flat panorama can hold; "
            "use a camera further away"
        )
    focal = scale * float(np.median(camera.focal))
    plane = focal * in_camera[..., :2] / in_camera[..., 2:]
    low, high = plane.min((0, 1)) - 4, plane.max((0, 1)) + 4
    area = float(np.prod(high - low))
    if area > MAX_PIXELS:
        shrink = math.sqrt(MAX_PIXELS / area)
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


def build_scene(
    rng: np.random.Generator,
    camera: Camera,
    height: float,
    springboard: bool,
    scale: float = 1.0,
    partner: float | None = None,
) -> Scene:
    """Paint a venue for one clip.

    Args:
        rng: numpy Generator; all choices come from it.
        camera: the clip's Camera.
        height: of the board or platform in metres.
        springboard: True for a springboard.
        scale: panorama pixels per frame pixel.
        partner: y of a second diver (synchro): a shared platform is widened, a second springboard's blade is not
            painted here because it is drawn per frame.

    Returns:
        Scene.
    """
    reference = panorama_camera(camera, scale)
    venue = Venue.sample(rng, float(camera.position[1]))
    light = Light.sample(rng, venue.indoor)
    canvas = Canvas(reference, light)
    board = sample_board(rng, venue, height, springboard, partner)
    tower = Tower(rng, venue, board)
    body_pixels = STANDING_HEIGHT_M * canvas.pixels_per_metre((0.5, 0.0, height))
    paint_surroundings(canvas, rng, venue)
    water = paint_pool(canvas, rng, venue, tower.shadows())
    before_poolside = canvas.colour.copy()
    if rng.random() < 0.92:
        Poolside(rng, venue, canvas).paint()
    paint_distractors(canvas, rng, venue, body_pixels)
    tower.paint(canvas)
    # Objects painted since then cover the water.
    covered = np.abs(canvas.colour.astype(np.int16) - before_poolside).max(2) > 6
    water[covered] = 0
    paint_foreground(canvas, rng, venue, camera.kind, body_pixels)
    return Scene(
        background=canvas.colour,
        foreground=canvas.foreground if canvas.foreground_used else None,
        reference=reference,
        water=water,
        light=light,
        board=board,
        graphics=draw_graphics(rng, camera) if camera.kind == "broadcast" else None,
    )
