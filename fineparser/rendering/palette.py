"""Colours by their role, distinguishable for colour-blind people (Okabe and Ito 2008)."""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.phases import Phase


@dataclass(frozen=True)
class Colour:
    """An opaque colour, channels 0 to 255."""

    red: int
    green: int
    blue: int

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Channels, for NumPy and for OpenCV on RGB images."""
        return self.red, self.green, self.blue

    @property
    def css(self) -> str:
        """CSS colour.

        >>> Colour(0, 158, 115).css
        '#009e73'
        """
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    def with_opacity(self, opacity: float) -> str:
        """CSS colour with an opacity of 0 (clear) to 1.

        >>> Colour(0, 158, 115).with_opacity(0.25)
        'rgba(0, 158, 115, 0.25)'
        """
        return f"rgba({self.red}, {self.green}, {self.blue}, {opacity:g})"

    @property
    def luminance(self) -> float:
        """Relative luminance, 0 (black) to 1 (white), as WCAG 2 defines it."""
        shares = [channel / 255 for channel in self.rgb]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(self, other: "Colour") -> float:
        """Contrast ratio of WCAG 2, 1 to 21; small text needs 4.5, large text and lines 3.

        >>> BLACK.contrast(WHITE)
        21.0
        """
        dark, light = sorted((self.luminance, other.luminance))
        return round((light + 0.05) / (dark + 0.05), 3)


ORANGE = Colour(230, 159, 0)
SKY_BLUE = Colour(86, 180, 233)
GREEN = Colour(0, 158, 115)
VERMILION = Colour(213, 94, 0)
WHITE = Colour(255, 255, 255)
BLACK = Colour(0, 0, 0)

HEATMAP = tuple(
    Colour(*(int(stop[start : start + 2], 16) for start in (0, 2, 4)))
    for stop in ["00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369", "e1cc55", "fee838"]
)
"""Colours of a heatmap from 0 to 1 at even steps (cividis, Nunez et al. 2018): lightness rises evenly."""

PHASE_COLOURS = {Phase.TAKE_OFF: ORANGE, Phase.FLIGHT: SKY_BLUE, Phase.ENTRY: GREEN}


@dataclass(frozen=True)
class Theme:
    """Colours of a figure's text and grid; its background is transparent."""

    text: Colour
    muted: Colour
    """Of axes and notes."""
    grid: str
    """CSS colour of grid lines."""
    page: Colour
    """Background that it is meant for."""


LIGHT = Theme(Colour(31, 41, 55), Colour(85, 92, 104), "rgba(31, 41, 55, 0.14)", WHITE)
DARK = Theme(Colour(243, 244, 246), Colour(168, 174, 184), "rgba(243, 244, 246, 0.18)", Colour(11, 15, 25))
NEUTRAL = Theme(Colour(121, 121, 121), Colour(121, 121, 121), "rgba(128, 128, 128, 0.3)", WHITE)
"""A grey with the same contrast on white and on a nearly black page, where the page's theme is unknown."""


def heatmap(values: np.ndarray) -> np.ndarray:
    """Values [...], 0 to 1, as an image in the colours of `HEATMAP`: uint8 [..., 3].

    >>> heatmap(np.array([0.0, 1.0])).tolist()
    [[0, 34, 78], [254, 232, 56]]
    """
    stops = np.array([colour.rgb for colour in HEATMAP], float)
    steps = np.linspace(0, 1, len(HEATMAP))
    levels = np.linspace(0, 1, 256)
    table = np.stack([np.interp(levels, steps, channel) for channel in stops.T], axis=-1).round().astype(np.uint8)
    return table[np.rint(np.clip(values, 0, 1).astype(np.float32) * 255).astype(np.uint8)]
