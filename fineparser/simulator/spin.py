"""How a dive's rotation is brought about: the angular momentum and timing that end it where the code says."""

from dataclasses import dataclass

import numpy as np

from fineparser.domain.dive_code import DiveCode
from fineparser.simulator.body import Body
from fineparser.simulator.choreography import Manner, choreograph
from fineparser.simulator.faults import Faults
from fineparser.simulator.flight import Rotation, planar_turn, solve, steer, tumble
from fineparser.simulator.shape import Shapes
from fineparser.simulator.takeoff import TakeOff
from fineparser.simulator.timeline import Timeline, ease
from fineparser.simulator.twisting import Twisting, balance, choreograph_twist, closes, first_throw, settled

THROUGH = 0.04
"""s of free flight's spin that the water leaves a diver from the touch until the hips are in. The vertical is aimed at
for then, through the hole that the hands made: at the touch a slow dive is 4 degrees short of it, a fast one 14."""
SPARE = 0.16  # s of flight computed beyond the expected touch
MOST_LEAN = np.deg2rad(9.0)
ASTRAY = np.deg2rad(11.0)  # tilt or twist left at the entry that is more than a correction

RELEASE, LED = 0.34, 0.36  # s before the end of the unwinding, and for how long, the twist is led out (`flight.steer`)


@dataclass(frozen=True)
class Spin:
    """Shape and rotation of the flight, sampled from the take-off on."""

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
    """rad by which the body leans sideways when it leaves the board."""


def spin(code: DiveCode, body: Body, faults: Faults, manner: Manner, take_off: TakeOff, step: float) -> Spin:
    """Find the rotation of a dive.

    An untwisted dive turns in one plane, so its somersault is linear in the angular momentum and is solved at once.
    In a twisting dive the angular momentum, the time that the arms stay thrown and the way they come back are found so
    that somersault and twist end where they should and no tilt is left.
    """
    goal = take_off.sense * (np.pi * code.half_somersaults + np.deg2rad(faults.entry))
    goal += np.pi if code.armstand else 0.0
    count = int((take_off.flight + SPARE) / step) + 2
    if code.twisting:
        return _twisting(code, body, faults, manner, take_off, count, step, goal)
    timeline = choreograph(code, take_off.repertoire, take_off.flight, faults, manner)
    return _planar(code, body, take_off, timeline, np.arange(count) * step, step, goal)


def _planar(code, body: Body, take_off: TakeOff, timeline: Timeline, times, step: float, goal: float) -> Spin:
    angles = timeline.at(times)
    shapes = Shapes.of(body, angles, step)
    momentum, somersault = _plane(shapes, times, step, take_off, goal)
    still = np.zeros(len(times))
    return Spin(angles, shapes.joints, Rotation(somersault, still, still), momentum, 0.0, 0.0)


def _plane(shapes: Shapes, times, step: float, take_off: TakeOff, goal: float) -> tuple[float, np.ndarray]:
    per_momentum, own = planar_turn(shapes, step)
    end = take_off.touch + THROUGH
    momentum = (goal - take_off.pitch + np.interp(end, times, own)) / np.interp(end, times, per_momentum)
    return float(momentum), take_off.pitch + momentum * per_momentum - own


def _twisting(code, body, faults, manner, take_off: TakeOff, count: int, step: float, goal: float) -> Spin:
    flight, touch, lean = take_off.flight, take_off.touch, take_off.tilt
    through = touch + THROUGH
    times = np.arange(2 * ((count + 1) // 2) + 1) * step
    begin = first_throw(code)

    def shapes_for(free: Twisting, instants: np.ndarray) -> tuple[np.ndarray, Shapes]:
        angles = choreograph_twist(code, take_off.repertoire, flight, faults, manner, free).at(instants)
        return angles, Shapes.of(body, angles, instants[1] - instants[0])

    # The way out of the twist is the way in backwards, so half of the twist is done in the middle of its time: a dive
    # that never unwinds tells when that is. Where the time is short, the body leaves the board with more tilt.
    _, endless = shapes_for(Twisting(np.inf), times)
    duration, twist, longest = (
        0.45 + 0.3 * code.half_twists / 2,
        np.zeros(1),
        flight - begin - (0.40 if closes(code) else 0.20),
    )
    for _ in range(6):
        _, first = shapes_for(Twisting(min(duration, longest)), times)
        momentum, _ = _plane(first, times, step, take_off, goal)
        twist = tumble(endless, step, momentum, 0.0, lean).twist
        turned = np.maximum.accumulate(np.abs(twist))
        middle = np.interp(np.pi * code.half_twists / 2, turned, times[::2], right=times[-1] + 1.0)
        last, duration = duration, 2.0 * (float(middle) - begin)
        if duration > longest:
            lean = np.copysign(min(1.35 * abs(lean) + np.deg2rad(0.4), MOST_LEAN), lean)
        elif abs(duration - last) < 0.02:
            break
    duration = min(duration, longest)
    twist_goal = np.sign(twist[-1]) * (np.pi * code.half_twists + np.deg2rad(take_off.twist_error))

    def missing(unknowns: np.ndarray) -> np.ndarray:
        """Somersault of the dive and twist when it should be over, beyond what they ought to be."""
        free = Twisting(float(unknowns[1]))
        _, shapes = shapes_for(free, times)
        now = momentum * float(np.exp(unknowns[0]))
        until = 2 * min(int(min(settled(code, free), touch) / step) // 2, len(times) // 2)
        held = balance(code, free, times).first(until + 1)
        turned = tumble(shapes.first(until + 1), step, now, take_off.pitch, lean, held)
        # with the twist done the shape is the same left and right, and the rest of the dive turns in one plane
        per_momentum, own = planar_turn(shapes, step)
        rest = now * per_momentum - (-1.0) ** code.half_twists * own
        end = turned.somersault[-1] + np.interp(through, times, rest) - rest[until]
        return np.array([end - goal, turned.twist[-1] - twist_goal])

    found, left = np.zeros(2), np.full(2, np.inf)
    if code.half_twists <= 3 or not closes(code):  # more twists before a pike never come right by themselves
        for guess in (duration, 1.1 * duration):  # where the twist just about ends in time, the first leads nowhere
            found, left = solve(missing, np.array([0.0, guess]), np.array([0.01, 0.01]), limit=12)
            if np.abs(left).max() < ASTRAY:
                break
    fine, coarse = np.arange(2 * count - 1) * (step / 2), np.arange(count) * step
    if np.abs(left).max() < ASTRAY:
        free, total = Twisting(float(found[1])), momentum * float(np.exp(found[0]))
        angles, shapes = shapes_for(free, fine)
        rotation = tumble(shapes, step / 2, total, take_off.pitch, lean, balance(code, free, fine))
        off = (np.interp(touch, coarse, track) for track in (rotation.twist - twist_goal, rotation.tilt))
        if np.abs(list(off)).max() < ASTRAY:
            rotation = _squared(rotation, coarse, begin + free.duration, touch, twist_goal)
            return Spin(angles[::2], shapes.joints[::2], rotation, total, begin + free.duration, lean)

    def led(unknowns: np.ndarray, instants: np.ndarray) -> tuple[Twisting, np.ndarray, Shapes, Rotation, float]:
        free, now = Twisting(float(unknowns[1])), momentum * float(np.exp(unknowns[0]))
        angles, shapes = shapes_for(free, instants)
        gap = instants[1] - instants[0]
        release = begin + free.duration - RELEASE
        until = min(2 * (int(release / gap) // 2 + 2), len(instants) - 1)
        loose = tumble(shapes.first(until + 1), gap, now, take_off.pitch, lean)
        rotation, coming = steer(shapes, gap, now, loose, twist_goal, release, release + LED)
        return free, angles, shapes, rotation, coming

    def missing_led(unknowns: np.ndarray) -> np.ndarray:
        _, _, _, rotation, coming = led(unknowns, times)
        return np.array([np.interp(through, times[::2], rotation.somersault) - goal, coming - twist_goal])

    found, _ = solve(missing_led, np.array([0.0, duration]), np.array([0.01, 0.01]), limit=16)
    for _ in range(5):
        free, angles, shapes, rotation, _ = led(found, fine)
        wrong = goal - np.interp(through, coarse, rotation.somersault)
        if abs(wrong) < 0.005:
            break
        found = found + np.array([wrong / (goal - take_off.pitch), 0.0])
    total = momentum * float(np.exp(found[0]))
    return Spin(angles[::2], shapes.joints[::2], rotation, total, begin + free.duration, lean)


def _squared(rotation: Rotation, times: np.ndarray, begin: float, end: float, twist_goal: float) -> Rotation:
    """Take out the few degrees of twist and tilt that are left, evenly over the rest of the flight; the momentum that
    this carries is negligible."""
    share = ease(times, begin, max(end - begin, 0.2))
    twist = rotation.twist + share * (twist_goal - np.interp(end, times, rotation.twist))
    return Rotation(rotation.somersault, rotation.tilt - share * np.interp(end, times, rotation.tilt), twist)
