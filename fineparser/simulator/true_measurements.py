"""True values of what the kinematics measure, of the first diver of a simulated dive."""

import numpy as np

from fineparser.domain.clip_geometry import LAYERS
from fineparser.simulator.athlete.skeleton import JOINT_INDEX
from fineparser.simulator.flight.diver_motion import DiverMotion
from fineparser.simulator.plan import DivePlan

MOST_OPEN_DEG = 140.0
"""Tightest hip angle above which a dive has no shape that opens."""
SPLASH_RATE, SPLASH_SECONDS = 15, 1.2
"""Frames a second in which a splash is measured, and seconds after the touch in which it is."""
SPLASH_COVERAGE, SPLASH_WIDTH = 0.3, 0.03
"""Share of a pixel from which on it shows water, and metres of such pixels in a row that belongs to the splash."""


def true_measurements(plan: DivePlan, lines: int) -> dict[str, float]:
    """True values by the names of measurements, in their units; one that the dive does not have is left out.

    Args:
        plan: of the dive.
        lines: height in pixels of the frames in which the splash is measured.
    """
    motion = plan.motions[0]
    in_air = (motion.times >= motion.take_off_time) & (motion.times <= motion.entry_time)
    touch = motion.at(np.array([motion.entry_time]))
    lowest = "fingertip" if plan.code.head_first else "shoulder"
    measurements = {
        "height_above_board": float(motion.centre_of_mass[in_air, 2].max()) - plan.height,
        "entry_distance": motion.entry_position[0],
        "tightest_hip": float(motion.hip_angle[in_air].min()),
        "tightest_knee": float(motion.knee_angle[in_air].min()),
        "knee_bend": float(np.median(180.0 - motion.knee_angle[in_air])),
        "entry_angle": _line_angle(motion, "toe", lowest),
        "trunk_angle": _line_angle(motion, "hip", lowest),
        "entry_lean": _lean(motion, "toe", lowest),
        "entry_hip_bend": 180.0 - float(touch.hip_angle[0]),
        **_splash(plan, lines),
    }
    opening = _opening_seconds(motion)
    if opening is not None:
        measurements["opening_time"] = motion.entry_time - opening
    return measurements


def _opening_seconds(motion: DiverMotion) -> float | None:
    """Seconds at which the hips pass half-way from their tightest angle to that at the touch; None for a dive without
    a shape that opens."""
    in_air = (motion.times >= motion.take_off_time) & (motion.times <= motion.entry_time)
    times, hip_angle = motion.times[in_air], motion.hip_angle[in_air]
    tightest = int(hip_angle.argmin())
    if hip_angle[tightest] > MOST_OPEN_DEG:
        return None
    after = hip_angle[tightest:]
    half = (hip_angle[tightest] + hip_angle[-1]) / 2
    return float(times[tightest + int(np.argmax(after >= half))])


def _line_angle(motion: DiverMotion, start: str, end: str) -> float:
    """Degrees by which a line between two joints is past the vertical at the touch, negative before it, in the plane of
    the dive."""
    up = _line(motion, start, end)
    in_air = (motion.times >= motion.take_off_time) & (motion.times <= motion.entry_time)
    trunk = motion.trunk_direction[in_air]
    turned = np.unwrap(np.arctan2(trunk[:, 0], trunk[:, 2]))
    return float(np.rad2deg(np.arctan2(up[0], up[2])) * np.sign(turned[-1] - turned[0]))


def _lean(motion: DiverMotion, start: str, end: str) -> float:
    """Degrees by which the line leans to the side."""
    up = _line(motion, start, end)
    return float(np.rad2deg(np.arctan2(up[1], up[2])))


def _line(motion: DiverMotion, start: str, end: str) -> np.ndarray:
    """Vector [3] from the lower to the upper end of a line between joints at the touch, the mean of both sides."""
    joints = motion.at(np.array([motion.entry_time])).joints[0]
    ends = [joints[[JOINT_INDEX[f"{name}_l"], JOINT_INDEX[f"{name}_r"]]].mean(0) for name in (start, end)]
    return np.asarray(max(ends, key=lambda point: point[2]) - min(ends, key=lambda point: point[2]))


def _splash(plan: DivePlan, lines: int) -> dict[str, float]:
    """Height above the surface and largest area of the flying water as it is rendered, metres and square metres."""
    motion = plan.motions[0]
    numbers = np.flatnonzero((plan.times >= motion.entry_time) & (plan.times <= motion.entry_time + SPLASH_SECONDS))
    numbers = numbers[:: max(round(plan.fps * plan.slow_motion / SPLASH_RATE), 1)]
    if not len(numbers):
        return {}
    water = plan.layers(numbers, lines)[..., LAYERS.index("flying water")] / 255.0
    surface = np.tile([[*motion.entry_position, 0.0]], (len(numbers), 1, 1))
    level = plan.project(surface, numbers, lines)[:, 0, 1]
    metre = plan.poses(numbers, lines)[:, -1] * lines
    width = (water > SPLASH_COVERAGE).sum(2)  # pixels in each row
    shown = width >= np.maximum(SPLASH_WIDTH * metre, 1.0)[:, None]
    top = np.where(shown.any(1), level - shown.argmax(1), 0.0)
    area = water.sum((1, 2)) / (metre**2 * plan.style.stretch)
    return {"splash_height": float(max((top / metre).max(), 0.0)), "splash_area": float(area.max())}
