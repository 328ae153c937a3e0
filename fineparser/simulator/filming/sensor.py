"""The recording chain: exposure, motion blur, and the effects of cameras, tapes and codecs of 2000-2026.

Everything about one recording (exposure, colours, sharpness, noise, compression) is sampled once in `Sensor.sample`;
only the noise differs between frames. Lengths are shares of the image's height, so that a recording has the same
character at every size.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fineparser.simulator.camera_views import CameraViews
from fineparser.simulator.filming.camera import Camera

JOINT_STEP_PX = 1.5
"""Motion of a joint between two instants of a frame, pixels of an image with at most 240 lines."""
MAX_INSTANTS = 5
"""Instants of a frame with at most 140 lines; larger images, in which single instants would show, get more."""


def exposure_views(
    camera: Camera,
    frames: np.ndarray,
    times: np.ndarray,
    poses: Callable[[np.ndarray], np.ndarray],
    exposure_time: float,
) -> tuple[CameraViews, np.ndarray]:
    """Choose the instants at which the divers of each frame are drawn.

    Args:
        camera: the clip's camera (all N source frames).
        frames: [F] source frames to draw.
        times: [N] seconds of the source frames.
        poses: function of times [n] that gives joints [D, n, 20, 3].
        exposure_time: seconds.

    Returns:
        Camera views of V instants, and the instants [V] in seconds.
    """
    ends = np.stack([times[frames] - exposure_time / 2, times[frames] + exposure_time / 2], 1)
    rates = _turn_rates(camera, times)
    rotations, focals = _views_at(camera, rates, frames, ends - times[frames][:, None])
    joints = poses(ends.ravel())
    divers, _, count, _ = joints.shape
    joints = joints.reshape(divers, len(frames), 2, count, 3).transpose(1, 2, 0, 3, 4)
    joints = joints.reshape(len(frames), 2, divers * count, 3)
    in_camera = np.einsum("feij,fenj->feni", rotations, joints - camera.position)
    pixels = focals[..., None, None] * in_camera[..., :2] / np.maximum(in_camera[..., 2:], 0.3)
    motion = np.linalg.norm(pixels[:, 1] - pixels[:, 0], axis=-1).max(1)
    step = JOINT_STEP_PX * max(1.0, camera.height / 240)
    counts = np.clip(np.ceil(motion / step), 1, MAX_INSTANTS * max(1.0, camera.height / 140)).astype(int)
    owner = np.repeat(np.arange(len(frames)), counts)
    within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    shift = ((within + 0.5) / counts[owner] - 0.5) * exposure_time
    rotation, focal = _views_at(camera, rates, frames[owner], shift[:, None])
    views = CameraViews(
        rotation=rotation[:, 0],
        focal=focal[:, 0],
        position=camera.position,
        principal_point=camera.principal_point,
        size=(camera.width, camera.height),
        counts=counts,
    )
    return views, times[frames][owner] + shift


def background_motion(camera: Camera, frames: np.ndarray, times: np.ndarray, exposure_time: float) -> np.ndarray:
    """Motion (x, y) in pixels of the background at the image's centre while the shutter is open, [F, 2]."""
    rates = _turn_rates(camera, times)
    ends = np.broadcast_to(np.array([-exposure_time / 2, exposure_time / 2]), (len(frames), 2))
    rotations, focals = _views_at(camera, rates, frames, ends)
    middle = np.array([camera.width / 2, camera.height / 2]) - camera.principal_point
    ray = np.concatenate([middle / camera.focal[frames][:, None], np.ones((len(frames), 1))], 1)
    world = np.einsum("fji,fj->fi", camera.rotation[frames], ray)
    in_camera = np.einsum("feij,fj->fei", rotations, world)
    pixels = focals[..., None] * in_camera[..., :2] / in_camera[..., 2:]
    return pixels[:, 1] - pixels[:, 0]


def motion_blur(image: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """Blur an image along a motion (x, y) in pixels."""
    length = float(np.hypot(*motion))
    if length < 0.7:
        return image
    reach = int(np.ceil(max(abs(motion[0]), abs(motion[1])) / 2)) + 1
    size = 2 * reach + 1
    steps = np.linspace(-0.5, 0.5, max(int(3 * length), 3))
    x, y = reach + steps * motion[0], reach + steps * motion[1]
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    kernel = np.zeros((size + 1, size + 1), np.float32)
    for down, across, share in (
        (0, 0, (1 - (x - column)) * (1 - (y - row))),
        (0, 1, (x - column) * (1 - (y - row))),
        (1, 0, (1 - (x - column)) * (y - row)),
        (1, 1, (x - column) * (y - row)),
    ):
        np.add.at(kernel, (row + down, column + across), share.astype(np.float32))
    kernel = kernel[:size, :size]
    rows, columns = np.flatnonzero(kernel.sum(1) > 1e-6), np.flatnonzero(kernel.sum(0) > 1e-6)
    if len(rows) == 1 or len(columns) == 1:  # along one axis a thin kernel is faster
        kernel = kernel[rows[0] : size - rows[0]] if len(columns) == 1 else kernel[:, columns[0] : size - columns[0]]
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _turn_rates(camera: Camera, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Change of rotation and focal length per second at each source frame."""
    if len(times) == 1:
        return np.zeros_like(camera.rotation), np.zeros_like(camera.focal)
    return np.gradient(camera.rotation, times, axis=0), np.gradient(camera.focal, times)


def _views_at(
    camera: Camera, rates: tuple[np.ndarray, np.ndarray], frames: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rotations [n, e, 3, 3] and focal lengths [n, e] `shift` [n, e] seconds off the frames [n]."""
    rotation = camera.rotation[frames][:, None] + shift[..., None, None] * rates[0][frames][:, None]
    return rotation, camera.focal[frames][:, None] + shift * rates[1][frames][:, None]


LUMA_WEIGHTS = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, kw_only=True)
class Sensor:
    """One recording chain."""

    tone_curves: np.ndarray
    """[256, 3] uint8: exposure, white balance, contrast, gamma and black level of each channel."""
    colour_matrix: np.ndarray
    """[3, 3] float32: saturation and a rotation of the hue."""
    vignette: float
    """Loss of light in the corners, 0-0.5."""
    defocus: float
    """Blur radius (sigma), as a share of the image's height."""
    resolution: float
    """Share of the image's height in pixels that the weakest link of the chain resolves; 1 resolves all."""
    chroma_blur: float
    """Blur radius of the colours alone, as a share of the image's height."""
    sharpening: float
    """Strength of the sharpening."""
    grain: np.ndarray
    """[G, G, 3] float32, noise of unit deviation."""
    dark_noise: float
    """Deviation of the noise in black, 0-255."""
    shot_noise: float
    """Growth of the noise with the square root of brightness."""
    quality: int
    """JPEG quality, 15-95; 100 leaves compression out."""
    noise_period: int
    """Frames for which the noise stands still: codecs repeat what hardly changes between frames."""
    interlaced: bool
    """Odd lines are half a frame later than even ones."""
    seed: int
    """Seed of the position of the noise in each frame."""

    @classmethod
    def sample(cls, rng: np.random.Generator) -> "Sensor":
        """Sample a recording chain: broadcast or phone, good or bad, sometimes with tinted or grey images."""
        return cls(
            tone_curves=_sample_tone_curves(rng),
            colour_matrix=_sample_colour_matrix(rng),
            vignette=float(rng.uniform(0, 0.45)) if rng.random() < 0.3 else 0.0,
            defocus=float(rng.uniform(0.0015, 0.0075)) if rng.random() < 0.45 else 0.0,
            resolution=float(rng.uniform(0.4, 0.95)) if rng.random() < 0.35 else 1.0,
            chroma_blur=float(rng.uniform(0.006, 0.022)) if rng.random() < 0.35 else 0.0,
            sharpening=float(rng.uniform(0.2, 1.1)) if rng.random() < 0.35 else 0.0,
            grain=_sample_grain(rng),
            dark_noise=float(rng.gamma(1.5, 1.2)),
            shot_noise=float(rng.gamma(1.2, 0.12)),
            quality=int(rng.integers(15, 96)) if rng.random() < 0.75 else 100,
            noise_period=int(rng.integers(2, 13)) if rng.random() < 0.3 else 1,
            interlaced=bool(rng.random() < 0.04),
            seed=int(rng.integers(2**31)),
        )

    @classmethod
    def sample_amateur(cls, rng: np.random.Generator) -> "Sensor":
        """Sample the chain of an old phone or a video of the web: soft, blocky, often too dark."""
        sensor = cls.sample(rng)
        curves = sensor.tone_curves
        if rng.random() < 0.4:
            dim = (np.arange(256) * rng.uniform(0.35, 0.8)).astype(np.uint8)
            curves = curves[dim]
        return replace(
            sensor,
            tone_curves=curves,
            resolution=float(rng.uniform(0.35, 0.9)),
            chroma_blur=float(rng.uniform(0.006, 0.022)),
            dark_noise=sensor.dark_noise + float(rng.gamma(1.5, 1.0)),
            quality=int(rng.integers(12, 60)),
            noise_period=int(rng.integers(1, 13)),
            interlaced=False,
        )

    def record(self, image: np.ndarray, number: int) -> np.ndarray:
        """Turn the ideal image of one frame into the recorded frame.

        Args:
            image: uint8 [h, w, 3].
            number: number of the source frame (decides the position of the noise).

        Returns:
            uint8 [h, w, 3].
        """
        height, width = image.shape[:2]
        if self.defocus * height > 0.25:
            image = cv2.GaussianBlur(image, (0, 0), self.defocus * height)
        image = cv2.LUT(cv2.transform(image, self.colour_matrix), self.tone_curves[:, None])
        if self.vignette:
            image = cv2.multiply(image, _vignette(height, width, self.vignette), dtype=cv2.CV_8U)
        if self.dark_noise > 0.3:
            image = self._add_noise(image, number)
        if self.resolution < 1:
            small = (max(int(width * self.resolution), 8), max(int(height * self.resolution), 8))
            image = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)
        if self.chroma_blur * height > 0.3:
            planes = cv2.cvtColor(image, cv2.COLOR_RGB2YCrCb)
            soft = cv2.GaussianBlur(planes, (0, 0), self.chroma_blur * height)
            soft[..., 0] = planes[..., 0]
            image = cv2.cvtColor(soft, cv2.COLOR_YCrCb2RGB)
        if self.sharpening:
            soft = cv2.GaussianBlur(image, (0, 0), max(0.7, 0.006 * height))
            image = cv2.addWeighted(image, 1 + self.sharpening, soft, -self.sharpening, 0)
        if self.quality < 100:
            bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
            _, code = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            decoded = cv2.imdecode(code, cv2.IMREAD_COLOR_RGB)
            if decoded is None:
                raise RuntimeError("OpenCV could not decode the JPEG image that it encoded")
            image = decoded
        return image

    @staticmethod
    def interlace(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Interlaced frames: the even lines of one series of fields [F, h, w, 3], the odd lines of another."""
        frames = first.copy()
        frames[:, 1::2] = second[:, 1::2]
        return frames

    def _add_noise(self, image: np.ndarray, number: int) -> np.ndarray:
        height, width = image.shape[:2]
        size = self.grain.shape[0]
        rng = np.random.Generator(np.random.PCG64((self.seed, number // self.noise_period)))
        top, left = rng.integers(0, size // 2, 2)
        if height > size // 2 or width > size // 2:
            # A larger image repeats the noise; the seams are invisible.
            down, across = -(-height // (size // 2)), -(-width // (size // 2))
            half = self.grain[top : top + size // 2, left : left + size // 2]
            grain = np.tile(half, (down, across, 1))[:height, :width]
        else:
            grain = self.grain[top : top + height, left : left + width]
        if self.shot_noise > 0.05:
            strength = cv2.LUT(image, (self.dark_noise + self.shot_noise * np.sqrt(np.arange(256))).astype(np.float32))
            return cv2.add(image, strength * grain, dtype=cv2.CV_8U)
        return cv2.scaleAdd(grain, self.dark_noise, image.astype(np.float32)).clip(0, 255).astype(np.uint8)


def _sample_tone_curves(rng: np.random.Generator) -> np.ndarray:
    level = np.arange(256) / 255
    balance = np.exp(rng.normal(0, 0.06, 3))
    if rng.random() < 0.08:
        balance = np.exp(rng.normal(0, 0.18, 3))
    gain = np.exp(rng.normal(0, 0.13))
    contrast = np.exp(rng.normal(0, 0.14))
    gamma = np.exp(rng.normal(0, 0.16))
    black = rng.uniform(0, 0.1) if rng.random() < 0.4 else 0.0
    curves = []
    for factor in balance / balance.mean():
        value = np.clip(level * gain * factor, 0, 1.4)
        value = 0.45 + contrast * (np.minimum(value, 1.0) ** gamma - 0.45)
        curves.append(black + (1 - black) * value)
    return np.clip(np.stack(curves, -1) * 255 + 0.5, 0, 255).astype(np.uint8)


def _sample_colour_matrix(rng: np.random.Generator) -> np.ndarray:
    kind = rng.random()
    if kind < 0.78:
        saturation = rng.uniform(0.75, 1.3)
    elif kind < 0.93:
        saturation = rng.uniform(0.3, 0.75)
    else:
        saturation = rng.uniform(0.0, 0.3)
    matrix = saturation * np.eye(3) + (1 - saturation) * np.repeat(LUMA_WEIGHTS[None], 3, 0)
    angle = rng.normal(0, 0.05)
    # A rotation about the grey axis rotates the hue.
    grey = np.full(3, 1 / np.sqrt(3))
    cross = np.array([[0, -grey[2], grey[1]], [grey[2], 0, -grey[0]], [-grey[1], grey[0], 0]])
    rotation = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(grey, grey)
    return (matrix @ rotation).astype(np.float32)


def _sample_grain(rng: np.random.Generator, size: int = 256) -> np.ndarray:
    grain: np.ndarray = rng.standard_normal((size, size, 3), dtype=np.float32)
    colour_share = rng.uniform(0.1, 1.0)
    grain = colour_share * grain + (1 - colour_share) * grain[..., :1]
    if rng.random() < 0.4:
        grain = cv2.GaussianBlur(grain, (0, 0), float(rng.uniform(0.5, 1.1)))
    return grain / grain.std()


def _vignette(height: int, width: int, strength: float) -> np.ndarray:
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    light = 1 - strength * (x * x + y * y) / 2
    return cv2.merge([light, light, light])
