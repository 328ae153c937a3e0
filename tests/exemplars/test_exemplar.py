import pytest

from fineparser.exemplars.exemplar import DiveSpec, ScoredDive


def test_difficulty_is_from_the_table_or_given():
    assert DiveSpec.from_input("207C", "10").difficulty == 3.3
    assert DiveSpec.from_input("207C", 10).difficulty_source == "table"
    assert DiveSpec.from_input("207C", 10, 3.6).difficulty == 3.6
    assert DiveSpec.from_input("207C", 10, 3.6).difficulty_source == "given"


def test_a_dive_without_number_or_height_is_none():
    assert DiveSpec.from_input("207C", None) is None
    assert DiveSpec.from_input(None, 10) is None


@pytest.mark.parametrize(
    ("code", "height", "difficulty", "reason"),
    [("nonsense", None, None, "nonsense"), (None, 4, None, "4 is no diving height"), (None, None, 99, "between")],
)
def test_each_value_is_checked_where_others_are_missing(code, height, difficulty, reason):
    with pytest.raises(ValueError, match=reason):
        DiveSpec.from_input(code, height, difficulty)


@pytest.mark.parametrize("difficulty", [0.4, 6.1, float("nan")])
def test_an_impossible_difficulty_is_refused(difficulty):
    with pytest.raises(ValueError, match=r"between 0\.5 and 6"):
        DiveSpec.from_input("207C", 10, difficulty)


@pytest.mark.parametrize(
    ("code", "height", "score", "difficulty", "reason"),
    [
        ("", 10, 60, None, "number and a height"),
        ("207C", "", 60, None, "number and a height"),
        ("207C", 10, None, None, "needs its score"),
        ("207C", 10, 99.5, None, "0 to 99 points, not 99.5"),
        ("207C", 10, -1, None, "not -1"),
        ("207C", 10, float("nan"), None, "not nan"),
        ("107A", 3, 50, None, "107A"),
    ],
)
def test_an_impossible_scored_dive_is_refused(code, height, score, difficulty, reason):
    with pytest.raises(ValueError, match=reason):
        ScoredDive.from_input(code, height, score, difficulty)


def test_a_given_difficulty_allows_a_higher_score():
    assert ScoredDive.from_input("207C", 10, 105.0, 3.6).spec.difficulty == 3.6
