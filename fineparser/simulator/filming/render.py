"""Rendering of a shot: background, board, divers, water and recording composited frame by frame, with the mask.

Masks follow the annotation of FineDiving-HM: the visible diver or divers, and after the entry the splash. A pixel
belongs to the mask if diver or splash cover at least half of it: motion blur is averaged over the exposure, a body
under water counts by its visibility, and whatever covers the diver (board, platform, poles, rails, graphics) reduces
the share. A rail thinner than half a pixel therefore leaves the mask unchanged, as in human annotation.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.body_rendering import DiverPatch, draw_divers
from fineparser.simulator.athlete.skin import BodyPaint
from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.filming.camera import Camera
from fineparser.simulator.filming.passer import Passer
from fineparser.simulator.filming.sensor import Sensor, background_motion, exposure_views, motion_blur
from fineparser.simulator.flight import springboard
from fineparser.simulator.flight.diver_motion import DiverMotion
from fineparser.simulator.flight.splash import Droplets, Overlay, Splash, draw_droplets
from fineparser.simulator.venue.reflections import WindowMirror, cast_shadow, draw_reflection
from fineparser.simulator.venue.scene import Scene
from fineparser.simulator.venue.venue import Light
from fineparser.simulator.venue.water import Water

APPARENT_DEPTH = 0.76
"""Apparent depth under water over the true depth (refraction)."""
MASK_THRESHOLD = 0.5
"""Share of a pixel from which on it belongs to the mask."""


@dataclass(frozen=True, kw_only=True)
class Diver:
    """One diver in a shot."""

    body: Body
    paint: BodyPaint
    motion: DiverMotion
    splash: Splash
    drips: Droplets
    """Water that comes off the body in flight."""
    lateral_offset: float = 0.0
    """y of the board's middle line under this diver, metres."""


@dataclass(frozen=True, kw_only=True)
class PoolSurface:
    """Surface of the pool and how divers appear in it."""

    water: Water
    reflection: float
    """Strength of the divers' mirror image, 0-0.4."""
    shadow: float
    """Strength of the divers' shadow, 0-1."""


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Light, exposure and recording chain of a shot."""

    exposure_time: float
    """Seconds of the dive (short in slow motion)."""
    surface: PoolSurface
    sensor: Sensor
    key_light: float
    """Brightness of the divers relative to the background (broadcasts light the boards)."""
    passer: Passer | None = None
    """Somebody who walks through the picture."""
    windows: WindowMirror | None = None
    """Windows in which the divers are mirrored."""


def render(
    scene: Scene,
    camera: Camera,
    divers: Sequence[Diver],
    recording: Recording,
    times: np.ndarray,
    frames: np.ndarray,
    size: tuple[int, int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Render some frames of a shot.

    Args:
        scene: venue around the camera.
        camera: camera of all N source frames.
        divers: the divers.
        recording: exposure, water and recording chain.
        times: [N] seconds of the dive at each source frame.
        frames: [F] source frames to render, ascending.
        size: (width, height) to which the camera's image is resized; None leaves it.

    Returns:
        frames uint8 [F, H, W, 3], masks bool [F, H, W].
    """
    frames = np.asarray(frames)
    size = size or (camera.width, camera.height)
    exposure_time, surface = recording.exposure_time, recording.surface
    views, instants = exposure_views(camera, frames, times, lambda when: apparent_poses(divers, when), exposure_time)
    middle = np.cumsum(views.counts) - (views.counts + 1) // 2
    water_colour = _water_colour(scene)
    light = scene.light
    diver_light = replace(light, exposure=light.exposure * recording.key_light)
    joints = list(apparent_poses(divers, instants))
    bodies, paints = [diver.body for diver in divers], [diver.paint for diver in divers]
    patches = draw_divers(bodies, paints, joints, views, diver_light, water_colour)
    passers, mirrored = _draw_extras(recording, joints, bodies, paints, views, instants, light)
    tone = 252 * np.asarray(light.colour) * min(0.25 + light.exposure * (0.5 + 0.4 * light.ambient), 1.0)
    splashes = [draw_droplets(d.splash.droplets, times[frames], exposure_time, views, middle, tone) for d in divers]
    drips = [draw_droplets(d.drips, times[frames], exposure_time, views, middle, tone) for d in divers]
    warps = _warps(scene, camera, frames)
    blurs = background_motion(camera, frames, times, exposure_time)
    tracks = [diver.motion.at(times[frames]) for diver in divers]
    lowest = np.stack([track.joints[..., 2].min(1) for track in tracks])
    tips = np.stack([track.board_tip for track in tracks])
    edges = np.stack(
        [
            springboard.blade_edges(scene.board, diver.lateral_offset, tip, views, middle)
            for diver, tip in zip(divers, tips, strict=True)
        ]
    )
    panorama = np.dstack([scene.background, np.uint8(255 * scene.water)])
    graphics = None if scene.graphics is None else _premultiply(scene.graphics)

    images = np.empty((len(frames), size[1], size[0], 3), np.uint8)
    masks = np.zeros((len(frames), size[1], size[0]), bool)
    for row in range(len(frames)):
        instant, time = int(middle[row]), float(times[frames[row]])
        layers = _warp(panorama, warps[row], views.size)
        image = cv2.cvtColor(layers, cv2.COLOR_RGBA2RGB)
        if recording.windows is not None and (ghost := mirrored[row]) is not None:
            glass = recording.windows.strength * (1 - layers[ghost.region][..., 3] / 255.0)
            _composite(image, Overlay(ghost.left, ghost.top, ghost.colour * glass[..., None], ghost.alpha * glass))
        if (passer := passers[row]) is not None and recording.passer is not None and not recording.passer.is_near:
            _composite(image, Overlay(passer.left, passer.top, passer.colour, passer.alpha))
        blades, hidden = _paint_boards(
            image, scene, divers, edges[:, row], lowest[:, row] - tips[:, row], views, instant
        )
        image = motion_blur(image, blurs[row])
        mask_share: np.ndarray = np.zeros(image.shape[:2], np.float32)
        if layers[..., 3].max() > 8:
            water_mask = layers[..., 3].astype(np.float32) / 255
            if blades is not None:
                water_mask *= 1 - blades
            image = surface.water.ripple(image, water_mask, views, instant, time, light.exposure)
            for track in tracks:
                cast_shadow(image, track.joints[row], light, views, instant, water_mask, surface.shadow)
            centre = tracks[0].centre_of_mass[row]
            draw_reflection(image, patches[row], centre, views, instant, water_mask, surface.reflection)
        foams = [foam for diver in divers if (foam := diver.splash.foam(views, instant, time, tone)) is not None]
        for foam in foams:
            _composite(image, foam, mask_share)
        if (patch := patches[row]) is not None:
            _composite(image, _visible_part(patch, hidden, foams, image.shape[:2]), mask_share)
        for splash, drip in zip(splashes, drips, strict=True):
            _composite(image, splash[row], mask_share)
            _composite(image, drip[row])  # not part of any mask
        if passer is not None and recording.passer is not None and recording.passer.is_near:
            _composite(image, Overlay(passer.left, passer.top, passer.colour, passer.alpha))
            mask_share[passer.region] *= 1 - passer.alpha
        if scene.foreground is not None:
            front = _warp(scene.foreground, warps[row], views.size, border=cv2.BORDER_CONSTANT)
            _composite_over_all(image, mask_share, motion_blur(front, blurs[row]))
        if graphics is not None:
            _composite_over_all(image, mask_share, graphics)
        if size != views.size:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
            mask_share = cv2.resize(mask_share, size, interpolation=cv2.INTER_AREA)
        images[row] = recording.sensor.record(image, int(frames[row]))
        masks[row] = mask_share >= MASK_THRESHOLD
    return images, masks


def _draw_extras(
    recording: Recording,
    joints: list[np.ndarray],
    bodies: list[Body],
    paints: list[BodyPaint],
    views: CameraViews,
    instants: np.ndarray,
    light: Light,
) -> tuple[list[DiverPatch | None], list[DiverPatch | None]]:
    """Draw the person who walks past and the divers mirrored in windows: F patches each, None where there are none."""
    nobody: list[DiverPatch | None] = [None] * len(views.counts)
    passers, mirrored = nobody, nobody
    if (passer := recording.passer) is not None:
        walk = [passer.joints(instants)]
        passers = draw_divers([passer.body], [passer.paint], walk, views, light, (0.0, 0.0, 0.0))
    if recording.windows is not None:
        behind = [recording.windows.mirror(pose) for pose in joints]
        mirrored = draw_divers(bodies, paints, behind, views, light, (0.0, 0.0, 0.0))
    return passers, mirrored


def apparent_poses(divers: Sequence[Diver], times: np.ndarray) -> np.ndarray:
    """Joints [D, n, 20, 3] at their apparent positions: under water nearer to the surface, and swaying."""
    poses = []
    for diver in divers:
        joints = diver.motion.at(times).joints.copy()
        depth = np.minimum(joints[..., 2], 0)
        if (depth < 0).any():
            sway = np.sin(9 * times[:, None] + 5 * joints[..., 2] + np.arange(joints.shape[1]))
            joints[..., 2] -= (1 - APPARENT_DEPTH) * depth
            joints[..., 0] += 0.025 * sway * np.minimum(-2 * depth, 1)
        poses.append(joints)
    return np.stack(poses)


def _water_colour(scene: Scene) -> tuple[float, float, float]:
    if not scene.water.any():
        return (40, 110, 160)
    small = cv2.resize(scene.background, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    weight = cv2.resize(scene.water, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)[..., None]
    red, green, blue = (small * weight).sum((0, 1)) / max(weight.sum(), 1e-3)
    return red, green, blue


def _warps(scene: Scene, camera: Camera, frames: np.ndarray) -> np.ndarray:
    """[F, 3, 3] from panorama to frame in OpenCV's pixels, whose centres lie at integers."""
    to_frame = camera.homography(scene.reference)[frames]
    from_opencv, to_opencv = np.eye(3), np.eye(3)
    from_opencv[:2, 2], to_opencv[:2, 2] = 0.5, -0.5
    return to_opencv @ to_frame @ from_opencv


def _warp(
    panorama: np.ndarray, matrix: np.ndarray, size: tuple[int, int], border: int = cv2.BORDER_REPLICATE
) -> np.ndarray:
    return cv2.warpPerspective(panorama, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border)


def _paint_boards(
    image: np.ndarray,
    scene: Scene,
    divers: Sequence[Diver],
    edges: np.ndarray,
    clearance: np.ndarray,
    views: CameraViews,
    instant: int,
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Paint the springboards, in place.

    Args:
        edges: [D, n, 4, 2] position of each diver's blade in pixels.
        clearance: [D] height of each diver's lowest point above the bent board, metres.

    Returns:
        The share of each pixel [h, w] that blades cover (None: no blade is visible), and the share in which blades or
        platform hide the divers (None: nowhere).
    """
    board = scene.board
    between = any(springboard.is_between(board, views.position, feet) for feet in clearance)
    if board.kind != "springboard":
        if not between:
            return None, None
        slab = np.zeros(image.shape[:2], np.uint8)
        springboard.cover_platform(slab, board, views, instant)
        return None, slab.astype(np.float32) / 255
    visible = [index for index in range(len(divers)) if not np.isnan(edges[index, 0, 0, 0])]
    if not visible:
        return None, None
    blades = np.zeros(image.shape[:2], np.uint8)
    for index in visible:
        offset = divers[index].lateral_offset
        springboard.draw_blade(image, blades, board, offset, edges[index], views.position, scene.light)
    share = blades.astype(np.float32) / 255
    return share, share if between else None


def _visible_part(
    patch: DiverPatch, hidden: np.ndarray | None, foams: Sequence[Overlay], shape: tuple[int, ...]
) -> Overlay:
    """The divers without the parts that a board hides or that are under water below foam."""
    visible = np.ones_like(patch.alpha)
    if foams and patch.submerged.any():
        foam_alpha = np.zeros(shape, np.float32)
        for left, top, _, alpha in foams:
            region = foam_alpha[top : top + alpha.shape[0], left : left + alpha.shape[1]]
            np.maximum(region, alpha, out=region)
        visible -= foam_alpha[patch.region] * patch.submerged / np.maximum(patch.alpha, 1e-3)
    if hidden is not None:
        visible *= 1 - hidden[patch.region]
    return Overlay(patch.left, patch.top, patch.colour * visible[..., None], patch.alpha * visible)


def _composite(image: np.ndarray, overlay: Overlay | None, mask_share: np.ndarray | None = None) -> None:
    """Composite an overlay over the image, and its alpha over the mask's share, in place."""
    if overlay is None:
        return
    left, top, colour, alpha = overlay
    place = slice(top, top + alpha.shape[0]), slice(left, left + alpha.shape[1])
    image[place] = np.clip(image[place] * (1 - alpha[..., None]) + colour, 0, 255)
    if mask_share is not None:
        mask_share[place] += alpha * (1 - mask_share[place])


def _premultiply(graphics: np.ndarray) -> np.ndarray:
    alpha = graphics[..., 3:].astype(np.uint16)
    return np.concatenate([(graphics[..., :3] * alpha // 255).astype(np.uint8), graphics[..., 3:]], -1)


def _composite_over_all(image: np.ndarray, mask_share: np.ndarray, layer: np.ndarray) -> None:
    """Composite a premultiplied RGBA image over everything; it reduces the mask's share. In place."""
    left, top, width, height = cv2.boundingRect(layer[..., 3])
    if width == 0:
        return
    place = slice(top, top + height), slice(left, left + width)
    part = layer[place]
    transparency = cv2.bitwise_not(part[..., 3])
    dimmed = cv2.multiply(image[place], cv2.merge([transparency] * 3), scale=1 / 255)
    image[place] = cv2.add(dimmed, cv2.cvtColor(part, cv2.COLOR_RGBA2RGB))
    mask_share[place] *= transparency.astype(np.float32) / 255
