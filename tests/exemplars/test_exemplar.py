import hashlib
import json
from dataclasses import replace

import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.standards import Standard
from fineparser.exemplars.exemplar import (
    SIMULATOR_VERSION,
    USER_DIVES,
    DiveSpec,
    Exemplar,
    FileFrames,
    ScoredDive,
    SimulationRecipe,
    clip_digest,
)

SHEET = (7.5, 8.0, 7.0, 7.5, 8.0)
"""7.5 + 7.5 + 8 = 23."""
JUDGED = Exemplar(
    "own",
    DiveCode.parse("207C"),
    10.0,
    3.3,
    75.9,
    USER_DIVES,
    awards=SHEET,
    standard=Standard.CLUB,
    files=(FileFrames("0" * 64, 5, 90), FileFrames("f" * 64, 0, 85)),
)


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


@pytest.mark.parametrize("awards", ["7.5 8 7 7.5 8", "7,5; 8; 7; 7,5; 8", SHEET])
def test_awards_give_the_total(awards):
    dive = ScoredDive.from_input("207C", 10, awards=awards, standard="club")
    assert (dive.score, dive.awards, dive.standard) == (75.9, SHEET, Standard.CLUB)
    assert ScoredDive.from_input("207C", 10, 75.9, awards=awards).score == 75.9
    assert ScoredDive.from_input("207C", 10, 75.9, awards="").awards is None


@pytest.mark.parametrize(
    ("score", "awards", "standard", "reason"),
    [
        (75.8, SHEET, None, "make 75.90 points at difficulty 3.3, not 75.80"),
        (float("nan"), SHEET, None, "not nan"),
        (None, "7 7 7", None, "5 or 7 awards, not 3"),
        (None, "", None, "total in points, or the judges' awards"),
        (75.9, None, "olympic", "international, national, club, not 'olympic'"),
    ],
)
def test_awards_that_do_not_fit_are_refused(score, awards, standard, reason):
    with pytest.raises(ValueError, match=reason):
        ScoredDive.from_input("207C", 10, score, awards=awards, standard=standard)


def test_a_judged_exemplar_travels_as_json(tmp_path):
    values = json.loads(json.dumps(JUDGED.to_json()))
    assert (values["awards"], values["standard"]) == ([7.5, 8.0, 7.0, 7.5, 8.0], "club")
    assert Exemplar.from_json(values, tmp_path) == JUDGED
    plain = replace(JUDGED, awards=None, standard=None, files=())
    assert not {"awards", "standard", "files"} & set(plain.to_json())
    assert Exemplar.from_json(plain.to_json(), tmp_path) == plain


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"score": 99.1}, "score 99.1 and difficulty 3.3 are not those of a dive"),
        ({"score": 75.8}, r"the awards make 75\.90 points, and the score is 75\.8"),
        ({"awards": [7.5, 8.0, 7.0, 7.5]}, "5 or 7 awards, not 4"),
        ({"awards": [7.5, 8.0, 7.0, 7.5, "8"]}, "awards should be a list, each a finite number or null"),
        ({"awards": [7.5, 8.0, 7.0, 7.5, 12.0]}, "0 to 10 in halves, not 12.0"),
        ({"standard": "olympic"}, "the standard is one of international, national, club, not 'olympic'"),
        ({"standard": ["club"]}, r"the standard is one of .*, not \['club'\]"),
        ({"files": {}}, "files should be a list, not a dict of 0 items"),
        ({"files": [{"digest": "../x", "first": 0, "last": 1}]}, "'../x' is no SHA-256 digest"),
        ({"files": [{"digest": "0" * 64, "first": 3, "last": 1}]}, "no frames 3 to 1"),
        ({"files": [{"digest": "0" * 64, "first": 0}]}, "last is missing"),
    ],
)
def test_an_impossible_exemplar_is_refused(tmp_path, changes, reason):
    with pytest.raises(ValueError, match=reason):
        Exemplar.from_json(JUDGED.to_json() | changes, tmp_path)


def test_files_are_known_by_their_contents(tmp_path):
    for name in ("one.mp4", "copy.mp4"):
        (tmp_path / name).write_bytes(b"moving picture")
    expected = hashlib.sha256(b"moving picture").hexdigest()
    assert clip_digest(tmp_path / "one.mp4") == clip_digest(str(tmp_path / "copy.mp4")) == expected
    assert clip_digest(tmp_path) is None


def test_frames_of_one_file_overlap():
    dive = FileFrames("0" * 64, 100, 200)
    assert dive.overlaps(FileFrames("0" * 64, 200, 300))
    assert dive.overlaps(FileFrames("0" * 64, 0, 900))
    assert not dive.overlaps(FileFrames("0" * 64, 201, 300))
    assert not dive.overlaps(FileFrames("1" * 64, 100, 200))


def test_a_recipe_without_a_version_is_of_the_first_simulator():
    recipe = SimulationRecipe(7, 0.5)
    assert (recipe.simulator, recipe.is_current) == (1, False)
    assert SimulationRecipe(7, 0.5, SIMULATOR_VERSION).is_current
