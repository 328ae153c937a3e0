"""Filming of a planned dive: set-up of camera and recording, and frames, masks, poses and layers of the shot."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypedDict

import cv2
import numpy as np

from fineparser.domain.clip_geometry import CLIP_SIDE, LAYERS, LOADER_WIDTH
from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.body_rendering import draw_divers
from fineparser.simulator.athlete.pose import measure_pose
from fineparser.simulator.athlete.skin import BodyPaint
from fineparser.simulator.filming.camera import Camera, ImageCrop, ImageFormat, follow_diver, orientation
from fineparser.simulator.filming.passer import Passer
from fineparser.simulator.filming.render import Diver, PoolSurface, Recording, apparent_poses, render
from fineparser.simulator.filming.sensor import Sensor, exposure_views
from fineparser.simulator.flight.diver_motion import DiverMotion
from fineparser.simulator.flight.splash import Splash, draw_droplets, entry_speed, sample_drips, surface_crossings
from fineparser.simulator.venue.reflections import WindowMirror
from fineparser.simulator.venue.scene import build_scene, panorama_camera
from fineparser.simulator.venue.venue import Light
from fineparser.simulator.venue.water import Water

_WHITE = (255, 255, 255)


def render_layers(
    camera: Camera,
    divers: Sequence[Diver],
    exposure_time: float,
    times: np.ndarray,
    frames: np.ndarray,
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """Render the layers of some frames of a shot.

    Args:
        camera, divers, times, frames, size: as for `fineparser.simulator.filming.render.render`.
        exposure_time: seconds of the dive.

    Returns:
        uint8 [F, H, W, 3], in the order of `LAYERS`: 255 where the layer covers the whole pixel.
    """
    frames = np.asarray(frames)
    size = size or (camera.width, camera.height)
    views, instants = exposure_views(camera, frames, times, lambda when: apparent_poses(divers, when), exposure_time)
    middle = np.cumsum(views.counts) - (views.counts + 1) // 2
    # Only coverage is used, so the light does not matter.
    light = Light(direction=np.array([0.0, 0.0, 1.0]), ambient=1.0, colour=(1.0, 1.0, 1.0), exposure=1.0)
    bodies, paints = [diver.body for diver in divers], [diver.paint for diver in divers]
    patches = draw_divers(bodies, paints, list(apparent_poses(divers, instants)), views, light, _WHITE)
    clouds = [
        draw_droplets(diver.splash.droplets, times[frames], exposure_time, views, middle, _WHITE) for diver in divers
    ]
    layers = np.empty((len(frames), size[1], size[0], len(LAYERS)), np.uint8)
    for row, patch in enumerate(patches):
        shares: np.ndarray = np.zeros((*views.size[::-1], len(LAYERS)), np.float32)
        if patch is not None:
            shares[..., 0][patch.region] = patch.alpha
        for diver, cloud in zip(divers, clouds, strict=True):
            foam = diver.splash.foam(views, int(middle[row]), float(times[frames[row]]), _WHITE)
            _add_coverage(shares[..., 1], cloud[row])
            _add_coverage(shares[..., 2], foam)
        if size != views.size:
            shares = cv2.resize(shares, size, interpolation=cv2.INTER_AREA)
        layers[row] = np.clip(shares * 255 + 0.5, 0, 255)
    return layers


def _add_coverage(shares: np.ndarray, overlay: tuple[int, int, np.ndarray, np.ndarray] | None) -> None:
    """Composite (left, top, colour, alpha) over the shares [h, w] of a layer, in place."""
    if overlay is None:
        return
    left, top, _, alpha = overlay
    region = shares[top : top + alpha.shape[0], left : left + alpha.shape[1]]
    region += alpha * (1 - region)


SPLASH_PARCELS = 460
"""Parcels of water in a splash, in an image of `CLIP_SIDE` lines."""
PASSER_SHARE, WINDOW_SHARE = 0.3, 0.2
"""Share of amateur recordings in which somebody walks past, and in which windows mirror the divers."""
CAMERA_ATTEMPTS = 12
MIN_WIDTH_PX = 8

FrameWidth = int | Literal["full"] | None
"""Width of rendered frames. None: the crop of the 16:9 image that the published loader makes (112 pixels at 112 lines,
a square at other sizes); "full": the whole image; a number: that many pixels in the middle."""


@dataclass(frozen=True, kw_only=True)
class FilmingSeeds:
    """Seeds of everything random about a shot, so that a dive has the same appearance at every size."""

    camera: int
    scene: int
    water: int
    """Seed of water surface, splash and skin."""
    recording: int


@dataclass(frozen=True, kw_only=True)
class FilmingStyle:
    """Camera, exposure and recording of a shot."""

    exposure_time: float
    """Seconds."""
    camera_kind: str
    """"broadcast", "static" or "handheld"."""
    stretch: float
    """Width of the recorded image over its width with square pixels (16:9 squeezed to 4:3 and the like)."""
    key_light: float
    """Brightness of the divers relative to the background."""
    zoom: float
    """Magnification relative to the usual framing, 1 or more."""
    offset: float
    """Distance of the divers from the middle of the image, as a share of its width; right positive."""
    close_up: bool
    """The camera shows face and shoulders of the waiting diver and does not follow the dive."""
    crop_position: float
    """Position of the crop in the image's width, 0-1 (the published loader: random in training, else 0.5)."""
    amateur: bool = False
    """An amateur recording: soft and blocky, sometimes dark, with people walking past and mirrors in windows."""
    seeds: FilmingSeeds


@dataclass(frozen=True, kw_only=True)
class DiveShot:
    """One or two divers in front of a camera; frames of any size are rendered from it."""

    bodies: Sequence[Body]
    motions: Sequence[DiverMotion]
    lateral_offsets: Sequence[float]
    """y of each diver's line in metres."""
    height: float
    """Height of the board or platform in metres; up to 3 m it is a springboard."""
    times: np.ndarray
    """[N] seconds of the dive at the frames of the source clip."""
    style: FilmingStyle

    def render(self, lines: int, width: FrameWidth, frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Render frames of the shot.

        Args:
            lines: height of the frames in pixels.
            width: see `FrameWidth`.
            frames: [F] numbers of source frames, ascending.

        Returns:
            frames uint8 [F, lines, W, 3], masks bool [F, lines, W].
        """
        take = self._take(lines, width, frames)
        partner = self.lateral_offsets[1] if len(self.lateral_offsets) == 2 else None
        rng = np.random.default_rng(self.style.seeds.scene)
        scene = build_scene(rng, take.camera, self.height, self.height <= 3, partner=partner)
        divers, surface = self._divers(lines)
        recording = Recording(
            exposure_time=self.style.exposure_time,
            surface=surface,
            sensor=take.sensor,
            key_light=self.style.key_light,
            **self._sample_surroundings(take.camera.position),
        )
        images, masks = render(scene, take.camera, divers, recording, take.times, take.frames, (take.width, lines))
        if take.sensor.interlaced:
            return Sensor.interlace(images[::2], images[1::2]), masks[::2]
        return images, masks

    def poses(self, lines: int, width: FrameWidth, frames: np.ndarray) -> np.ndarray:
        """Pose of the first diver in the same frames as `render`: [F, 28], see `measure_pose`."""
        take = self._take(lines, width, frames)
        rows = take.distinct_frames
        return measure_pose(self.motions, take.times[rows], take.camera, rows, take.width / take.camera.width)

    def layers(self, lines: int, width: FrameWidth, frames: np.ndarray) -> np.ndarray:
        """Layers of the same frames as `render`: uint8 [F, lines, W, 3], see `fineparser.simulator.filming.filming`."""
        take = self._take(lines, width, frames)
        divers, _ = self._divers(lines)
        size = (take.width, lines)
        return render_layers(take.camera, divers, self.style.exposure_time, take.times, take.distinct_frames, size)

    def project(self, points: np.ndarray, lines: int, width: FrameWidth, frames: np.ndarray) -> np.ndarray:
        """Pixels [F, n, 2] of points [F, n, 3] in metres, in the same frames as `render`."""
        take = self._take(lines, width, frames)
        rows = take.distinct_frames
        camera = replace(take.camera, rotation=take.camera.rotation[rows], focal=take.camera.focal[rows])
        return camera.project(points)[0] * (take.width / camera.width, 1.0)

    def _sample_surroundings(self, camera_position: np.ndarray) -> "_Surroundings":
        """Sample what amateurs record besides the dive."""
        rng = np.random.default_rng([self.style.seeds.scene, 1])
        has_passer, has_windows = self.style.amateur & (rng.random(2) < (PASSER_SHARE, WINDOW_SHARE))
        return _Surroundings(
            passer=Passer.sample(rng, camera_position) if has_passer else None,
            windows=WindowMirror.sample(rng, camera_position) if has_windows else None,
        )

    def _divers(self, lines: int) -> tuple[list[Diver], PoolSurface]:
        """The divers with their splashes, and the surface of the pool."""
        rng = np.random.default_rng(self.style.seeds.water)
        surface = PoolSurface(
            water=Water.sample(rng), reflection=float(rng.uniform(0, 0.35)), shadow=float(rng.uniform(0, 0.7))
        )
        parcels = int(SPLASH_PARCELS * (lines / CLIP_SIDE) ** 1.5)
        divers = [
            Diver(
                body=body,
                # Partners are painted from the same seed: their suits match.
                paint=BodyPaint.sample(np.random.default_rng([self.style.seeds.water, 1]), body),
                motion=motion,
                splash=Splash.sample(
                    rng,
                    motion.entry_time,
                    surface_crossings(motion),
                    motion.splash_size,
                    entry_speed(motion),
                    parcels,
                ),
                drips=sample_drips(rng, motion, lines),
                lateral_offset=offset,
            )
            for body, motion, offset in zip(self.bodies, self.motions, self.lateral_offsets, strict=True)
        ]
        return divers, surface

    def _take(self, lines: int, width: FrameWidth, frames: np.ndarray) -> "_Take":
        """Set up camera and sensor for frames of one size."""
        style, times = self.style, self.times
        image = _image_format(lines, width, style.crop_position)
        crop = image.produced
        rng = np.random.default_rng(style.seeds.recording)
        sensor = Sensor.sample_amateur(rng) if style.amateur else Sensor.sample(rng)
        if sensor.interlaced:  # every frame is two fields, half a frame apart
            count = len(times)
            times = np.interp(np.arange(2 * count - 1) / 2, np.arange(count), times)
            frames = np.minimum(np.stack([2 * frames, 2 * frames + 1], 1).ravel(), 2 * count - 2)
        # A closer camera is a crop of a larger image.
        zoomed_lines = round(lines * style.zoom)
        zoomed = ImageFormat(
            width=round(image.width * style.zoom / style.stretch),
            height=zoomed_lines,
            crop=ImageCrop(
                left=(crop.left + (image.width * style.zoom - image.width) / 2) / style.stretch,
                top=(zoomed_lines - lines) / 2,
                width=max(round(crop.width / style.stretch), MIN_WIDTH_PX),
                height=lines,
            ),
        )
        target = np.mean([motion.at(times).centre_of_mass for motion in self.motions], axis=0)
        camera = self._place_camera(times, target, zoomed)
        return _Take(sensor=sensor, times=times, frames=frames, camera=camera, width=crop.width)

    def _place_camera(self, times: np.ndarray, target: np.ndarray, image: ImageFormat) -> Camera:
        """The camera; one that would have to turn too far is replaced by another."""
        for attempt in range(CAMERA_ATTEMPTS):
            rng = np.random.default_rng([self.style.seeds.camera, attempt])
            camera = follow_diver(rng, times, target, self.height, image, self.style.camera_kind)
            if self.style.close_up:
                camera = _close_up(rng, camera, target)
            else:
                across, down = camera.principal_point
                camera = replace(camera, principal_point=(across + self.style.offset * camera.width, down))
            try:
                panorama_camera(camera)
            except ValueError:
                continue
            return camera
        raise RuntimeError(f"no camera found in {CAMERA_ATTEMPTS} attempts for the dive from {self.height:g} m")


class _Surroundings(TypedDict):
    """People and mirrors around the divers."""

    passer: Passer | None
    windows: WindowMirror | None


@dataclass(frozen=True, kw_only=True)
class _Take:
    """Camera and sensor of a shot at one frame size."""

    sensor: Sensor
    times: np.ndarray
    """[N] seconds of the dive at the camera's frames: twice as many as the clip has if it is interlaced."""
    frames: np.ndarray
    """Numbers of the camera's frames that are rendered."""
    camera: Camera
    width: int
    """Width of the rendered frames in pixels."""

    @property
    def distinct_frames(self) -> np.ndarray:
        """Numbers of the camera's frames, one for each frame of the clip."""
        return self.frames[::2] if self.sensor.interlaced else self.frames


def _image_format(lines: int, width: FrameWidth, crop_position: float) -> ImageFormat:
    """The full 16:9 image and the crop of it that is asked for."""
    whole = round(lines * LOADER_WIDTH / CLIP_SIDE)
    if width == "full":
        left, wide = 0, whole
    elif width is None:
        left, wide = round(crop_position * (whole - lines)), lines
    elif isinstance(width, str) or not MIN_WIDTH_PX <= width <= whole:
        raise ValueError(f'width is {width!r}; give None, "full" or {MIN_WIDTH_PX} to {whole} pixels for {lines} lines')
    else:
        left, wide = (whole - width) // 2, width
    return ImageFormat(width=whole, height=lines, crop=ImageCrop(left=left, top=0, width=wide, height=lines))


def _close_up(rng: np.random.Generator, camera: Camera, target: np.ndarray) -> Camera:
    """The same stand with a long lens on the waiting diver's chest and face."""
    view = target[0] + np.array([0, 0, rng.uniform(0.3, 0.55)]) - camera.position
    distance = float(np.linalg.norm(view))
    visible_height = rng.uniform(0.8, 1.6)
    pan = math.atan2(view[1], view[0])
    tilt = math.asin(view[2] / distance)
    count = len(camera.focal)
    return replace(
        camera,
        rotation=np.repeat(orientation(pan, tilt), count, axis=0),
        focal=np.full(count, camera.height * distance / visible_height),
        principal_point=(camera.width / 2, camera.height / 2),
    )
