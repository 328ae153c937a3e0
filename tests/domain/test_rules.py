"""Dives that exist, against the written rules, and flight times against measured ones."""

import pytest

from fineparser.domain.dive_code import DiveCode, InvalidDiveCode
from fineparser.domain.rules import fall_seconds, find_violation, flight_seconds, format_halves


@pytest.mark.parametrize(
    ("count", "written"), [(0, "0"), (1, "1/2"), (2, "1"), (3, "1 1/2"), (9, "4 1/2"), (11, "5 1/2")]
)
def test_halves_are_written_as_people_write_them(count, written):
    assert format_halves(count) == written


def allowed_positions(number: str) -> str:
    def exists(letter: str) -> bool:
        try:
            DiveCode.parse(number + letter)
        except InvalidDiveCode:
            return False
        return True

    return "".join(letter for letter in "ABCD" if exists(letter))


@pytest.mark.parametrize(
    ("number", "positions"),
    [
        ("101", "ABC"),
        ("105", "ABC"),
        ("107", "BC"),
        ("1011", "BC"),
        ("404", "ABC"),
        ("405", "BC"),
        ("112", "BC"),
        ("117", "BC"),
        ("215", "BC"),
        ("5111", "ABC"),
        ("5112", "ABC"),
        ("5121", "D"),
        ("5132", "D"),
        ("5337", "D"),
        ("5144", "BC"),
        ("5253", "BC"),
        ("5172", "BC"),
        ("600", "A"),
        ("612", "ABC"),
        ("624", "ABC"),
        ("626", "BC"),
        ("6122", "D"),
        ("6241", "BC"),
        ("6142", "D"),
        ("6243", "D"),
        ("6245", "D"),
        ("6263", "BC"),
        # These do not exist in any position.
        ("111", ""),
        ("119", ""),
        ("217", ""),
        ("121", ""),
        ("1010", ""),
        ("2011", ""),
        ("1001", ""),
        ("501", ""),
        ("5101", ""),
        ("5110", ""),
        ("5113", ""),
        ("5128", ""),
        ("5551", ""),
        ("5053", ""),
        ("601", ""),
        ("642", ""),
        ("6111", ""),
        ("6246", ""),
        ("6240", ""),
    ],
)
def test_positions_in_which_a_number_is_dived(number, positions):
    assert allowed_positions(number) == positions


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ((0, 1, 3, 0, "B", False), "group"),
        ((7, 1, 3, 0, "B", False), "group"),
        ((1, 2, 3, 0, "B", False), "direction"),
        ((1, 1, 3, 2, "B", False), "twists belongs to group 5"),
        ((1, 1, 3, 0, "", False), "position"),
        ((1, 1, 3, 0, "E", False), "position"),
        ((5, 2, 5, 3, "B", True), "flying"),
        ((5, 2, 5, 0, "B", False), "half twists, not 0"),
        ((6, 4, 4, 0, "B", False), "must be 1 to 3, not 4"),
        ((6, 0, 4, 0, "B", False), "must be 1 to 3, not 0"),
        ((6, 0, 0, 0, "B", False), "600A"),
    ],
)
def test_the_reason_names_what_is_wrong(fields, reason):
    assert reason in find_violation(*fields)


# Measured flights by height, seconds.
MEASURED = [(1, False, 0.98, 1.23), (3, False, 1.32, 1.54), (10, False, 1.67, 1.82), (10, True, 1.43, 1.53)]


@pytest.mark.parametrize(("height", "armstand", "shortest", "longest"), MEASURED)
def test_flights_last_as_long_as_measured(height, armstand, shortest, longest):
    assert flight_seconds(height, armstand) == pytest.approx((shortest, longest), abs=0.03)


def test_a_dropped_stone():
    assert fall_seconds(4.905, 0) == pytest.approx(1.0)
    assert fall_seconds(0, 9.81) == pytest.approx(2.0)
