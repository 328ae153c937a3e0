"""Scores against sums done by hand, real competitions and the rules."""

import csv
from pathlib import Path

import numpy as np
import pytest

from fineparser.domain.judging import (
    PANELS,
    PENALTIES,
    InvalidAwards,
    band,
    execution,
    format_awards,
    highest_score,
    is_counted,
    parse_awards,
    total_score,
)

REAL_DIVES = Path(__file__).parents[2].parent / "shared" / "real" / "mtl_aqa_dives.csv"


@pytest.mark.parametrize(
    ("awards", "difficulty", "score"),
    [
        # 5 judges: 7.5 + 7 + 7 = 21.5
        ([7, 7.5, 6.5, 8, 7], 2.0, 43.0),
        # 7 judges: 8 + 8 + 8 = 24
        ([8, 8, 7.5, 8, 7.5, 8.5, 8.5], 3.3, 79.2),
        # one judge far off changes nothing
        ([8, 8, 0, 8, 7.5, 10, 8.5], 3.3, 79.2),
        # all the same
        ([6.5] * 5, 1.7, 33.15),
        ([6.5] * 7, 1.7, 33.15),
        ([6.5] * 9, 1.7, 33.15),
        ([6.5] * 11, 1.7, 33.15),
        ([10] * 7, 4.8, 144.0),
        ([0] * 7, 4.8, 0.0),
        # 9 judges: execution 7 7.5 8 9 -> 7.5 + 8; synchronisation 8 8 8.5 9 9.5 -> 8 + 8.5 + 9; 41 x 0.6
        ([7, 7.5, 8, 9, 8, 8, 8.5, 9, 9.5], 3.0, 73.8),
        # the execution of both divers is one group of four: here 7 7 9 9 -> 7 + 9
        ([7, 7, 9, 9, 8, 8, 8, 8, 8], 3.0, 72.0),
        # 11 judges: 6 7 9 -> 7; 8 8 5 -> 8; 7 7.5 8 8.5 9 -> 7.5 + 8 + 8.5; 39 x 0.6
        ([6, 7, 9, 8, 8, 5, 7, 7.5, 8, 8.5, 9], 3.4, 79.56),
        # 3.3 and 0.1 cannot be written exactly in binary: 25.5 x 3.3
        ([8.5] * 7, 3.3, 84.15),
        ([5.5] * 7, 2.1, 34.65),
    ],
)
def test_totals_by_hand(awards, difficulty, score):
    assert total_score(awards, difficulty) == score
    assert total_score(np.array(awards), np.float64(difficulty)) == score
    assert total_score(tuple(float(award) for award in awards), difficulty) == score


def test_one_far_off_award_in_each_group_of_a_synchro_panel_does_not_count():
    fair = [8, 8, 8, 7, 7, 7, 9, 9, 9, 9, 9]
    off = [8, 0, 8, 10, 7, 7, 0, 9, 9, 9, 10]
    assert total_score(off, 3.0) == total_score(fair, 3.0) == round((8 + 7 + 27) * 0.6 * 3.0, 2)


def test_the_order_of_judges_within_a_group_does_not_matter():
    awards = [6, 7, 9, 8, 8, 5, 7, 7.5, 8, 8.5, 9]
    shuffled = [9, 6, 7, 8, 5, 8, 9, 8.5, 7, 8, 7.5]
    assert total_score(shuffled, 3.4) == total_score(awards, 3.4)
    across = [8, 7, 9, 6, 8, 5, 7, 7.5, 8, 8.5, 9]
    assert total_score(across, 3.4) != total_score(awards, 3.4)


def test_execution_of_the_recorded_207c():
    """shared/real/README.md: 84.15 = 25.5 x 3.3."""
    assert execution(84.15, 3.3) == 25.5


@pytest.mark.skipif(not REAL_DIVES.exists(), reason="the real dives are not here")
def test_real_competitions_agree():
    """At least 97% of the rows give their score exactly; the rest have an award or a score mistyped.

    Two rows are refused: one has six awards, one an award of 45.
    """
    with REAL_DIVES.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) > 800
    agree, refused = [], []
    for row in rows:
        awards = [float(award) for award in f"{row['judges']} {row['judges_sync']}".split()]
        try:
            agree.append(total_score(awards, float(row["dd"])) == float(row["score"]))
        except InvalidAwards as error:
            refused.append(str(error))
    assert np.mean(agree) >= 0.97
    assert len(refused) <= 2


@pytest.mark.parametrize("judges", [0, 1, 3, 4, 6, 8, 10, 12])
def test_other_panels_are_rejected(judges):
    with pytest.raises(InvalidAwards, match=f"No panel has {judges} judges"):
        total_score([7] * judges, 3.0)


@pytest.mark.parametrize("award", [-0.5, 10.5, 7.25, float("nan"), float("inf"), None, "high"])
def test_awards_that_no_judge_gives_are_rejected(award):
    with pytest.raises(InvalidAwards, match="0 to 10 in halves") as caught:
        total_score([7, 7, 7, 7, award], 3.0)
    assert repr(award) in str(caught.value)


@pytest.mark.parametrize("difficulty", [0, -1.5, float("nan"), float("inf"), None, "hard"])
def test_difficulties_that_are_no_positive_number_are_rejected(difficulty):
    with pytest.raises(ValueError, match="degree of difficulty") as caught:
        total_score([7] * 5, difficulty)
    assert repr(difficulty) in str(caught.value)
    with pytest.raises(ValueError, match="degree of difficulty"):
        execution(70, difficulty)


@pytest.mark.parametrize(
    ("awards", "kept"),
    [
        ([7, 8, 6.5, 7, 7.5], [0, 3, 4]),
        ([5, 6, 7, 8, 9, 10, 4], [1, 2, 3]),
        ([10, 4, 9, 5, 8, 6, 7], [4, 5, 6]),
        ([7, 7.5, 8, 9, 8, 8.5, 7, 9, 9.5], [1, 2, 4, 5, 7]),
        ([6, 7, 9, 8.5, 8, 5, 7, 7.5, 8, 8.5, 9], [1, 4, 7, 8, 9]),
    ],
)
def test_the_middle_awards_of_each_group_count(awards, kept):
    assert [judge for judge, counts in enumerate(is_counted(awards)) if counts] == kept


def test_of_equal_awards_as_many_count_as_must():
    assert is_counted([7, 7, 7, 7, 7, 7, 7]) == (False, False, True, True, True, False, False)
    assert sum(is_counted([8] * 9)) == sum(is_counted([8] * 11)) == 5


@pytest.mark.parametrize(
    "text",
    [
        "7.5 8 7 7.5 10",
        " 7.5;8;7;7.5;10\n",
        "7,5 8 7 7,5 10",
        "7,5; 8; 7; 7,5; 10",
        "7.5, 8, 7, 7.5, 10",
        "7,5 , 8,\t7 ; 7,50 10.0;",
    ],
)
def test_awards_are_read_as_people_write_them(text):
    assert parse_awards(text) == (7.5, 8.0, 7.0, 7.5, 10.0)


@pytest.mark.parametrize(
    ("awards", "reason"),
    [
        ("7 7 7", "5 or 7 awards, not 3"),
        ("", "'' is no award"),
        ("7.5,8,7,7.5,8", "'7.5,8,7,7.5,8' is no award"),
        ("7 7 7 7 x", "'x' is no award"),
        ("7 7 7 7 7.2", r"0 to 10 in halves, not 7\.2"),
        ("7 7 7 7 nan", "not nan"),
        ([7.0] * 9, "5 or 7 awards, not 9"),
        ([7, 7, 7, 7, 11], "not 11"),
        ("x" * 10_000, "'xxx"),
    ],
)
def test_a_sheet_that_no_panel_gives_is_refused(awards, reason):
    with pytest.raises(InvalidAwards, match=reason) as error:
        parse_awards(awards)
    assert len(str(error.value)) < 250


def test_dropped_awards_are_in_parentheses():
    assert format_awards((5.0, 6.5, 7.0, 8.0, 9.0, 10.0, 4.0)) == "(5) 6.5 7 8 (9) (10) (4)"


@pytest.mark.parametrize("difficulty", [4.1, 3.3, 1.14, 2.03])
def test_perfect_awards_give_the_highest_score(difficulty):
    assert highest_score(difficulty) == total_score([10] * 5, difficulty)


@pytest.mark.parametrize("judges", PANELS)
def test_a_panel_is_worth_three_awards(judges):
    panel = PANELS[judges]
    kept = sum(judging - 2 * dropped for _, judging, dropped in panel.groups)
    assert panel.judges == judges
    assert float(kept * panel.weight) == 3.0


def test_execution_takes_the_difficulty_out():
    assert execution(88.0, 3.2) == 27.5
    assert execution(0, 3.2) == 0.0
    with pytest.raises(ValueError, match="-1"):
        execution(-1, 3.2)
    with pytest.raises(ValueError, match="nan"):
        execution(float("nan"), 3.2)


BANDS_OF_THE_RULES = {
    "failed": [0],
    "unsatisfactory": [0.5, 1, 1.5, 2],
    "deficient": [2.5, 3, 3.5, 4, 4.5],
    "satisfactory": [5, 5.5, 6, 6.5],
    "good": [7, 7.5, 8],
    "very good": [8.5, 9, 9.5],
    "excellent": [10],
}


@pytest.mark.parametrize(
    ("name", "award"), [(name, award) for name, awards in BANDS_OF_THE_RULES.items() for award in awards]
)
def test_bands_of_the_rules(name, award):
    assert band(award) == name


@pytest.mark.parametrize(
    ("award", "name"), [(8.24, "good"), (8.25, "very good"), (9.74, "very good"), (9.75, "excellent"), (0.2, "failed")]
)
def test_averages_between_bands_go_to_the_nearest_half(award, name):
    assert band(award) == name


@pytest.mark.parametrize("award", [-0.1, 10.1, float("nan")])
def test_there_is_no_band_outside_the_scale(award):
    with pytest.raises(InvalidAwards, match="between 0 and 10"):
        band(award)


@pytest.mark.parametrize(
    ("offence", "before", "after"),
    [
        ("wrong dive", 9.5, 0),
        ("twist 90 degrees or more off", 4, 0),
        ("feet or hands entering in the wrong order", 6, 0),
        ("second failed restart", 8, 0),
        ("restart", 8.5, 6.5),
        ("restart", 1.5, 0),
        ("wrong position", 7, 2),
        ("wrong position", 1.5, 1.5),
        ("unsafe dive", 7, 2),
        ("arms wrong at the entry", 8, 4.5),
        ("arms wrong at the entry", 3, 3),
    ],
)
def test_penalties(offence, before, after):
    assert PENALTIES[offence].apply(before) == after
