"""Angular momentum and timing of a dive, solved so that somersault and twist end as the dive number says."""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.athlete.body import Body
from fineparser.simulator.athlete.shape import ShapeSequence
from fineparser.simulator.faults import Faults
from fineparser.simulator.flight.rotation import (
    Rotation,
    find_root,
    integrate_rotation,
    planar_rotation,
    steer_rotation,
)
from fineparser.simulator.flight.shape_schedule import DiverStyle, ease, schedule_dive
from fineparser.simulator.flight.takeoff import TakeOff
from fineparser.simulator.flight.twisting import (
    TwistTiming,
    closes_after_twist,
    first_throw_time,
    schedule_twisting_dive,
    tilt_balance,
    twist_end_time,
)

HIP_ENTRY_DELAY = 0.04
"""Seconds of free rotation that the water leaves a diver from the touch until the hips are under water.

The diver is to be vertical at that time: at the touch a slow dive is 4 degrees short of it, a fast one 14."""
SPARE = 0.16  # s of flight computed beyond the expected touch
MAX_TAKE_OFF_TILT = np.deg2rad(9.0)
TOLERANCE = np.deg2rad(11.0)
"""Tilt or twist left at the entry that a small correction can still remove."""
RELEASE, STEERING = 0.34, 0.36
"""Seconds before the end of the unwinding at which the twist is steered out, and for how long; see `steer_rotation`."""


@dataclass(frozen=True)
class SpinSolution:
    """Shape and rotation during the flight, sampled from the take-off on."""

    angles: np.ndarray
    """[N, 21] degrees."""
    joints: np.ndarray
    """[N, 20, 3] metres from the mass centre, body axes."""
    rotation: Rotation
    """Of the body axes, N samples."""
    momentum: float
    """kg m2/s about the diver's left."""
    twist_end: float
    """s at which the twisting is over (0 without twists)."""
    tilt: float
    """rad by which the body leans sideways at the last contact."""


def solve_spin(body: Body, faults: Faults, style: DiverStyle, take_off: TakeOff, step: float) -> SpinSolution:
    """Find the rotation of a dive, sampled at equal time steps (s).

    A dive without twists turns in one plane, so its somersault is linear in the angular momentum and is solved at once.
    In a twisting dive the angular momentum and the duration of the twist are found so that somersault and twist end as
    they should and no tilt is left.
    """
    problem = _SpinProblem(body=body, faults=faults, style=style, take_off=take_off, step=step)
    return problem.solve_twisting() if take_off.code.twisting else problem.solve_planar()


@dataclass(frozen=True)
class _TwistGuess:
    """Approximate solution of a twisting dive."""

    momentum: float
    duration: float
    """s of the twist."""
    tilt: float
    """rad at the last contact."""
    twist_goal: float
    """rad, signed."""


@dataclass(frozen=True)
class _SteeredTwist:
    timing: TwistTiming
    angles: np.ndarray
    shapes: ShapeSequence
    rotation: Rotation
    free_twist: float
    """rad of twist that would result without steering."""


@dataclass(frozen=True, kw_only=True)
class _SpinProblem:
    body: Body
    faults: Faults
    style: DiverStyle
    take_off: TakeOff
    step: float

    @property
    def code(self) -> DiveCode:
        return self.take_off.code

    @property
    def goal(self) -> float:
        """rad of somersault at the entry."""
        goal = self.take_off.sense * (np.pi * self.code.half_somersaults + np.deg2rad(self.faults.entry))
        return float(goal + (np.pi if self.code.armstand else 0.0))

    @property
    def count(self) -> int:
        """Number of samples."""
        return int((self.take_off.flight_time + SPARE) / self.step) + 2

    @property
    def vertical_time(self) -> float:
        """s at which the diver should be vertical."""
        return self.take_off.touch_time + HIP_ENTRY_DELAY

    def solve_planar(self) -> SpinSolution:
        """Solve a dive without twists."""
        take_off, times = self.take_off, np.arange(self.count) * self.step
        timeline = schedule_dive(self.code, take_off.shapes, take_off.flight_time, self.faults, self.style)
        angles = timeline.at(times)
        shapes = ShapeSequence.from_angles(self.body, angles, self.step)
        momentum, somersault = self._planar_somersault(shapes, times)
        zeros = np.zeros(len(times))
        return SpinSolution(angles, shapes.joints, Rotation(somersault, zeros, zeros), momentum, 0.0, 0.0)

    def solve_twisting(self) -> SpinSolution:
        """Solve a twisting dive: freely rotating where that is possible, else with the twist steered out at the end."""
        times = np.arange(2 * ((self.count + 1) // 2) + 1) * self.step
        guess = self._guess_twist(times)
        return self._solve_free(guess, times) or self._solve_steered(guess, times)

    def _planar_somersault(self, shapes: ShapeSequence, times: np.ndarray) -> tuple[float, np.ndarray]:
        """Angular momentum of a planar rotation that reaches the goal, and its somersault [N]."""
        per_momentum, own = planar_rotation(shapes, self.step)
        pitch, end = self.take_off.pitch, self.vertical_time
        momentum = (self.goal - pitch + np.interp(end, times, own)) / np.interp(end, times, per_momentum)
        return float(momentum), pitch + momentum * per_momentum - own

    def _twisting_shapes(self, timing: TwistTiming, times: np.ndarray) -> tuple[np.ndarray, ShapeSequence]:
        """Angles [N, 21] and shapes of a twisting dive."""
        take_off = self.take_off
        timeline = schedule_twisting_dive(
            self.code, take_off.shapes, take_off.flight_time, self.faults, self.style, timing
        )
        angles = timeline.at(times)
        return angles, ShapeSequence.from_angles(self.body, angles, times[1] - times[0])

    def _guess_twist(self, times: np.ndarray) -> _TwistGuess:
        """Guess momentum and duration.

        Leaving the twist is entering it in reverse, so half of the twist is done in the middle of its time, which
        follows from a dive that never unwinds. If the time is short, the body leaves the board with more tilt.
        """
        code, tilt = self.code, self.take_off.tilt
        begin = first_throw_time(code)
        _, endless = self._twisting_shapes(TwistTiming(np.inf), times)
        longest = self.take_off.flight_time - begin - (0.40 if closes_after_twist(code) else 0.20)
        duration, momentum, twist = 0.45 + 0.3 * code.half_twists / 2, 0.0, np.zeros(1)
        for _ in range(6):
            _, shapes = self._twisting_shapes(TwistTiming(min(duration, longest)), times)
            momentum, _ = self._planar_somersault(shapes, times)
            twist = integrate_rotation(endless, self.step, momentum, 0.0, tilt).twist
            turned = np.maximum.accumulate(np.abs(twist))
            middle = np.interp(np.pi * code.half_twists / 2, turned, times[::2], right=times[-1] + 1.0)
            last, duration = duration, 2.0 * (float(middle) - begin)
            if duration > longest:
                tilt = float(np.copysign(min(1.35 * abs(tilt) + np.deg2rad(0.4), MAX_TAKE_OFF_TILT), tilt))
            elif abs(duration - last) < 0.02:
                break
        twist_goal = np.sign(twist[-1]) * (np.pi * code.half_twists + np.deg2rad(self.take_off.twist_error))
        return _TwistGuess(momentum, min(duration, longest), tilt, float(twist_goal))

    def _solve_free(self, guess: _TwistGuess, times: np.ndarray) -> SpinSolution | None:
        """Solve a dive that rotates freely; None if too much twist or tilt would be left."""
        code, take_off, step, goal = self.code, self.take_off, self.step, self.goal
        touch, end = take_off.touch_time, self.vertical_time
        if code.half_twists > 3 and closes_after_twist(
            code
        ):  # more twists before a pike never end square by themselves
            return None

        def residual(unknowns: np.ndarray) -> np.ndarray:
            """Somersault of the dive and twist at the end of the twist, less their goals."""
            timing = TwistTiming(float(unknowns[1]))
            _, shapes = self._twisting_shapes(timing, times)
            momentum = guess.momentum * float(np.exp(unknowns[0]))
            until = 2 * min(int(min(twist_end_time(code, timing), touch) / step) // 2, len(times) // 2)
            balance = tilt_balance(code, timing, times).first(until + 1)
            turned = integrate_rotation(shapes.first(until + 1), step, momentum, take_off.pitch, guess.tilt, balance)
            # with the twist done the shape is the same left and right, and the rest of the dive turns in one plane
            per_momentum, own = planar_rotation(shapes, step)
            rest = momentum * per_momentum - (-1.0) ** code.half_twists * own
            somersault = turned.somersault[-1] + np.interp(end, times, rest) - rest[until]
            return np.array([somersault - goal, turned.twist[-1] - guess.twist_goal])

        root, left = np.zeros(2), np.full(2, np.inf)
        for share in (1.0, 1.1, 0.85, 0.8, 0.9):  # the first fails where the twist just about ends in time
            start = np.array([0.0, share * guess.duration])
            root, left = find_root(residual, start, np.array([0.01, 0.01]), limit=12)
            # what is left of the twist is removed below, what is left of the somersault is not
            root = root - np.array([left[0] / (goal - take_off.pitch), 0.0])
            left = residual(root)
            if np.abs(left).max() < TOLERANCE:
                break
        else:
            return None
        fine, coarse = np.arange(2 * self.count - 1) * (step / 2), np.arange(self.count) * step
        timing, momentum = TwistTiming(float(root[1])), guess.momentum * float(np.exp(root[0]))
        angles, shapes = self._twisting_shapes(timing, fine)
        balance = tilt_balance(code, timing, fine)
        rotation = integrate_rotation(shapes, step / 2, momentum, take_off.pitch, guess.tilt, balance)
        off = [np.interp(touch, coarse, track) for track in (rotation.twist - guess.twist_goal, rotation.tilt)]
        if np.abs(off).max() >= TOLERANCE:
            return None
        twist_end = first_throw_time(code) + timing.duration
        rotation = _remove_rest(rotation, coarse, twist_end, touch, guess.twist_goal)
        return SpinSolution(angles[::2], shapes.joints[::2], rotation, momentum, twist_end, guess.tilt)

    def _solve_steered(self, guess: _TwistGuess, times: np.ndarray) -> SpinSolution:
        """Solve a dive whose twist is steered to its goal at the end."""
        step, end = self.step, self.vertical_time

        def residual(unknowns: np.ndarray) -> np.ndarray:
            steered = self._steer(guess, unknowns, times)
            somersault = np.interp(end, times[::2], steered.rotation.somersault)
            return np.array([somersault - self.goal, steered.free_twist - guess.twist_goal])

        root, _ = find_root(residual, np.array([0.0, guess.duration]), np.array([0.01, 0.01]), limit=16)
        fine, coarse = np.arange(2 * self.count - 1) * (step / 2), np.arange(self.count) * step
        for _ in range(5):
            steered = self._steer(guess, root, fine)
            error = self.goal - np.interp(end, coarse, steered.rotation.somersault)
            if abs(error) < 0.005:
                break
            root = root + np.array([error / (self.goal - self.take_off.pitch), 0.0])
        momentum = guess.momentum * float(np.exp(root[0]))
        twist_end = first_throw_time(self.code) + steered.timing.duration
        return SpinSolution(
            steered.angles[::2], steered.shapes.joints[::2], steered.rotation, momentum, twist_end, guess.tilt
        )

    def _steer(self, guess: _TwistGuess, unknowns: np.ndarray, times: np.ndarray) -> _SteeredTwist:
        timing, momentum = TwistTiming(float(unknowns[1])), guess.momentum * float(np.exp(unknowns[0]))
        angles, shapes = self._twisting_shapes(timing, times)
        gap = times[1] - times[0]
        release = first_throw_time(self.code) + timing.duration - RELEASE
        until = min(2 * (int(release / gap) // 2 + 2), len(times) - 1)
        free = integrate_rotation(shapes.first(until + 1), gap, momentum, self.take_off.pitch, guess.tilt)
        rotation, free_twist = steer_rotation(
            shapes, gap, momentum, free, guess.twist_goal, release, release + STEERING
        )
        return _SteeredTwist(timing, angles, shapes, rotation, free_twist)


def _remove_rest(rotation: Rotation, times: np.ndarray, begin: float, end: float, twist_goal: float) -> Rotation:
    """Remove the few degrees of twist and tilt that are left, evenly over the rest of the flight.

    The angular momentum that this carries is negligible.
    """
    share = ease(times, begin, max(end - begin, 0.2))
    twist = rotation.twist + share * (twist_goal - np.interp(end, times, rotation.twist))
    return Rotation(rotation.somersault, rotation.tilt - share * np.interp(end, times, rotation.tilt), twist)
