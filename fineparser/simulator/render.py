"""A dive on film: scenery, board, divers, water and recording put together, frame by frame, with the mask.

Masks follow FineDiving-HM's outlines: what people see as the diver or divers, and after the entry the splash.
A pixel belongs to the mask where the picture is at least half diver or splash: motion blur is averaged over the
open shutter, a body under water counts for what still shows of it, and whatever covers the diver (board, platform,
poles, rails, graphics) takes its share away. A rail thinner than half a pixel therefore leaves the mask whole,
as annotators do.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from fineparser.simulator import springboard
from fineparser.simulator.body import Body
from fineparser.simulator.droplets import Droplets, draw_droplets
from fineparser.simulator.exposure import open_shutter, smear, smears
from fineparser.simulator.limbs import draw_divers
from fineparser.simulator.mirror import cast_shadow, mirror
from fineparser.simulator.motion import Motion
from fineparser.simulator.sensor import Sensor
from fineparser.simulator.skin import Paint
from fineparser.simulator.splash import Splash
from fineparser.simulator.water import Water

SUNK_LOOKS = 0.76  # apparent share of a depth under water (refraction)
VISIBLE = 0.5  # share of a pixel that makes it part of the mask


@dataclass(frozen=True)
class Performer:
    """One diver in a shot."""

    body: Body
    paint: Paint
    motion: Motion
    splash: Splash
    drips: Droplets
    """Water that comes off the body in flight."""
    side: float = 0.0
    """y of the board's middle line under this diver, metres."""


@dataclass(frozen=True)
class Film:
    """How a shot is recorded."""

    shutter: float
    """Exposure time in seconds of the dive (short in slow motion)."""
    water: Water
    sensor: Sensor
    mirror: float
    """How strongly the water mirrors the divers, 0-0.4."""
    shadow: float
    """How dark the divers' shadows on the water are, 0-1."""
    key: float
    """How much brighter than the scenery the divers are lit or exposed for (broadcasts light the boards)."""


def render(scene, camera, performers, film, times, frames, size=None):
    """Draw some frames of a shot.

    Args:
        scene: `Scene` around the camera.
        camera: `Camera` of all N source frames.
        performers: the divers.
        film: shutter, water and recording chain.
        times: [N] seconds of the dive at each source frame.
        frames: [F] source frames to draw, rising.
        size: (width, height) that the camera's picture is squeezed or stretched to; as it is when None.

    Returns:
        frames uint8 [F, H, W, 3], masks bool [F, H, W].
    """
    frames = np.asarray(frames)
    size = size or (camera.width, camera.height)
    views, instants = open_shutter(camera, frames, times, lambda when: apparent_poses(performers, when), film.shutter)
    middle = np.cumsum(views.counts) - (views.counts + 1) // 2
    water_colour = _water_colour(scene)
    light = scene.light
    lit = replace(light, exposure=light.exposure * film.key)
    joints = list(apparent_poses(performers, instants))
    patches = draw_divers([p.body for p in performers], [p.paint for p in performers], joints, views, lit, water_colour)
    tone = 252 * np.asarray(light.colour) * min(0.25 + light.exposure * (0.5 + 0.4 * light.ambient), 1.0)
    clouds = [
        draw_droplets(water, times[frames], film.shutter, views, middle, tone)
        for p in performers
        for water in (p.splash.droplets, p.drips)
    ]
    warps = _warps(scene, camera, frames)
    smeared = smears(camera, frames, times, film.shutter)
    tracks = [p.motion.at(times[frames]) for p in performers]
    low = np.stack([track.joints[..., 2].min(1) for track in tracks])
    tips = np.stack([track.board_tip for track in tracks])
    edges = np.stack(
        [
            springboard.blade_edges(scene.board, p.side, tip, views, middle)
            for p, tip in zip(performers, tips, strict=True)
        ]
    )
    panorama = np.dstack([scene.background, np.uint8(255 * scene.water)])

    pictures = np.empty((len(frames), size[1], size[0], 3), np.uint8)
    masks = np.zeros((len(frames), size[1], size[0]), bool)
    graphics = None if scene.graphics is None else _premultiplied(scene.graphics)
    for row in range(len(frames)):
        instant, time = int(middle[row]), float(times[frames[row]])
        layers = _warp(panorama, warps[row], views.size)
        picture = cv2.cvtColor(layers, cv2.COLOR_RGBA2RGB)
        blades, hidden = _boards(picture, scene, performers, edges[:, row], low[:, row] - tips[:, row], views, instant)
        picture = smear(picture, smeared[row])
        shown = np.zeros(picture.shape[:2], np.float32)
        if layers[..., 3].max() > 8:
            wet = layers[..., 3].astype(np.float32) / 255
            if blades is not None:
                wet *= 1 - blades
            picture = film.water.ripple(picture, wet, views, instant, time, light.exposure)
            for track in tracks:
                cast_shadow(picture, track.joints[row], light, views, instant, wet, film.shadow)
            mirror(picture, patches[row], tracks[0].centre_of_mass[row], views, instant, wet, film.mirror)
        foams = [foam for p in performers if (foam := p.splash.foam(views, instant, time, tone)) is not None]
        for foam in foams:
            _lay(picture, shown, foam, counts=True)
        if patches[row] is not None:
            _lay(picture, shown, _uncovered(patches[row], hidden, foams, picture.shape[:2]), counts=True)
        for index, cloud in enumerate(clouds):
            # Drips are part of nobody's outline.
            _lay(picture, shown, cloud[row], counts=index % 2 == 0)
        if scene.foreground is not None:
            front = smear(_warp(scene.foreground, warps[row], views.size, border=cv2.BORDER_CONSTANT), smeared[row])
            _cover(picture, shown, front)
        if graphics is not None:
            _cover(picture, shown, graphics)
        if size != views.size:
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            shown = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
        pictures[row] = film.sensor.develop(picture, int(frames[row]))
        masks[row] = shown >= VISIBLE
    return pictures, masks


def apparent_poses(performers, times):
    """Joints [D, n, 20, 3] as they look: what is under water appears nearer to the surface and wobbles."""
    poses = []
    for performer in performers:
        joints = performer.motion.at(times).joints.copy()
        sunk = np.minimum(joints[..., 2], 0)
        if (sunk < 0).any():
            sway = np.sin(9 * times[:, None] + 5 * joints[..., 2] + np.arange(joints.shape[1]))
            joints[..., 2] -= (1 - SUNK_LOOKS) * sunk
            joints[..., 0] += 0.025 * sway * np.minimum(-2 * sunk, 1)
        poses.append(joints)
    return np.stack(poses)


def _water_colour(scene):
    if not scene.water.any():
        return (40, 110, 160)
    small = cv2.resize(scene.background, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(scene.water, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)[..., None]
    return tuple((small * weight).sum((0, 1)) / max(weight.sum(), 1e-3))


def _warps(scene, camera, frames):
    """[F, 3, 3] from panorama to frame in OpenCV's pixels, whose centres lie at integers."""
    to_frame = camera.homography(scene.reference)[frames]
    here, back = np.eye(3), np.eye(3)
    here[:2, 2], back[:2, 2] = 0.5, -0.5
    return back @ to_frame @ here


def _warp(panorama, matrix, size, border=cv2.BORDER_REPLICATE):
    return cv2.warpPerspective(panorama, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border)


def _boards(picture, scene, performers, edges, clearance, views, instant):
    """Paint the springboards.

    Args:
        edges: [D, n, 4, 2] where the divers' blades are.
        clearance: [D] height of each diver's lowest point above the rest of the board's bend, metres.

    Returns:
        The share of each pixel [h, w] that the blades cover (None: no blade is in the picture), and the share in
        which blades or platform hide the divers (None: nowhere).
    """
    board = scene.board
    between = any(springboard.is_between(board, views.position, feet) for feet in clearance)
    if board.kind != "springboard":
        if not between:
            return None, None
        slab = np.zeros(picture.shape[:2], np.uint8)
        springboard.cover_platform(slab, board, views, instant)
        return None, slab.astype(np.float32) / 255
    seen = [index for index in range(len(performers)) if not np.isnan(edges[index, 0, 0, 0])]
    if not seen:
        return None, None
    blades = np.zeros(picture.shape[:2], np.uint8)
    for index in seen:
        springboard.draw_blade(
            picture, blades, board, performers[index].side, edges[index], views.position, scene.light
        )
    share = blades.astype(np.float32) / 255
    return share, share if between else None


def _uncovered(patch, hidden, foams, shape):
    """The divers without what a board hides and without what is under water below foam."""
    free = np.ones_like(patch.alpha)
    if foams and patch.sunk.any():
        white = np.zeros(shape, np.float32)
        for left, top, _, alpha in foams:
            place = white[top : top + alpha.shape[0], left : left + alpha.shape[1]]
            np.maximum(place, alpha, out=place)
        free -= white[patch.place] * patch.sunk / np.maximum(patch.alpha, 1e-3)
    if hidden is not None:
        free *= 1 - hidden[patch.place]
    return patch.left, patch.top, patch.colour * free[..., None], patch.alpha * free


def _lay(picture, shown, layer, counts):
    """Lay (left, top, premultiplied colour, alpha) over the picture; what counts adds to the mask's share."""
    if layer is None:
        return
    left, top, colour, alpha = layer
    place = slice(top, top + alpha.shape[0]), slice(left, left + alpha.shape[1])
    picture[place] = np.clip(picture[place] * (1 - alpha[..., None]) + colour, 0, 255)
    if counts:
        shown[place] += alpha * (1 - shown[place])


def _premultiplied(graphics):
    alpha = graphics[..., 3:].astype(np.uint16)
    return np.concatenate([(graphics[..., :3] * alpha // 255).astype(np.uint8), graphics[..., 3:]], -1)


def _cover(picture, shown, layer):
    """Lay a premultiplied RGBA picture over everything; it takes its share of the mask away."""
    left, top, wide, tall = cv2.boundingRect(layer[..., 3])
    if wide == 0:
        return
    place = slice(top, top + tall), slice(left, left + wide)
    part = layer[place]
    free = cv2.bitwise_not(part[..., 3])
    dimmed = cv2.multiply(picture[place], cv2.merge([free, free, free]), scale=1 / 255)
    picture[place] = cv2.add(dimmed, cv2.cvtColor(part, cv2.COLOR_RGBA2RGB))
    shown[place] *= free.astype(np.float32) / 255
