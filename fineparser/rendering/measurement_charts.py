"""Charts of the measurements: path of the centre of mass over the board, rotation speed and hip angle over time.

Both are inline SVG in the colour of the text around them, for the report page, the app, and files of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fineparser.domain.phases import Phase
from fineparser.domain.rules import MAX_SPRINGBOARD_HEIGHT
from fineparser.kinematics import Kinematics, Quantity
from fineparser.rendering.chart_style import FONT, round_ticks
from fineparser.rendering.measurements import distinct_samples, number_text, path_indices
from fineparser.rendering.palette import DARK, LIGHT, PHASE_COLOURS, SKY_BLUE, VERMILION

PATH_WIDTH, PATH_HEIGHT = 300, 380
"""Largest size of the plot of the path, in units of the SVG; it is `LEAST_WIDTH` wide at least."""

LEAST_WIDTH = 180

ROTATION_WIDTH, PANEL_HEIGHT = 360, 120
"""Size of a plot over time, in units of the SVG."""

LEFT, RIGHT, TOP, BOTTOM = 38, 14, 22, 36
"""Margins around plots for ticks and titles: texts are 12 units high, legible at the width of a phone."""

TITLE_HEIGHT = 24
"""Height of the title above a plot over time."""

WATER_SHARE = 0.13
"""Depth of the water that is drawn, as a share of the height above it."""

BEHIND = 1.4
"""Metres of the board that are drawn."""

LEAST_REACH = 1.6
"""Least metres in front of the board that are drawn."""

DOT_SECONDS = 0.1
"""Seconds between two dots on the path."""

CURVE_POINTS = 60
"""Points of a parabola."""

BOARD_THICKNESS = {True: 0.06, False: 0.3}
"""Metres, of springboards and of platforms, as they are drawn."""

AROUND = 0.3
"""Seconds before the take-off and after the entry that are shown."""

NAME_WIDTH = 48
"""Units that the name of a phase takes."""

SOLID, DASHED = "", ' stroke-dasharray="5 4"'


@dataclass(frozen=True)
class _Plot:
    """Scales of one plot."""

    x: Callable[[float], float]
    y: Callable[[float], float]

    def line(self, points: np.ndarray, stroke: str, width: float, dash: str = SOLID) -> str:
        """Lines through points, float [n, 2], with gaps at NaN."""
        known = np.isfinite(points).all(axis=1)
        parts = np.split(np.arange(len(points)), np.flatnonzero(np.diff(known.astype(int))) + 1)
        return "".join(
            f'<polyline points="{" ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points[part])}" fill="none" '
            f'stroke="{stroke}" stroke-width="{width}" stroke-linejoin="round"{dash}/>'
            for part in parts
            if len(part) > 1 and known[part[0]]
        )


@dataclass(frozen=True)
class _FlightPath:
    """Path of the centre of mass in the air: as it was measured, and the parabola through it."""

    measured: np.ndarray
    """float64 [n, 2], metres."""
    curve: np.ndarray
    """float64 [m, 2] at even times from the take-off to the touch, metres."""
    dots: list[tuple[float, float, float]]
    """Seconds after the take-off, and the place on the parabola at that time, every `DOT_SECONDS`."""

    @classmethod
    def fit(cls, kinematics: Kinematics) -> "_FlightPath | None":
        """The path of a dive; None where too little of it is known."""
        series = kinematics.series
        end = _end(kinematics, series.seconds)
        indices = path_indices(series)
        seconds = series.seconds[indices]
        in_air = (seconds >= 0) & (seconds <= end)
        if in_air.sum() < 3:
            return None
        seconds, measured = seconds[in_air], series.path[indices[in_air]]
        along, fall = np.polyfit(seconds, measured[:, 0], 1), np.polyfit(seconds, measured[:, 1], 2)

        def places(times: np.ndarray) -> np.ndarray:
            return np.column_stack([np.polyval(along, times), np.polyval(fall, times)])

        times = np.arange(int(end / DOT_SECONDS + 1e-6) + 1) * DOT_SECONDS
        dots = [(float(time), float(x), float(y)) for time, (x, y) in zip(times, places(times), strict=True)]
        return cls(measured, places(np.linspace(0, end, CURVE_POINTS)), dots)


def path_chart(kinematics: Kinematics, exemplar: Kinematics | None = None) -> str:
    """Path of the centre of mass beside the board, in metres, as SVG; empty where it is not known.

    Args:
        kinematics: of the dive.
        exemplar: its path is drawn as well, dashed.
    """
    path = _FlightPath.fit(kinematics)
    if path is None or kinematics.height.value is None:
        return ""
    board = float(kinematics.height.value)
    other = None if exemplar is None else _FlightPath.fit(exemplar)
    curves = path.curve if other is None else np.concatenate([path.curve, other.curve])
    high = max(curves[:, 1].max(), board) + 0.4
    low = -WATER_SHARE * high
    left, right = min(-BEHIND, curves[:, 0].min() - 0.2), max(LEAST_REACH, curves[:, 0].max() + 0.4)
    unit = min(PATH_WIDTH / (right - left), PATH_HEIGHT / (high - low))
    right = max(right, left + LEAST_WIDTH / unit)
    width, height = LEFT + unit * (right - left) + RIGHT, TOP + unit * (high - low) + BOTTOM
    plot = _Plot(lambda x: LEFT + unit * (x - left), lambda y: TOP + unit * (high - y))
    parts = [_water(plot, left, right, low), _grid(plot, (left, right), (low, high))]
    thickness = BOARD_THICKNESS[board <= MAX_SPRINGBOARD_HEIGHT]
    parts.append(
        f'<rect x="{plot.x(left):.1f}" y="{plot.y(board):.1f}" width="{unit * -left:.1f}" '
        f'height="{max(3.0, unit * thickness):.1f}" fill="currentColor" opacity="0.75"/>'
        f'<path d="M{plot.x(0):.1f} {plot.y(board):.1f}V{plot.y(0):.1f}" stroke="currentColor" opacity="0.5"{DASHED}/>'
    )
    if other is not None:
        parts.append(f'<g opacity="0.6">{plot.line(other.curve, "currentColor", 2, DASHED)}</g>')
    inside = (path.measured >= [left, low]).all(axis=1) & (path.measured <= [right, high]).all(axis=1)
    parts += [
        f'<circle cx="{plot.x(x):.1f}" cy="{plot.y(y):.1f}" r="2" fill="currentColor" opacity="0.35"/>'
        for x, y in path.measured[inside]
    ]
    parts += [plot.line(path.curve, VERMILION.css, 2.5), _dots(plot, path.dots)]
    parts += [_apex(plot, kinematics, path.curve, board), _entry_distance(plot, kinematics)]
    parts.append(_text(plot.x((left + right) / 2), height - 4, "metres from the edge of the board", "middle"))
    parts.append(_text(2, 12, "metres above the water", "start"))
    return _svg(width, height, "Path of the centre of mass over the board", parts)


def _water(plot: _Plot, left: float, right: float, low: float) -> str:
    return (
        f'<rect x="{plot.x(left):.1f}" y="{plot.y(0):.1f}" width="{plot.x(right) - plot.x(left):.1f}" '
        f'height="{plot.y(low) - plot.y(0):.1f}" fill="{SKY_BLUE.css}" opacity="0.3"/>'
        f'<path d="M{plot.x(left):.1f} {plot.y(0):.1f}H{plot.x(right):.1f}" stroke="{SKY_BLUE.css}" stroke-width="2"/>'
    )


def _grid(plot: _Plot, x_range: tuple[float, float], y_range: tuple[float, float]) -> str:
    """Lines and numbers at round metres, the same distance apart in both directions."""
    (left, right), (low, high) = x_range, y_range
    step = round_ticks(0, high, most=6)[1][0]
    edge, bottom = plot.x(left), plot.y(low)
    parts = []
    for number in range(int(high // step) + 1):
        y = plot.y(number * step)
        line = f'<path d="M{edge:.1f} {y:.1f}H{plot.x(right):.1f}" stroke="currentColor" opacity="0.15"/>'
        parts.append(line + _text(LEFT - 6, y + 4, f"{number * step:g}", "end"))
    for number in range(int(np.ceil(left / step)), int(right // step) + 1):
        x, text = plot.x(number * step), f"{number * step:g}".replace("-", "\u2212")
        line = f'<path d="M{x:.1f} {TOP}V{bottom:.1f}" stroke="currentColor" opacity="0.15"/>'
        parts.append(line + _text(x, bottom + 14, text, "middle"))
    return "".join(parts)


def _dots(plot: _Plot, dots: list[tuple[float, float, float]]) -> str:
    """Dots at equal times from the take-off on, so that their distances show the speed."""
    return "".join(
        f'<circle cx="{plot.x(x):.1f}" cy="{plot.y(y):.1f}" r="3" fill="{VERMILION.css}">'
        f"<title>{time:.1f} s after the take-off: {y:.1f} m above the water</title></circle>"
        for time, x, y in dots
    )


def _apex(plot: _Plot, kinematics: Kinematics, path: np.ndarray, board: float) -> str:
    """Height above the board as a dimension beside the top of the path."""
    quantity = kinematics.height_above_board
    if quantity.value is None or quantity.error is None:
        return ""
    x = plot.x(path[path[:, 1].argmax(), 0]) - 12
    y0, y1 = plot.y(board), plot.y(board + quantity.value)
    text = number_text(quantity.value, quantity.error, quantity.unit)
    return (
        f'<path d="M{x - 5:.1f} {y0:.1f}h10M{x:.1f} {y0:.1f}V{y1:.1f}m-5 0h22" fill="none" stroke="currentColor"/>'
        + _text(x - 7, (y0 + y1) / 2 + 4, text, "end", bold=True)
    )


def _entry_distance(plot: _Plot, kinematics: Kinematics) -> str:
    """Distance of the entry from the board as a dimension below the surface."""
    quantity = kinematics.entry_distance
    if quantity.value is None or quantity.error is None:
        return ""
    x0, x1, y = plot.x(0), plot.x(quantity.value), plot.y(0) + 12
    text = number_text(quantity.value, quantity.error, quantity.unit)
    return (
        f'<path d="M{x0:.1f} {y - 5:.1f}v10M{x0:.1f} {y:.1f}H{x1:.1f}m0 -5v10" fill="none" stroke="currentColor"/>'
        + _text((x0 + x1) / 2, y + 16, text, "middle", bold=True)
    )


def rotation_chart(kinematics: Kinematics, exemplar: Kinematics | None = None) -> str:
    """Rotation speed and hip angle over time with the phases, as SVG; empty where neither is known.

    Args:
        kinematics: of the dive.
        exemplar: its curves are drawn as well, dashed, from the same take-off.
    """
    series = kinematics.series
    panels = [
        (title, name)
        for title, name in (("Rotation speed, \u00b0/s", "rotation_speed"), ("Hip angle", "hip_angle"))
        if np.isfinite(getattr(series, name)).sum() > 1
    ]
    if not panels:
        return ""
    seconds = series.seconds
    end = _end(kinematics, seconds)
    start, stop = max(float(seconds.min()), -AROUND), min(float(seconds.max()), end + AROUND)
    inside = (seconds >= start) & (seconds <= stop) & distinct_samples(series)
    width, height = LEFT + ROTATION_WIDTH + RIGHT, TOP + len(panels) * (TITLE_HEIGHT + PANEL_HEIGHT) + BOTTOM

    def x(second: float) -> float:
        return LEFT + ROTATION_WIDTH * (second - start) / (stop - start)

    parts = [_phase_names(x, (start, end, stop))]
    bottom = float(TOP)
    for title, name in panels:
        top = bottom + TITLE_HEIGHT
        bottom = top + PANEL_HEIGHT
        values = getattr(series, name)
        is_angle = name == "hip_angle"
        highest = 180.0 if is_angle else 1.2 * float(np.nanmax(values[inside]))
        lowest = 0.0 if is_angle else min(0.0, float(np.nanmin(values[inside])))
        y = _y_scale(lowest, highest, top)
        plot = _Plot(x, y)
        ticks = [(0.0, "0\u00b0"), (90.0, "90\u00b0"), (180.0, "180\u00b0")] if is_angle else None
        parts.append(_bands(plot, (start, end, stop), top))
        for value, text in ticks or round_ticks(lowest, highest, most=3):
            line = f'<path d="M{LEFT} {y(value):.1f}h{ROTATION_WIDTH}" stroke="currentColor" opacity="0.15"/>'
            parts.append(line + _text(LEFT - 6, y(value) + 4, text, "end"))
        if exemplar is not None:
            curve = np.column_stack([exemplar.series.seconds, getattr(exemplar.series, name)])
            curve = curve[distinct_samples(exemplar.series)]
            curve = curve[(curve[:, 0] >= start) & (curve[:, 0] <= stop)]
            parts.append(f'<g opacity="0.6">{plot.line(curve, "currentColor", 2, DASHED)}</g>')
        parts.append(plot.line(np.column_stack([seconds, values])[inside], VERMILION.css, 2.5))
        parts.append(
            _come_out(plot, kinematics.opening_time, end, top) if is_angle else _peak(plot, kinematics.peak_rotation)
        )
        parts.append(_text(LEFT, top - 6, title, "start", bold=True))
    for value, text in round_ticks(start, stop, most=5):
        parts.append(_text(x(value), bottom + 15, text.replace("-", "\u2212"), "middle"))
    parts.append(_text(LEFT + ROTATION_WIDTH / 2, bottom + 31, "seconds after the take-off", "middle"))
    return _svg(width, height, "Rotation speed and hip angle over time", parts)


def _y_scale(lowest: float, highest: float, top: float) -> Callable[[float], float]:
    return lambda value: top + PANEL_HEIGHT * (highest - value) / (highest - lowest)


def _bands(plot: _Plot, edges: tuple[float, float, float], top: float) -> str:
    """Tints of the phases, and lines at the transitions."""
    parts = []
    for phase, low, high in _phase_ranges(*edges):
        left, right = plot.x(low), plot.x(high)
        parts.append(
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{PANEL_HEIGHT}" '
            f'fill="{PHASE_COLOURS[phase].css}" opacity="0.18"/>'
        )
        if low > edges[0]:
            parts.append(f'<path d="M{left:.1f} {top:.1f}v{PANEL_HEIGHT}" stroke="currentColor" stroke-width="1.5"/>')
    return "".join(parts)


def _phase_names(x: Callable[[float], float], edges: tuple[float, float, float]) -> str:
    """Names of the phases above the plots, where there is room."""
    return "".join(
        _text(x((low + high) / 2), 14, phase.label, "middle")
        for phase, low, high in _phase_ranges(*edges)
        if x(high) - x(low) > NAME_WIDTH
    )


def _phase_ranges(start: float, end: float, stop: float) -> list[tuple[Phase, float, float]]:
    """The phases between `start` and `stop`, seconds after the take-off, with the touch at `end`."""
    edges = [start, min(max(0.0, start), stop), min(end, stop), stop]
    ranges = zip(Phase, edges[:-1], edges[1:], strict=True)
    return [(phase, low, high) for phase, low, high in ranges if high > low]


def _come_out(plot: _Plot, opening_time: Quantity, end: float, top: float) -> str:
    """A dashed line where the shape opens."""
    if opening_time.value is None:
        return ""
    x = plot.x(end - opening_time.value)
    line = f'<path d="M{x:.1f} {top:.1f}v{PANEL_HEIGHT}" stroke="currentColor"{DASHED}/>'
    return line + _text(x - 5, top + PANEL_HEIGHT - 7, "come-out", "end")


def _peak(plot: _Plot, peak: Quantity) -> str:
    """A line at the fastest rotation."""
    if peak.value is None or peak.error is None:
        return ""
    y = plot.y(peak.value)
    line = f'<path d="M{LEFT} {y:.1f}h{ROTATION_WIDTH}" stroke="{VERMILION.css}"{DASHED}/>'
    return line + _text(LEFT + ROTATION_WIDTH - 3, y - 5, number_text(peak.value, peak.error, peak.unit), "end", True)


def _end(kinematics: Kinematics, seconds: np.ndarray) -> float:
    """Seconds of the touch after the take-off; the end of the clip if there is none."""
    return float(seconds.max(initial=0.0)) if kinematics.air_time.value is None else kinematics.air_time.value


def _text(x: float, y: float, text: str, anchor: str, bold: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{text}</text>'


def _svg(width: float, height: float, label: str, parts: list[str]) -> str:
    return (
        f'<svg class="fp-chart" viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="{label}" style="display:block;width:100%;height:auto;max-width:{1.2 * width:.0f}px" '
        f'font-family="{FONT.replace(chr(34), chr(39))}" font-size="12" fill="currentColor">{"".join(parts)}</svg>'
    )


def svg_file(chart: str) -> str:
    """A chart as a file of its own: the colours of a light or dark page, as the viewer prefers."""
    style = (
        f"<style>svg{{color:{LIGHT.text.css};background:{LIGHT.page.css}}}"
        f"@media (prefers-color-scheme:dark){{svg{{color:{DARK.text.css};background:{DARK.page.css}}}}}</style>"
    )
    head, body = chart.split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg">{style}{body}\n'
