"""All measurements of a dive from its observation."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from fineparser.domain.clip_geometry import NECK, PELVIS
from fineparser.domain.phases import Phase
from fineparser.kinematics.body_path import BodyPath, centre_of_mass
from fineparser.kinematics.dive_identity import identify_dive
from fineparser.kinematics.entry_line import entry_picture, measure_entry
from fineparser.kinematics.flight import Flight
from fineparser.kinematics.flight_transitions import FlightTransitions
from fineparser.kinematics.kinematics import Kinematics, MotionSeries
from fineparser.kinematics.observation import DiveObservation
from fineparser.kinematics.quantity import Choice, Quantity
from fineparser.kinematics.rotation_measurement import (
    RotationPath,
    follow_rotation,
    follow_twist,
    measure_rotation,
    rotation_speeds,
)
from fineparser.kinematics.shape_measurement import JointAngles, ShapeMeasurement, measure_shape, smooth_angles
from fineparser.kinematics.splash import measure_splash

MIN_ASPECT = 0.45
"""Ratio of the horizontal scale to the vertical one below which the dive is seen along the board: its rotation is not
visible from the side."""

NEED_FLIGHT = (
    "air_time",
    "take_off_speed",
    "height_above_board",
    "entry_distance",
    "half_somersaults",
    "half_twists",
    "mean_rotation",
    "dive_number",
)
"""Measurements that a clip must show the whole flight for."""


def measure_dive(
    observation: DiveObservation, path: BodyPath, transitions: FlightTransitions | None, height: float | None = None
) -> Kinematics:
    """Measure a dive.

    Args:
        observation: of it.
        path: of its body.
        transitions: of it; None where there is no flight: then nothing is measurable.
        height: of the board in metres; None: estimated.
    """
    rotation = None if transitions is None else measure_rotation(observation, transitions)
    shape = None if transitions is None else measure_shape(observation, transitions)
    if transitions is None or rotation is None or shape is None:
        return _without_flight(observation)
    flight = Flight.measure(observation, path, transitions, height)
    identity = identify_dive(observation, transitions, rotation, shape, path.length)
    turned = follow_rotation(
        observation,
        transitions,
        rotation,
        start=int(identity.code.armstand),
        sense=0 if identity.sense > 0 else 1,
        half_somersaults=identity.code.half_somersaults,
    )
    series = _series(observation, flight, shape.angles, turned)
    scale, vertical = flight.scale_at_entry(observation), flight.vertical()
    body = measure_entry(
        observation,
        transitions.entry,
        end="hands" if identity.code.head_first else "feet",
        rotation=identity.sense if flight.aspect >= MIN_ASPECT else None,
        vertical=vertical,
    )
    splash = measure_splash(observation, transitions.entry, scale, transitions.time_scale)
    peak, mean = rotation_speeds(observation, transitions, turned)
    frames = flight.frames
    return Kinematics(
        air_time=flight.air_time(),
        take_off_speed=flight.take_off_speed(),
        height_above_board=flight.height_above_board(),
        closest_distance=flight.closest_distance(observation),
        entry_distance=flight.entry_distance(),
        half_somersaults=identity.half_somersaults,
        half_twists=identity.half_twists,
        direction=identity.direction,
        start=identity.start,
        peak_rotation=peak,
        mean_rotation=mean,
        position=identity.position,
        tightest_hip=shape.tightest_hip,
        tightest_knee=shape.tightest_knee,
        opening_time=shape.opening_time,
        opening_height=_opening_height(shape, series, flight),
        legs_apart=shape.legs_apart,
        knee_bend=shape.knee_bend,
        foot_bend=shape.foot_bend,
        entry_angle=body.entry_angle,
        trunk_angle=body.trunk_angle,
        entry_lean=body.entry_lean,
        entry_hip_bend=body.entry_hip_bend,
        entry_knee_bend=body.entry_knee_bend,
        underwater_angle=body.underwater_angle,
        splash_height=splash.splash_height,
        splash_width=splash.splash_width,
        splash_area=splash.splash_area,
        splash_time=splash.splash_time,
        scale=scale,
        time_scale=flight.time_scale(),
        vertical=vertical,
        body_height=flight.body_height(observation),
        dive_number=identity.dive_number,
        height=Choice.from_probabilities({f"{height:g}": 1.0}, frames) if height is not None else identity.height,
        series=series,
        entry_picture=entry_picture(observation, transitions.entry, body, splash),
    )


def without_phases(kinematics: Kinematics, missing: Collection[Phase]) -> Kinematics:
    """The same measurements without those of phases that the clip does not show."""
    groups, changes = Kinematics.groups(), dict[str, Quantity | Choice]()
    if Phase.TAKE_OFF in missing:
        before = (*NEED_FLIGHT, "closest_distance")
        changes |= Kinematics.missing(before, "no_flight")
    if Phase.ENTRY in missing:
        after = (*NEED_FLIGHT, "opening_time", "opening_height", *groups["entry"], *groups["splash"])
        changes |= Kinematics.missing(after, "no_entry")
    picture = None if Phase.ENTRY in missing else kinematics.entry_picture
    return replace(kinematics, **changes, entry_picture=picture)  # type: ignore[arg-type]


def _opening_height(shape: ShapeMeasurement, series: MotionSeries, flight: Flight) -> Quantity:
    """Height of the centre of mass above the water in the frame of the opening."""
    opening = shape.opening_time
    if opening.value is None or opening.error is None:
        return Quantity.missing("m", opening.reason or "no_shape")
    index = int(np.searchsorted(series.numbers, opening.frames[0]))
    value = float(series.path[index, 1])
    if not np.isfinite(value):
        return Quantity.missing("m", "no_entry")
    speed = abs(float(flight.transitions.parabola.speed_at(float(flight.path.seconds[index]))[1])) / flight.scale
    error = np.hypot(speed * opening.error * flight.transitions.time_scale, flight.scale_error * value)
    return Quantity.measured(value, error, "m", opening.frames)


def _series(observation: DiveObservation, flight: Flight, angles: JointAngles, turned: RotationPath) -> MotionSeries:
    """The dive frame by frame; somersault and twist in the flight alone."""
    transitions = flight.transitions
    somersault, speed, twist = np.full((3, len(observation)), np.nan)
    somersault[turned.frames], speed[turned.frames] = turned.angles, turned.speeds
    if (twisted := follow_twist(observation, transitions)) is not None:
        twist[turned.frames] = twisted
    return MotionSeries(
        **_directions(observation),
        seconds=(observation.seconds - transitions.flight_seconds) / transitions.time_scale,
        path=flight.path_in_metres(),
        somersault=somersault,
        rotation_speed=speed,
        twist=twist,
        hip_angle=smooth_angles(angles.hip, observation.seconds / transitions.time_scale),
        knee_angle=smooth_angles(angles.knee, observation.seconds / transitions.time_scale),
    )


def _directions(observation: DiveObservation) -> dict[str, np.ndarray]:
    """The fields of `MotionSeries` that need no flight."""
    trunk = observation.points[:, NECK] - observation.points[:, PELVIS]
    return {
        "numbers": observation.numbers,
        "centre_of_mass": centre_of_mass(observation.points),
        "trunk_angle": np.degrees(np.arctan2(trunk[:, 0], -trunk[:, 1])),
        "keypoints": observation.points,
        "camera": observation.camera,
    }


def _without_flight(observation: DiveObservation) -> Kinematics:
    """Measurements of a clip without a flight: none."""
    unknown = np.full(len(observation), np.nan)
    angles = JointAngles.from_observation(observation)
    series = MotionSeries(
        **_directions(observation),
        seconds=observation.seconds - observation.seconds[0],
        path=np.full((len(observation), 2), np.nan),
        somersault=unknown,
        rotation_speed=unknown,
        twist=unknown,
        hip_angle=angles.hip,
        knee_angle=angles.knee,
    )
    return Kinematics(**Kinematics.missing(Kinematics.units(), "no_flight"), series=series)  # type: ignore[arg-type]
