"""Quantities and choices: a value with its error, or a reason."""

import json

import numpy as np
import pytest

from fineparser.kinematics import Choice, Kinematics, Quantity


def test_a_quantity_has_a_value_or_a_reason():
    assert Quantity.measured(1.5, 0.2, "m", (3, 9)).is_measured
    assert not Quantity.missing("m", "no_scale").is_measured
    for wrong in ({"value": 1.0}, {"value": 1.0, "error": -1.0}, {"value": 1.0, "error": 0.1, "reason": "no"}, {}):
        with pytest.raises(ValueError, match="value"):
            Quantity(unit="m", **wrong)


def test_what_is_not_finite_is_not_measured():
    for value, error in ((np.nan, 0.1), (1.0, np.inf)):
        assert Quantity.measured(value, error, "m").reason == "diver_not_visible"


def test_scaled():
    scaled = Quantity.measured(2.0, 0.5, "m").scaled(-100, "cm")
    assert (scaled.value, scaled.error, scaled.unit) == (-200, 50, "cm")
    assert Quantity.missing("m", "no_scale").scaled(2, "cm").unit == "cm"


def test_json_keeps_two_digits_of_the_error():
    plain = Quantity.measured(1.23456, 0.0345, "m", (np.int64(4),)).to_json()
    assert plain == {"value": 1.235, "error": 0.034, "unit": "m", "frames": [4]} or plain["error"] == 0.035
    assert json.loads(json.dumps(plain))["frames"] == [4]


def test_the_most_likely_possibility_comes_first():
    choice = Choice.from_probabilities({"B": 1.0, "C": 3.0}, (1, 2))
    assert (choice.value, choice.probability) == ("C", 0.75)
    assert list(choice.to_json()["probabilities"]) == ["C", "B"]
    with pytest.raises(ValueError, match="add up to 0"):
        Choice.from_probabilities({"B": 0.0})
    assert Choice.missing("no_flight").probability is None


def test_every_measurement_has_a_group_and_a_unit():
    names = [name for group in Kinematics.groups().values() for name in group]
    assert names == list(Kinematics.units())
    assert {"air_time", "entry_angle", "splash_height", "dive_number"} <= set(names)
