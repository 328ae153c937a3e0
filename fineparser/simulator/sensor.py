"""From light to a picture file: what cameras, tapes and codecs of 2000-2026 do to a frame.

Everything about one recording (exposure, colours, sharpness, noise, compression) is drawn once in `Sensor.sample`;
only grain differs from frame to frame. Lengths are in shares of the picture's lines so that a recording looks
alike at every size.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True)
class Sensor:
    """One recording chain."""

    curve: np.ndarray
    """[256, 3] uint8: exposure, white balance, contrast, gamma and black level of each channel."""
    colours: np.ndarray
    """[3, 3] float32: saturation and a turn of the hue."""
    vignette: float
    """Loss of light in the corners, 0-0.5."""
    defocus: float
    """Blur radius (sigma), as a share of the lines."""
    detail: float
    """Share of the lines that the weakest link of the chain keeps; 1 keeps all."""
    chroma_blur: float
    """Blur radius of the colours alone, as a share of the lines."""
    halo: float
    """Strength of the sharpening."""
    grain: np.ndarray
    """[G, G, 3] float32, noise of unit deviation."""
    noise: float
    """Deviation of the noise in black, 0-255."""
    shot: float
    """Growth of the noise with the square root of brightness."""
    quality: int
    """JPEG quality, 15-95; 100 leaves compression out."""
    group: int
    """Frames over which the noise stands still: codecs carry what hardly changes from frame to frame."""
    combed: bool
    """Interlaced: odd lines are half a frame later."""
    seed: int
    """Of the grain's place in each frame."""

    @classmethod
    def sample(cls, rng):
        """Draw a recording chain: broadcasts and phones, good and bad ones, now and then a tinted or grey picture."""
        return cls(
            curve=_curve(rng),
            colours=_colour_matrix(rng),
            vignette=float(rng.uniform(0, 0.45)) if rng.random() < 0.3 else 0.0,
            defocus=float(rng.uniform(0.0015, 0.0075)) if rng.random() < 0.45 else 0.0,
            detail=float(rng.uniform(0.4, 0.95)) if rng.random() < 0.35 else 1.0,
            chroma_blur=float(rng.uniform(0.006, 0.022)) if rng.random() < 0.35 else 0.0,
            halo=float(rng.uniform(0.2, 1.1)) if rng.random() < 0.35 else 0.0,
            grain=_grain(rng),
            noise=float(rng.gamma(1.5, 1.2)),
            shot=float(rng.gamma(1.2, 0.12)),
            quality=int(rng.integers(15, 96)) if rng.random() < 0.75 else 100,
            group=int(rng.integers(2, 13)) if rng.random() < 0.3 else 1,
            combed=bool(rng.random() < 0.04),
            seed=int(rng.integers(2**31)),
        )

    def develop(self, picture, number):
        """Turn the light of one frame into the recorded frame.

        Args:
            picture: uint8 [h, w, 3].
            number: of the source frame (decides where the grain lies).

        Returns:
            uint8 [h, w, 3].
        """
        height, width = picture.shape[:2]
        if self.defocus * height > 0.25:
            picture = cv2.GaussianBlur(picture, (0, 0), self.defocus * height)
        picture = cv2.LUT(cv2.transform(picture, self.colours), self.curve[:, None])
        if self.vignette:
            picture = cv2.multiply(picture, _fall_off(height, width, self.vignette), dtype=cv2.CV_8U)
        if self.noise > 0.3:
            picture = self._add_grain(picture, number)
        if self.detail < 1:
            small = (max(int(width * self.detail), 8), max(int(height * self.detail), 8))
            picture = cv2.resize(picture, small, interpolation=cv2.INTER_AREA)
            picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_CUBIC)
        if self.chroma_blur * height > 0.3:
            planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
            soft = cv2.GaussianBlur(planes, (0, 0), self.chroma_blur * height)
            soft[..., 0] = planes[..., 0]
            picture = cv2.cvtColor(soft, cv2.COLOR_YCrCb2RGB)
        if self.halo:
            soft = cv2.GaussianBlur(picture, (0, 0), max(0.7, 0.006 * height))
            picture = cv2.addWeighted(picture, 1 + self.halo, soft, -self.halo, 0)
        if self.quality < 100:
            turned = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
            _, code = cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, self.quality])
            picture = cv2.imdecode(code, cv2.IMREAD_COLOR_RGB)
        return picture

    @staticmethod
    def weave(first, second):
        """Interlaced frames: the even lines of one series of fields [F, h, w, 3], the odd lines of another."""
        woven = first.copy()
        woven[:, 1::2] = second[:, 1::2]
        return woven

    def _add_grain(self, picture, number):
        height, width = picture.shape[:2]
        size = self.grain.shape[0]
        place = np.random.Generator(np.random.PCG64((self.seed, number // self.group)))
        top, left = place.integers(0, size // 2, 2)
        if height > size // 2 or width > size // 2:
            # A larger picture tiles the grain; the seams drown in it.
            down, across = -(-height // (size // 2)), -(-width // (size // 2))
            half = self.grain[top : top + size // 2, left : left + size // 2]
            grain = np.tile(half, (down, across, 1))[:height, :width]
        else:
            grain = self.grain[top : top + height, left : left + width]
        if self.shot > 0.05:
            strength = cv2.LUT(picture, (self.noise + self.shot * np.sqrt(np.arange(256))).astype(np.float32))
            return cv2.add(picture, strength * grain, dtype=cv2.CV_8U)
        return cv2.scaleAdd(grain, self.noise, picture.astype(np.float32)).clip(0, 255).astype(np.uint8)


def _curve(rng):
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


def _colour_matrix(rng):
    kind = rng.random()
    if kind < 0.78:
        saturation = rng.uniform(0.75, 1.3)
    elif kind < 0.93:
        saturation = rng.uniform(0.3, 0.75)
    else:
        saturation = rng.uniform(0.0, 0.3)
    matrix = saturation * np.eye(3) + (1 - saturation) * np.repeat(_LUMA[None], 3, 0)
    angle = rng.normal(0, 0.05)
    # A turn about the grey axis is a turn of the hue.
    grey = np.full(3, 1 / np.sqrt(3))
    cross = np.array([[0, -grey[2], grey[1]], [grey[2], 0, -grey[0]], [-grey[1], grey[0], 0]])
    turn = np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * np.outer(grey, grey)
    return (matrix @ turn).astype(np.float32)


def _grain(rng, size=256):
    grain = rng.standard_normal((size, size, 3), dtype=np.float32)
    colourful = rng.uniform(0.1, 1.0)
    grain = colourful * grain + (1 - colourful) * grain[..., :1]
    if rng.random() < 0.4:
        grain = cv2.GaussianBlur(grain, (0, 0), float(rng.uniform(0.5, 1.1)))
    return grain / grain.std()


def _fall_off(height, width, strength):
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    light = 1 - strength * (x * x + y * y) / 2
    return cv2.merge([light, light, light])
