"""Heights told from names and difficulties."""

import pytest

from fineparser.data.heights import fitting_heights, height_in_name, only_height
from fineparser.domain.dive_code import DiveCode


@pytest.mark.parametrize(
    ("name", "height"),
    [
        ("FINADivingWorldCup2021_Men3m_final_r1", 3),
        ("FullMenSynchronised10mPlatform_Tokyo2020Replays_2", 10),
        ("3mMenSpringboardFinal-EuropeanChampionships2021_2", 3),
        ("women10m", 10),
        ("10mplatform_final", 10),
        ("3mspringboard", 3),
        ("Open7.5m", 7.5),
        ("Final10men", None),
        ("Round13m", None),
        ("3m_and_10m", None),
        ("Tokyo2020", None),
    ],
)
def test_heights_in_names(name, height):
    assert height_in_name(name) == height


def test_a_difficulty_of_one_height_tells_it():
    # domain.md: 107B is 3.1 from 3 m; the current table gives it 3.0 from 10 m.
    assert only_height(DiveCode.parse("107B"), 3.1) == 3
    assert only_height(DiveCode.parse("107B"), 3.0) == 10
    assert only_height(DiveCode.parse("107B"), 2.0) is None


def test_the_earlier_tables_count():
    # domain.md: 307C from 10 m was 3.3 in 2009-13.
    assert fitting_heights(DiveCode.parse("307C"), 3.3) == (10,)


def test_armstands_are_not_dived_from_springboards():
    assert 3 not in fitting_heights(DiveCode.parse("612B"), 2.0)
