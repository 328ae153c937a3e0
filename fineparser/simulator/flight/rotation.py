"""Rotation in the air at constant angular momentum and changing shape.

Angles are those of the pelvis, in the order somersault, tilt, twist: its axes in the world are
Ry(somersault) Rx(tilt) Rz(twist), with the angular momentum along y (M. R. Yeadon, "The simulation of aerial
movement", Journal of Biomechanics 23, 1990, uses the same three). With the inertia I of the shape and the momentum h of
its change, the angular velocity in the body frame is I^-1 (L - h).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fineparser.simulator.athlete.shape import ShapeSequence

ROOT_TOLERANCE = 2e-3
"""Largest residual (radians) that `find_root` accepts."""
MAX_BALANCE_SHARE = 0.05
"""Share of the angular momentum that movements outside the shapes may carry; see `TiltBalance`."""


@dataclass(frozen=True)
class Rotation:
    """Orientation during a flight, radians."""

    somersault: np.ndarray
    """[N]"""
    tilt: np.ndarray
    """[N]"""
    twist: np.ndarray
    """[N]"""

    def matrices(self) -> np.ndarray:
        """Rotations [N, 3, 3] from body axes to the frame of the angular momentum."""
        cs, ss = np.cos(self.somersault), np.sin(self.somersault)
        ct, st = np.cos(self.tilt), np.sin(self.tilt)
        cw, sw = np.cos(self.twist), np.sin(self.twist)
        zero = np.zeros_like(cs)
        # Ry(somersault) @ Rx(tilt), column by column, then Rz(twist)
        first = np.stack([cs, zero, -ss], axis=-1)
        second = np.stack([ss * st, ct, cs * st], axis=-1)
        third = np.stack([ss * ct, -st, cs * ct], axis=-1)
        x = first * cw[:, None] + second * sw[:, None]
        y = second * cw[:, None] - first * sw[:, None]
        return np.stack([x, y, third], axis=-1)


def _accumulate(rate: np.ndarray, step: float) -> np.ndarray:
    """Integral [N] from the first sample, by the trapezoidal rule."""
    return np.concatenate([[0.0], np.cumsum((rate[1:] + rate[:-1]) * (step / 2))])


def planar_rotation(shapes: ShapeSequence, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Integrate the rotation of shapes that are the same left and right, which stays in one plane.

    Returns:
        (turn for unit angular momentum, turn by the change of shape), each [N]: the somersault is
        start + momentum * first - second.
    """
    inertia = shapes.inertia[:, 1, 1]
    return _accumulate(1.0 / inertia, step), _accumulate(shapes.momentum[:, 1] / inertia, step)


@dataclass(frozen=True)
class TiltBalance:
    """Control of the tilt by small movements of head, hands and hips that are not part of the shapes.

    They carry at most a share of the angular momentum, which is constant within it.
    """

    gain: np.ndarray
    """[N] rate (1/s) at which tilt is removed."""
    share: float = MAX_BALANCE_SHARE
    """Largest share of the angular momentum that they carry."""

    def first(self, count: int) -> "TiltBalance":
        """The control of the first `count` samples."""
        return replace(self, gain=self.gain[:count])


def integrate_rotation(
    shapes: ShapeSequence,
    step: float,
    momentum: float,
    start: float,
    tilt: float = 0.0,
    balance: TiltBalance | None = None,
) -> Rotation:
    """Integrate the rotation of any sequence of shapes, from a somersault of `start` and a `tilt`, without twist.

    Euler's equations for the angular momentum in body axes, by Runge-Kutta over every second sample (the samples
    between them are the midpoints); the somersault then is an integral over time. The result has the samples of even
    index only.
    """
    if balance is None:
        balance = TiltBalance(np.zeros(len(shapes.inertia)))
    inverse = np.linalg.inv(shapes.inertia)
    own_rate = np.einsum("nij,nj->ni", inverse, shapes.momentum)
    most = balance.share * abs(momentum) / shapes.inertia[:, 0, 0]
    columns = [inverse.reshape(-1, 9), own_rate, balance.gain[:, None] / momentum, most[:, None]]
    rows = np.concatenate(columns, axis=1).tolist()

    def change(x: float, y: float, z: float, row: list[float]) -> tuple[float, float, float]:
        a, b, c, d, e, f, g, h, i, p, q, r, gain, limit = row
        u, v, w = a * x + b * y + c * z - p, d * x + e * y + f * z - q, g * x + h * y + i * z - r
        if gain:
            extra = max(-limit, min(limit, gain * z)) / (math.sqrt(x * x + y * y) or 1.0)
            if momentum < 0:
                extra = -extra
            u, v = u + extra * y, v - extra * x
        return y * w - z * v, z * u - x * w, x * v - y * u

    x, y, z = 0.0, momentum * math.cos(tilt), -momentum * math.sin(tilt)
    history = [(x, y, z)]
    half, whole, sixth = step, 2 * step, step / 3
    for index in range(0, len(rows) - 2, 2):
        middle = rows[index + 1]
        a1, b1, c1 = change(x, y, z, rows[index])
        a2, b2, c2 = change(x + half * a1, y + half * b1, z + half * c1, middle)
        a3, b3, c3 = change(x + half * a2, y + half * b2, z + half * c2, middle)
        a4, b4, c4 = change(x + whole * a3, y + whole * b3, z + whole * c3, rows[index + 2])
        x += sixth * (a1 + 2 * (a2 + a3) + a4)
        y += sixth * (b1 + 2 * (b2 + b3) + b4)
        z += sixth * (c1 + 2 * (c2 + c3) + c4)
        history.append((x, y, z))
    in_body = np.array(history)  # [N/2, 3] the angular momentum in body axes
    along = in_body / momentum
    tilts = -np.arcsin(np.clip(along[:, 2], -1.0, 1.0))
    twist = np.unwrap(np.arctan2(along[:, 0], along[:, 1]))
    turning = np.einsum("nij,nj->ni", inverse[::2], in_body) - own_rate[::2]
    # the correction turns about the axis of the tilt, which has no part in the somersault
    rate = (turning[:, 0] * np.sin(twist) + turning[:, 1] * np.cos(twist)) / np.cos(tilts)
    return Rotation(start + _accumulate(rate, whole), tilts, twist)


def steer_rotation(
    shapes: ShapeSequence, step: float, momentum: float, free: Rotation, goal: float, release: float, landing: float
) -> tuple[Rotation, float]:
    """Steer the tilt to 0 and the twist to `goal` from `release` until `landing` (s), for dives that do not end square.

    The change is smooth, and the somersault keeps the angular momentum about its own axis. About the axis of the tilt
    the momentum is not constant meanwhile, so this is the last resort.

    Args:
        free: the rotation at the same momentum up to and a little beyond `release`, at every second sample of `shapes`.

    Returns:
        (rotation [N/2] at every second sample, the twist that would result by itself if the rate of twisting faded in
        that time: steering changes least when that equals the goal).
    """
    span = 2 * step
    times = np.arange((len(shapes.inertia) + 1) // 2) * span
    first = int(np.clip(release / span, 1, len(free.twist) - 1))
    width = max(landing - times[first], span)
    share = np.clip((times - times[first]) / width, 0.0, 1.0)
    stay, go = 1 - share**3 * (10 - 15 * share + 6 * share**2), share - share**3 * (6 - 8 * share + 3 * share**2)

    def rate(track: np.ndarray) -> float:
        return float(track[first] - track[first - 1]) / span

    def steered(track: np.ndarray, end: float) -> np.ndarray:
        after = end + (track[first] - end) * stay + rate(track) * width * go
        return np.concatenate([track[:first], after[first:]])

    twist, tilt = steered(free.twist, goal), steered(free.tilt, 0.0)
    turning, leaning = np.gradient(twist, span), np.gradient(tilt, span)
    axis = np.stack([np.cos(tilt) * np.sin(twist), np.cos(tilt) * np.cos(twist), -np.sin(tilt)], axis=-1)
    other = leaning[:, None] * np.stack([np.cos(twist), -np.sin(twist), np.zeros_like(twist)], axis=-1)
    other[:, 2] += turning
    inertia = shapes.inertia[::2]
    carried = shapes.momentum[::2] + np.einsum("nij,nj->ni", inertia, other)
    turned = (momentum - (axis * carried).sum(1)) / np.einsum("ni,nij,nj->n", axis, inertia, axis)
    after = free.somersault[first] + _accumulate(turned[first:], span)
    free_twist = float(free.twist[first]) + 0.5 * width * rate(free.twist)
    return Rotation(np.concatenate([free.somersault[:first], after]), tilt, twist), free_twist


def find_root(
    residual: Callable[[np.ndarray], np.ndarray],
    guess: np.ndarray,
    steps: Sequence[float] | np.ndarray,
    *,
    limit: int = 26,
) -> tuple[np.ndarray, np.ndarray]:
    """Find a root of a smooth `residual` [k] of k unknowns.

    Newton's method with Broyden's updates of the Jacobian (1965); where an update does not help, the Jacobian is
    evaluated again and the step is shortened.

    Args:
        guess: [k] unknowns to start from.
        steps: [k] differences by which the Jacobian is evaluated.
        limit: approximate number of evaluations of `residual`.

    Returns:
        (unknowns, residual) of the best point; the caller judges whether it is good enough.
    """
    steps = np.asarray(steps, float)
    best = np.asarray(guess, float), residual(guess)
    evaluations, reach = 1, 12.0
    jacobian: np.ndarray | None = None
    is_new = False
    while np.abs(best[1]).max() > ROOT_TOLERANCE and evaluations < limit:
        point, value = best
        if jacobian is None:
            columns = [(residual(point + step) - value) / step.sum() for step in np.diag(steps)]
            jacobian, is_new = np.stack(columns, axis=1), True
            evaluations += len(steps)
        change = -np.linalg.lstsq(jacobian, value, rcond=1e-6)[0]
        change *= min(1.0, reach / max(np.abs(change / steps).max(), 1e-12))
        tried = residual(point + change)
        evaluations += 1
        if np.linalg.norm(tried) < 0.7 * np.linalg.norm(value):
            jacobian = jacobian + np.outer(tried - value - jacobian @ change, change) / (change @ change)
            is_new = False
        elif is_new:
            reach /= 3.0
        else:
            jacobian = None
        if np.linalg.norm(tried) < np.linalg.norm(value):
            best = point + change, tried
    return best
