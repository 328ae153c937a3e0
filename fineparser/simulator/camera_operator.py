"""Whoever turns the camera: holds still in the stance, reacts late, follows, overshoots, shakes."""

import math
from dataclasses import dataclass

import numpy as np

STEP = 1 / 60  # s, the grid on which the operator's hands are integrated


@dataclass(frozen=True)
class Operator:
    """A person who follows a moving target: a damped spring with a dead zone and imperfect speed matching."""

    stiffness: float
    """Natural frequency of the following in rad/s; higher follows more tightly."""
    damping: float
    """1 is critical; less overshoots when the target stops."""
    dead_zone: float
    """Error tolerated before the hands move, as a share of the field of view."""
    miss: float
    """How far the target runs ahead at its top speed, as a share of the field of view."""
    zooms: tuple = ()
    """((seconds after take-off or entry, "take-off" or "entry", duration s, factor), ...)."""
    drift: float = 0.0
    """Slow zoom, as the logarithm of the factor gained in a second."""

    @classmethod
    def sample(cls, rng, kind):
        """Draw a practised ("broadcast") or an amateur ("handheld") operator."""
        practised = kind == "broadcast"
        zooms = []
        if rng.random() < (0.35 if practised else 0.2):
            zooms.append((rng.uniform(-0.6, 0.4), "take-off", rng.uniform(0.5, 1.5), rng.uniform(0.8, 1.15)))
        if rng.random() < 0.25:
            zooms.append((rng.uniform(-0.3, 0.4), "entry", rng.uniform(0.3, 0.9), rng.uniform(0.75, 1.45)))
        return cls(
            stiffness=rng.uniform(7, 14) if practised else rng.uniform(5, 10),
            damping=rng.uniform(0.65, 1.05),
            dead_zone=rng.uniform(0.02, 0.12),
            miss=rng.uniform(-0.05, 0.34) if practised else rng.uniform(0.0, 0.4),
            zooms=tuple(zooms),
            drift=rng.normal(0, 0.03) if rng.random() < 0.2 else 0.0,
        )

    def zoom(self, times, entry_time):
        """Focal length factors [T]: smooth steps on a slow drift."""
        logarithm = self.drift * (times - times[0])
        for delay, event, duration, factor in self.zooms:
            start = delay + (entry_time if event == "entry" else 0.0)
            ramp = np.clip((times - start) / duration, 0, 1)
            logarithm += math.log(factor) * ramp * ramp * (3 - 2 * ramp)
        return np.exp(np.clip(logarithm, -0.5, 0.5))


def follow(operator, times, wanted, field):
    """Angles [T] of a camera whose operator tries to keep to the `wanted` angles [T] (radians).

    `field` is the field of view in the same direction, radians: what the operator can see of the error.
    """
    grid = np.arange(times[0], times[-1] + STEP, STEP)
    goal = np.interp(grid, times, wanted)
    speed = np.gradient(goal, STEP) if len(grid) > 1 else np.zeros_like(goal)
    top_speed = np.abs(speed).max() + 1e-6
    stiffness, damping, zone = operator.stiffness, operator.damping, operator.dead_zone * field
    # In steady following the error is matched * top speed * 2 * damping / stiffness; solve for the wanted miss.
    lag = operator.miss * field / top_speed
    matched = 1 - np.clip(lag * stiffness / (2 * damping), -0.3, 0.9)
    angle, rate, angles = float(goal[0]), 0.0, np.empty(len(grid))
    engaged = 0.0
    for index, (place, pace) in enumerate(zip(goal.tolist(), speed.tolist(), strict=True)):
        angles[index] = angle
        error = place - angle
        beyond = math.copysign(max(abs(error) - zone, 0.0), error)
        # Hands move for as long as there is an error to mend, and come to rest smoothly afterwards.
        engaged += ((1.0 if beyond else 0.3 if abs(rate) > 0.02 else 0.0) - engaged) * 0.25
        rate += STEP * (stiffness**2 * beyond + 2 * damping * stiffness * (matched * engaged * pace - rate))
        angle += STEP * rate
    return np.interp(times, grid, angles)


def shake(rng, times, strength):
    """Angular unrest of a hand-held camera [T]: sway of 0.5-3 Hz and a tremor of 6-11 Hz, radians."""
    frequency = np.concatenate([rng.uniform(0.5, 3.0, 4), rng.uniform(6, 11, 2)])
    size = strength * np.concatenate([rng.uniform(0.2, 1.0, 4) / frequency[:4], rng.uniform(0.01, 0.08, 2)])
    phase = rng.uniform(0, 2 * np.pi, 6)
    return (size * np.sin(2 * np.pi * frequency * times[:, None] + phase)).sum(1)
