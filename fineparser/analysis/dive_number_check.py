"""Check of a dive number and a height against the measured dive: start, rotation, direction, twists and height.

Each rule warns only where its evidence is strong: a false alarm costs more trust than a miss. The thresholds were set
on simulated dives and on real ones, see docs/experiments.md.
"""

from fineparser.analysis.quality_checks import MAX_TRANSITION_ERROR
from fineparser.domain.clip_geometry import GRAVITY
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.rules import DIRECTIONS, flight_seconds
from fineparser.exemplars.exemplar import DiveSpec
from fineparser.kinematics.dive_identity import DiveIdentity
from fineparser.kinematics.flight_transitions import FlightTransitions
from fineparser.quality_warning import QualityWarning, Value

MIN_FIT = 0.5
"""`DiveIdentity.rotation_fit` below which nothing is clear."""
MIN_START_GAP = 5.0
MIN_ROTATION_GAP = 4.0
MIN_DIRECTION_GAP = 2.0
MIN_TWIST_GAP = 2.0
"""Log-likelihood by which another value must fit better than the given one."""
MAX_HEIGHT_PROBABILITY = 0.03
"""Probability of the given height from which on it is not doubted."""


def check_dive_number(spec: DiveSpec, identity: DiveIdentity, transitions: FlightTransitions) -> list[QualityWarning]:
    """Check that a dive number and a height fit the clip.

    Nothing is checked where flight and entry are uncertain, or the rotation is not visible.

    Args:
        spec: dive number and height.
        identity: of the dive.
        transitions: of it, decoded without the height.

    Returns:
        Warnings "number_start", "number_rotation", "number_direction", "number_twists" and "number_height".
    """
    if max(transitions.errors) > MAX_TRANSITION_ERROR:
        return []
    warnings = [_check_height(spec, transitions)]
    if identity.rotation_fit >= MIN_FIT:
        warnings = [
            _check_start(spec.code, identity),
            _check_rotation(spec.code, identity),
            _check_direction(spec.code, identity),
            _check_twists(spec.code, identity),
            *warnings,
        ]
    return [warning for warning in warnings if warning is not None]


def _check_start(code: DiveCode, identity: DiveIdentity) -> QualityWarning | None:
    if identity.gap("start", "hands" if code.armstand else "feet") < MIN_START_GAP:
        return None
    return QualityWarning("number_start", {"code": str(code), "seen": "feet" if code.armstand else "armstand"})


def _check_rotation(code: DiveCode, identity: DiveIdentity) -> QualityWarning | None:
    if identity.gap("half_somersaults", str(code.half_somersaults)) < MIN_ROTATION_GAP:
        return None
    values: dict[str, Value] = {"code": str(code), "given": code.half_somersaults}
    return QualityWarning("number_rotation", values | {"seen": int(identity.best("half_somersaults"))})


def _check_direction(code: DiveCode, identity: DiveIdentity) -> QualityWarning | None:
    given = DIRECTIONS.get(code.direction)
    if given is None or identity.gap("direction", given) < MIN_DIRECTION_GAP:
        return None
    values: dict[str, Value] = {"code": str(code), "given": given}
    return QualityWarning("number_direction", values | {"seen": identity.best("direction")})


def _check_twists(code: DiveCode, identity: DiveIdentity) -> QualityWarning | None:
    """Whether the dive twists at all; nothing without a motion head, which alone sees it."""
    if identity.half_twists.value is None:
        return None
    fits = identity.log_likelihood["half_twists"]
    none, some = fits["0"], max(fit for count, fit in fits.items() if count != "0")
    if (none - some if code.twisting else some - none) < MIN_TWIST_GAP:
        return None
    return QualityWarning("number_twists", {"code": str(code), "given": code.half_twists})


def _check_height(spec: DiveSpec, transitions: FlightTransitions) -> QualityWarning | None:
    """The height is doubted where both the whole flight and its mere duration are those of another one."""
    seconds = transitions.air_time / transitions.time_scale
    shortest, longest = flight_seconds(spec.height, spec.code.armstand)
    if transitions.height_probabilities[spec.height] > MAX_HEIGHT_PROBABILITY or shortest <= seconds <= longest:
        return None
    start, end = (
        transitions.parabola.place(second) for second in (transitions.flight_seconds, transitions.entry_seconds)
    )
    pixels = float(transitions.parabola.acceleration[1]) * transitions.time_scale**2 / GRAVITY  # a metre
    values: dict[str, Value] = {
        "height": spec.height,
        "metres": round(float(end[1] - start[1]) / pixels, 2),
        "seconds": round(seconds, 3),
    }
    return QualityWarning("number_height", values | {"shortest": round(shortest, 3), "longest": round(longest, 3)})
