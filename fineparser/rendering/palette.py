"""Colours that colour-blind people tell apart (Okabe and Ito 2008), by what they stand for."""

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
        """As numpy pictures and OpenCV drawings on RGB pictures take it."""
        return self.red, self.green, self.blue

    @property
    def css(self) -> str:
        """As pages and figures take it.

        >>> Colour(0, 158, 115).css
        '#009e73'
        """
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    def faded(self, opacity: float) -> str:
        """As pages and figures take it, `opacity` 0 (clear) to 1.

        >>> Colour(0, 158, 115).faded(0.25)
        'rgba(0, 158, 115, 0.25)'
        """
        return f"rgba({self.red}, {self.green}, {self.blue}, {opacity:g})"

    @property
    def luminance(self) -> float:
        """Relative luminance, 0 (black) to 1 (white), as WCAG 2 defines it."""
        shares = [channel / 255 for channel in self.rgb]
        linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    def contrast(self, other: "Colour") -> float:
        """Contrast ratio of WCAG 2, 1 to 21; small text wants 4.5, large text and lines 3.

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

HEAT = tuple(
    Colour(*(int(stop[place : place + 2], 16) for place in (0, 2, 4)))
    for stop in ["00224e", "123570", "3b496c", "575d6d", "707173", "8a8678", "a59c74", "c3b369", "e1cc55", "fee838"]
)
"""From nothing to all, at even steps (cividis, Nunez and others 2018): lightness rises evenly for everybody's eyes."""

PHASE_COLOURS = {Phase.TAKE_OFF: ORANGE, Phase.FLIGHT: SKY_BLUE, Phase.ENTRY: GREEN}


@dataclass(frozen=True)
class Theme:
    """What figures are written with; their background is clear, so that the page shows through."""

    text: Colour
    muted: Colour
    """For what comes second: axes, notes."""
    grid: str
    """CSS colour of the grid's lines."""
    page: Colour
    """The darkest or lightest ground that it is meant for."""


LIGHT = Theme(Colour(31, 41, 55), Colour(85, 92, 104), "rgba(31, 41, 55, 0.14)", WHITE)
DARK = Theme(Colour(243, 244, 246), Colour(168, 174, 184), "rgba(243, 244, 246, 0.18)", Colour(11, 15, 25))
EITHER = Theme(Colour(121, 121, 121), Colour(121, 121, 121), "rgba(128, 128, 128, 0.3)", WHITE)
"""The one grey that reads equally well on white and on a nearly black page, where the page's theme is not known."""


def heat(shares: np.ndarray) -> np.ndarray:
    """Numbers [...], 0 to 1, as a picture in the colours of `HEAT`: uint8 [..., 3].

    >>> heat(np.array([0.0, 1.0])).tolist()
    [[0, 34, 78], [254, 232, 56]]
    """
    stops = np.array([colour.rgb for colour in HEAT], float)
    places = np.linspace(0, 1, len(HEAT))
    levels = np.linspace(0, 1, 256)
    table = np.stack([np.interp(levels, places, channel) for channel in stops.T], axis=-1).round().astype(np.uint8)
    return table[np.rint(np.clip(shares, 0, 1).astype(np.float32) * 255).astype(np.uint8)]
