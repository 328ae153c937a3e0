"""Tone mapping of HDR recordings (HLG and PQ, ITU-R BT.2100) to SDR (BT.709 primaries, gamma of BT.1886).

Reference white, 203 cd/m2 (ITU-R BT.2408), is the brightest white of SDR. The curve of ITU-R BT.2390 (EETF) compresses
what is brighter than about half of it; all else keeps its brightness.
"""

import cv2
import numpy as np
from av.video.reformatter import ColorTrc

HDR_TRANSFERS = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
"""Transfer characteristics that are tone-mapped: PQ and HLG."""

REFERENCE_WHITE = 203.0
"""Brightness of a white sheet in HDR, cd/m2, which SDR shows as its brightest white (ITU-R BT.2408)."""

PEAK = 1000.0
"""Brightest light of a recording, cd/m2: the nominal peak of HLG, and of what phones record as PQ."""

HLG_GAMMA = 1.2
"""Exponent of the OOTF at a peak of 1000 cd/m2 (ITU-R BT.2100, table 5)."""

SDR_GAMMA = 2.4
"""Exponent of an SDR display (ITU-R BT.1886)."""

LUMINANCE_2020 = np.array([0.2627, 0.6780, 0.0593])
"""Share of red, green and blue in the luminance (ITU-R BT.2020)."""

BT2020_TO_BT709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
"""Linear RGB of BT.2020 to that of BT.709 (ITU-R BT.2087, inverse of its table)."""

PQ_M1, PQ_M2 = 2610 / 16384, 2523 / 4096 * 128
PQ_C1, PQ_C2, PQ_C3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
HLG_A, HLG_B, HLG_C = 0.17883277, 0.28466892, 0.55991073
"""Constants of PQ and HLG (ITU-R BT.2100, tables 4 and 5)."""

GAIN_STEPS, DISPLAY_STEPS = 2**13, 2**14
"""Lengths of tables."""


def tone_map(signal: np.ndarray, transfer: ColorTrc) -> np.ndarray:
    """Convert HDR to SDR.

    Args:
        signal: non-linear R'G'B' of BT.2020 in 0..1, [..., 3].
        transfer: PQ or HLG.

    Returns:
        Non-linear R'G'B' of BT.709 in 0..1, [..., 3].
    """
    light = pq_to_light(signal) if transfer == ColorTrc.SMPTE2084 else hlg_to_light(signal)
    light = np.maximum(light @ BT2020_TO_BT709.T, 0)
    # The brightest colour is compressed and the others in proportion, so that the hue stays.
    brightest = light.max(axis=-1, keepdims=True)
    light = light * (compress(brightest) / np.maximum(brightest, 1e-6))
    return np.clip(light / REFERENCE_WHITE, 0, 1) ** (1 / SDR_GAMMA)


def pq_to_light(signal: np.ndarray) -> np.ndarray:
    """Light of a display in cd/m2 from PQ (EOTF of ITU-R BT.2100, table 4)."""
    root = np.asarray(signal, np.float64) ** (1 / PQ_M2)
    return 10000 * (np.maximum(root - PQ_C1, 0) / (PQ_C2 - PQ_C3 * root)) ** (1 / PQ_M1)


def light_to_pq(light: np.ndarray) -> np.ndarray:
    """PQ of light in cd/m2, the inverse of `pq_to_light`."""
    power = (np.asarray(light, np.float64) / 10000) ** PQ_M1
    return ((PQ_C1 + PQ_C2 * power) / (1 + PQ_C3 * power)) ** PQ_M2


def hlg_to_scene(signal: np.ndarray) -> np.ndarray:
    """Light of a scene in 0..1 from HLG (inverse OETF of ITU-R BT.2100, table 5)."""
    signal = np.asarray(signal, np.float64)
    return np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - HLG_C) / HLG_A) + HLG_B) / 12)


def hlg_to_light(signal: np.ndarray) -> np.ndarray:
    """Light of a display in cd/m2 from HLG, [..., 3] (with the OOTF of ITU-R BT.2100, table 5)."""
    scene = hlg_to_scene(signal)
    luminance = np.maximum(scene @ LUMINANCE_2020, 1e-9)
    return PEAK * scene * luminance[..., None] ** (HLG_GAMMA - 1)


def compress(light: np.ndarray) -> np.ndarray:
    """Compress light in cd/m2 from `PEAK` to `REFERENCE_WHITE` (EETF of ITU-R BT.2390, section 5.4.1)."""
    white = float(light_to_pq(np.array(REFERENCE_WHITE)) / light_to_pq(np.array(PEAK)))
    knee = 1.5 * white - 0.5
    level = np.minimum(light_to_pq(light) / light_to_pq(np.array(PEAK)), 1)
    t = np.clip((level - knee) / (1 - knee), 0, 1)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * white
    return pq_to_light(np.where(level < knee, level, spline) * light_to_pq(np.array(PEAK)))


class ToneMapper:
    """Tone mapping of images, by tables: the same as `tone_map` to within one grey level of 255, and much faster.

    Args:
        transfer: transfer characteristic of the images, PQ or HLG.
    """

    def __init__(self, transfer: ColorTrc) -> None:
        signal = np.linspace(0, 1, 2**16)
        self._is_hlg = transfer == ColorTrc.ARIB_STD_B67
        light = hlg_to_scene(signal) if self._is_hlg else pq_to_light(signal)
        self._light = light.astype(np.float32)
        brightest = np.linspace(0, PEAK, GAIN_STEPS)
        gain = compress(brightest) / np.maximum(brightest, 1e-6) / REFERENCE_WHITE
        gain[0] = gain[1]
        self._gain = gain.astype(np.float32)
        # The index is the square root of the light, since the curve is steep in the dark.
        self._display = np.round(255 * np.linspace(0, 1, DISPLAY_STEPS) ** (2 / SDR_GAMMA)).astype(np.uint8)

    def map(self, image: np.ndarray) -> np.ndarray:
        """Tone-map an image of BT.2020, uint16 R'G'B' [H, W, 3], full range; uint8 of BT.709."""
        light = self._light[image]
        if self._is_hlg:
            luminance = cv2.transform(light, LUMINANCE_2020[None].astype(np.float32))
            system_gain = PEAK * cv2.pow(np.maximum(luminance, 1e-9), HLG_GAMMA - 1)
            light *= system_gain[..., None]
        light = cv2.transform(light, BT2020_TO_BT709.astype(np.float32))
        brightest = cv2.max(cv2.max(light[..., 0], light[..., 1]), light[..., 2])
        within = np.clip(brightest, 0, PEAK)
        gain = self._gain[(within * ((GAIN_STEPS - 1) / PEAK)).astype(np.uint16)]
        light = light * (gain * within / np.maximum(brightest, 1e-6))[..., None]
        roots = cv2.sqrt(np.clip(light, 0, 1))
        return self._display[(roots * (DISPLAY_STEPS - 1)).astype(np.uint16)]
