"""Reading, writing and naming dive numbers."""

import dataclasses
import pickle

import pytest

from fineparser.domain.dive_code import FINEDIVING_ACTION_TYPES, DiveCode, InvalidDiveCode, legal_codes
from fineparser.domain.phases import SUB_ACTIONS, Phase, sub_action_name, sub_action_phase

# number: fields, name, head first
DIVES = {
    "101A": ((1, 1, 1, 0, "A", False), "forward dive, straight", True),
    "201B": ((2, 2, 1, 0, "B", False), "back dive, pike", True),
    "401C": ((4, 4, 1, 0, "C", False), "inward dive, tuck", True),
    "102C": ((1, 1, 2, 0, "C", False), "forward somersault, tuck", False),
    "103B": ((1, 1, 3, 0, "B", False), "forward 1 1/2 somersaults, pike", True),
    "304C": ((3, 3, 4, 0, "C", False), "reverse 2 somersaults, tuck", False),
    "207C": ((2, 2, 7, 0, "C", False), "back 3 1/2 somersaults, tuck", True),
    "109C": ((1, 1, 9, 0, "C", False), "forward 4 1/2 somersaults, tuck", True),
    "1011C": ((1, 1, 11, 0, "C", False), "forward 5 1/2 somersaults, tuck", True),
    "112B": ((1, 1, 2, 0, "B", True), "forward flying somersault, pike", False),
    "113B": ((1, 1, 3, 0, "B", True), "forward flying 1 1/2 somersaults, pike", True),
    "413C": ((4, 4, 3, 0, "C", True), "inward flying 1 1/2 somersaults, tuck", True),
    "5111A": ((5, 1, 1, 1, "A", False), "forward dive 1/2 twist, straight", True),
    "5212A": ((5, 2, 1, 2, "A", False), "back dive 1 twist, straight", True),
    "5122D": ((5, 1, 2, 2, "D", False), "forward somersault 1 twist, free", False),
    "5132D": ((5, 1, 3, 2, "D", False), "forward 1 1/2 somersaults 1 twist, free", True),
    "5156B": ((5, 1, 5, 6, "B", False), "forward 2 1/2 somersaults 3 twists, pike", True),
    "5253B": ((5, 2, 5, 3, "B", False), "back 2 1/2 somersaults 1 1/2 twists, pike", True),
    "5337D": ((5, 3, 3, 7, "D", False), "reverse 1 1/2 somersaults 3 1/2 twists, free", True),
    "5432D": ((5, 4, 3, 2, "D", False), "inward 1 1/2 somersaults 1 twist, free", True),
    "600A": ((6, 0, 0, 0, "A", False), "armstand dive, straight", True),
    "611B": ((6, 1, 1, 0, "B", False), "armstand forward 1/2 somersault, pike", False),
    "612B": ((6, 1, 2, 0, "B", False), "armstand forward somersault, pike", True),
    "623C": ((6, 2, 3, 0, "C", False), "armstand back 1 1/2 somersaults, tuck", False),
    "636C": ((6, 3, 6, 0, "C", False), "armstand reverse 3 somersaults, tuck", True),
    "6241B": ((6, 2, 4, 1, "B", False), "armstand back 2 somersaults 1/2 twist, pike", True),
    "6261B": ((6, 2, 6, 1, "B", False), "armstand back 3 somersaults 1/2 twist, pike", True),
    "6245D": ((6, 2, 4, 5, "D", False), "armstand back 2 somersaults 2 1/2 twists, free", True),
}


@pytest.mark.parametrize("number", DIVES)
def test_a_number_is_read_named_and_written_back(number):
    fields, name, head_first = DIVES[number]
    code = DiveCode.parse(number)
    assert dataclasses.astuple(code) == fields
    assert str(code) == number
    assert code.name == name
    assert code.head_first is head_first
    assert code == DiveCode(*fields)
    assert (code.somersaults, code.twists) == (fields[2] / 2, fields[3] / 2)
    assert code.armstand == (number[0] == "6")
    assert code.twisting == (fields[3] > 0)


@pytest.mark.parametrize("text", ["5253b", " 5253B\n", "52 53 B", "5253\tb", "５２５３Ｂ", "5253ｂ", "5253\u0412"])
def test_lower_case_blanks_and_other_forms_of_the_characters_are_accepted(text):
    assert str(DiveCode.parse(text)) == "5253B"


def test_every_legal_number_survives_reading_and_has_its_own_name():
    codes = legal_codes()
    assert len(set(codes)) == len(codes)
    assert all(DiveCode.parse(str(code)) == code for code in codes)
    assert len({code.name for code in codes}) == len(codes)


def test_codes_are_frozen_and_hashable():
    code = DiveCode.parse("107B")
    with pytest.raises(dataclasses.FrozenInstanceError):
        code.position = "C"
    assert {code: 1}[DiveCode.parse("107b")] == 1


@pytest.mark.parametrize(
    ("text", "reason", "nearest"),
    [
        ("107A", "straight up to 2 1/2", ("107B", "107C")),
        ("107D", "twisting dives only", ("107B", "107C")),
        ("5253A", "B (pike) or C (tuck), not A (straight)", ("5253B", "5253C")),
        ("5253D", "not D (free)", ("5253B", "5253C")),
        ("5132B", "is done in D (free), not B (pike)", ("5132D",)),
        ("5253", "position letter (A, B, C or D) is missing", ("5253B", "5253C")),
        ("5253E", "not 'E'", ("5253B", "5253C")),
        ("525B", "four digits", ("205B", "205C")),
        ("1010B", "1 to 9 or 11 half somersaults, not 10", ("109B", "1011B")),
        ("2011B", "1 to 9 half somersaults, not 11", ("209B", "1011B")),
        ("111B", "flying forward dives have 2 to 7", ("112B",)),
        ("113A", "ends in B (pike) or C (tuck)", ("113B", "113C")),
        ("123B", "0, or 1 for a flying dive, not 2", ("103B", "103C")),
        ("100A", "no somersault", ("101A",)),
        ("600B", "600A", ("600A",)),
        ("6000A", "three digits, 600", ("600A",)),
        ("644C", "must be 1 to 3, not 4", ("614C", "624C", "634C")),
        ("6246D", "1, 2, 3, 4, 5 or 7 half twists, not 6", ("6245D", "6247D")),
        ("52531B", "three or four digits, not 5", ("5253B",)),
    ],
)
def test_numbers_that_do_not_exist_are_rejected_with_the_nearest(text, reason, nearest):
    with pytest.raises(InvalidDiveCode) as caught:
        DiveCode.parse(text)
    error = caught.value
    assert reason in error.reason
    assert error.value == text
    assert set(nearest) <= set(error.nearest)
    assert error.nearest[0] in nearest
    message = str(error)
    assert repr(text) in message
    assert error.reason in message
    assert all(number in message for number in error.nearest)


@pytest.mark.parametrize(
    "text", ["", "B", "1", "hello", "10 7 B C", "-107B", "１０７", None, 107, 5253.0, "12345678901B"]
)
def test_other_texts_are_rejected_with_dives_that_exist(text):
    with pytest.raises(InvalidDiveCode) as caught:
        DiveCode.parse(text)
    assert 1 <= len(caught.value.nearest) <= 3
    assert all(str(DiveCode.parse(number)) == number for number in caught.value.nearest)


@pytest.mark.parametrize(
    ("text", "meant"), [("1O7B", {"107B"}), ("107", {"107B", "107C"}), (107, {"107B", "107C"}), ("5253-B", {"5253B"})]
)
def test_a_slip_of_the_pen_finds_the_number_meant(text, meant):
    with pytest.raises(InvalidDiveCode) as caught:
        DiveCode.parse(text)
    assert meant <= set(caught.value.nearest)


def test_an_unknown_group_is_answered_with_the_same_dive_of_others():
    with pytest.raises(InvalidDiveCode, match="must be 1 to 6, not 8") as caught:
        DiveCode.parse("805C")
    assert set(caught.value.nearest) < {"105C", "205C", "305C", "405C"}


def test_inconsistent_fields_are_rejected():
    with pytest.raises(InvalidDiveCode, match=r"'5253A'.*5253B"):
        DiveCode(group=5, direction=2, half_somersaults=5, half_twists=3, position="A")
    with pytest.raises(InvalidDiveCode, match="direction of a dive of group 1 is 1, not 2"):
        DiveCode(group=1, direction=2, half_somersaults=5, half_twists=0, position="B")


def test_the_error_is_a_value_error_and_survives_a_worker_process():
    with pytest.raises(ValueError) as caught:
        DiveCode.parse("107D")
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    assert again.nearest == caught.value.nearest


def named_sub_actions(number: str) -> list[str]:
    return [sub_action_name(one) for one in DiveCode.parse(number).sub_actions()]


@pytest.mark.parametrize(
    ("number", "sub_actions"),
    [
        ("101B", ["Forward", "0.5 Som.Pike", "Entry"]),
        ("207C", ["Back", "3.5 Soms.Tuck", "Entry"]),
        ("409C", ["Inward", "4.5 Soms.Tuck", "Entry"]),
        ("5253B", ["Back", "1.5 Twists", "2.5 Soms.Pike", "Entry"]),
        ("5132D", ["Forward", "1 Twist", "1.5 Soms.Pike", "Entry"]),
        ("5337D", ["Reverse", "3.5 Twists", "1.5 Soms.Pike", "Entry"]),
        ("612B", ["Arm.Forward", "1 Som.Pike", "Entry"]),
        ("6243D", ["Arm.Back", "1.5 Twists", "2 Soms.Pike", "Entry"]),
        ("636C", ["Arm.Reverse", "3 Soms.Tuck", "Entry"]),
    ],
)
def test_sub_actions_of_finediving(number, sub_actions):
    assert named_sub_actions(number) == sub_actions
    assert DiveCode.parse(number).sub_actions_exact


@pytest.mark.parametrize(
    ("number", "flight"),
    [
        ("600A", ["0.5 Som.Pike"]),
        ("101A", ["0.5 Som.Pike"]),
        ("401C", ["0.5 Som.Pike"]),
        ("102C", ["1 Som.Pike"]),
        ("108C", ["3.5 Soms.Tuck"]),
        ("1011C", ["4.5 Soms.Tuck"]),
        ("5139D", ["3.5 Twists", "1.5 Soms.Pike"]),
    ],
)
def test_the_nearest_sub_action_stands_in_where_finediving_has_none(number, flight):
    assert named_sub_actions(number)[1:-1] == flight
    assert not DiveCode.parse(number).sub_actions_exact


def test_sub_actions_of_every_dive_run_from_take_off_to_entry():
    for code in legal_codes():
        phases = [sub_action_phase(one) for one in code.sub_actions()]
        assert phases == [Phase.TAKE_OFF] + [Phase.FLIGHT] * (2 if code.twisting else 1) + [Phase.ENTRY]


def test_the_dives_of_finediving_use_its_sub_actions():
    """28 of the 29: only "2 Soms.Tuck" must come from one of the five action types not known."""
    codes = [DiveCode.parse(number) for number in FINEDIVING_ACTION_TYPES]
    assert len(set(codes)) == 47
    assert all(code.sub_actions_exact for code in codes)
    assert set(SUB_ACTIONS) - {one for code in codes for one in code.sub_actions()} == {22}


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("107B", "107B", 0),
        ("107B", "107C", 1),
        ("103A", "103C", 2),
        ("107C", "109C", 4),
        ("107C", "207C", 4),
        ("103B", "113B", 3),
        ("105B", "5152B", 6),
        ("5253B", "5255B", 4),
        ("204C", "624C", 8),
        ("5132D", "5152B", 5),
    ],
)
def test_distance_between_dives(one, other, distance):
    one, other = DiveCode.parse(one), DiveCode.parse(other)
    assert one.distance(other) == other.distance(one) == distance


def test_the_hints_for_full_width_characters_are_those_of_the_number():
    for text in ("１０７Ａ", "107A"):
        with pytest.raises(InvalidDiveCode) as caught:
            DiveCode.parse(text)
        assert caught.value.nearest == ("107B", "107C", "106B")
    with pytest.raises(InvalidDiveCode) as caught:
        DiveCode.parse("１０５Ｂ．")
    assert "105B" in caught.value.nearest


def test_a_long_text_is_not_repeated_whole():
    with pytest.raises(InvalidDiveCode) as caught:
        DiveCode.parse("10B7" * 10_000)
    assert len(str(caught.value)) < 250
