import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from fineparser.kinematics import Choice, Kinematics, Quantity
from fineparser.rendering.measurements import (
    GROUP_TITLES,
    LABELS,
    MOTION_COLUMNS,
    SIDES,
    UNITS,
    measurement_rows,
    measurement_table,
    measurements_json,
    motion_rows,
    reason_text,
    trajectory_csv,
    value_text,
)
from tests.builders import sample_kinematics


@pytest.fixture(scope="module")
def kinematics():
    return sample_kinematics()


def plain(text: str) -> str:
    return text.replace("\u00a0", " ")


def test_every_measurement_has_a_name_a_unit_and_a_group():
    assert set(LABELS) == set(Kinematics.units())
    assert set(GROUP_TITLES) == set(Kinematics.groups())
    assert set(Kinematics.units().values()) <= set(UNITS)
    assert set(SIDES) <= set(LABELS)
    assert len(set(LABELS.values())) == len(LABELS)


def test_a_row_a_measurement_in_order(kinematics):
    rows = {row.name: row for row in measurement_rows(kinematics)}
    assert list(rows) == list(Kinematics.units())
    assert all(bool(row.value) != bool(row.reason) for row in rows.values())
    height = rows["height_above_board"]
    assert (plain(height.value), height.group, height.frames) == ("1.56 \u00b1 0.09 m", "flight", "frame 26")
    assert rows["legs_apart"].reason == "Not measurable: the diver is too small in the picture."
    assert {row.exemplar for row in rows.values()} == {""}


def test_an_exemplar_stands_beside_the_dive(kinematics):
    slower = Quantity.measured(700, 30, "deg/s")
    unknown = Quantity.missing("m", "no_board")
    exemplar = replace(kinematics, peak_rotation=slower, closest_distance=unknown)
    beside = {row.name: row.exemplar for row in measurement_rows(kinematics, exemplar)}
    assert plain(beside["peak_rotation"]) == "700 \u00b1 30 \u00b0/s"
    assert beside["closest_distance"] == ""
    # A bank keeps measurements by their names.
    assert {row.name: row.exemplar for row in measurement_rows(kinematics, vars(exemplar))} == beside


@pytest.mark.parametrize(
    ("name", "measurement", "text"),
    [
        ("air_time", Quantity.measured(1.4213, 0.034, "s"), "1.42 \u00b1 0.03 s"),
        ("air_time", Quantity.measured(1.4213, 0.0004, "s"), "1.42 \u00b1 0.01 s"),
        ("air_time", Quantity.measured(1.4213, 0, "s"), "1.42 \u00b1 0.01 s"),
        ("splash_area", Quantity.measured(0.523, 0.145, "m2"), "0.52 \u00b1 0.14 m\u00b2"),
        ("take_off_speed", Quantity.measured(3.316, 0.18, "m/s"), "3.3 \u00b1 0.2 m/s"),
        ("peak_rotation", Quantity.measured(876.9, 42, "deg/s"), "880 \u00b1 40 \u00b0/s"),
        ("peak_rotation", Quantity.measured(876.9, 12.3, "deg/s"), "877 \u00b1 12 \u00b0/s"),
        ("closest_distance", Quantity.measured(-0.304, 0.05, "m"), "\u22120.30 \u00b1 0.05 m"),
        ("closest_distance", Quantity.measured(-0.001, 0.05, "m"), "0.00 \u00b1 0.05 m"),
        ("entry_angle", Quantity.measured(-6.2, 2.4, "deg"), "6\u00b0 \u00b1 2\u00b0 short"),
        ("entry_angle", Quantity.measured(12, 3, "deg"), "12\u00b0 \u00b1 3\u00b0 over"),
        ("entry_angle", Quantity.measured(2, 3, "deg"), "vertical \u00b1 3\u00b0"),
        ("entry_angle", Quantity.measured(0.2, 0.1, "deg"), "vertical \u00b1 1\u00b0"),
        ("tightest_hip", Quantity.measured(41.4, 9, "deg"), "41\u00b0 \u00b1 9\u00b0"),
        ("vertical", Quantity.measured(-2, 0.6, "deg"), "2\u00b0 \u00b1 1\u00b0 counterclockwise"),
        ("time_scale", Quantity.measured(1.03, 0.03, ""), "none (1.03 \u00b1 0.03)"),
        ("time_scale", Quantity.measured(3.21, 0.12, ""), "3.21 \u00b1 0.12 times slower"),
        ("half_somersaults", Choice.from_probabilities({"7": 0.99, "8": 0.01}), "3 1/2"),
        ("half_twists", Choice.from_probabilities({"0": 1.0}), "none"),
        ("half_twists", Choice.from_probabilities({"3": 0.6, "2": 0.4}), "1 1/2 (60%), or 1 (40%)"),
        ("start", Choice.from_probabilities({"hands": 1.0}), "armstand"),
        ("height", Choice.from_probabilities({"7.5": 1.0}), "7.5 m"),
        ("dive_number", Choice.from_probabilities({"103B": 0.8, "104B": 0.1, "403B": 0.06, "101B": 0.04}),
         "103B (80%), or 104B (10%), 403B (6%)"),
        ("position", Choice.missing("no_shape"), ""),
    ],
)  # fmt: skip
def test_values_in_words(name, measurement, text):
    assert plain(value_text(name, measurement)) == text


def test_a_reason_without_a_sentence_is_an_error():
    assert reason_text("no_splash") == "Not measurable: there is no splash to be seen."
    with pytest.raises(KeyError, match="unheard_of"):
        reason_text("unheard_of")


def test_the_table_has_a_line_a_measurement(kinematics):
    lines = measurement_table(kinematics).splitlines()
    assert len(lines) == len(Kinematics.units()) + len(Kinematics.groups()) + 1
    assert lines[0] == "Flight"
    assert lines[1].split() == ["Time", "in", "the", "air", "0.92", "\u00b1", "0.03", "s", "frames", "18", "to", "41"]
    beside = measurement_table(kinematics, kinematics).splitlines()
    assert beside[0].split() == ["This", "dive", "Exemplar"]
    assert beside[2].count("0.92 \u00b1 0.03 s") == 2


def test_plain_values_have_names_and_texts(kinematics):
    values = measurements_json(kinematics)
    assert values["air_time"] == {
        "label": "Time in the air",
        "text": "0.92 \u00b1 0.03 s",
        "value": 0.92,
        "error": 0.034,
        "unit": "s",
        "frames": [18, 41],
    }


def test_the_trajectory_falls_freely(kinematics):
    rows = list(csv.DictReader(io.StringIO(trajectory_csv(kinematics.series))))
    assert [int(row["frame"]) for row in rows] == list(range(2, 56))
    flight = np.array(
        [[float(row[name]) for name in ("seconds", "height")] for row in rows if 18 <= int(row["frame"]) <= 41]
    )
    curvature, _, start = np.polyfit(*flight.T, 2)
    assert (2 * curvature, start) == pytest.approx((-9.81, 2.0), abs=0.02)


def test_unknown_places_and_angles_are_left_out(kinematics):
    series = kinematics.series
    path, hip = series.path.copy(), series.hip_angle.copy()
    path[40:] = np.nan
    hip[3] = np.nan
    broken = replace(series, path=path, hip_angle=hip)
    assert len(trajectory_csv(broken).splitlines()) < len(trajectory_csv(series).splitlines())
    rows = [dict(zip(MOTION_COLUMNS, row, strict=True)) for row in motion_rows(broken)]
    assert rows[3]["hip_angle"] is None
    assert rows[4]["hip_angle"] == hip[4]
    assert (rows[9]["centre_x"], rows[9]["centre_y"]) == tuple(series.centre_of_mass[9])
