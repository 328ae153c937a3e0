"""Standards of competition: awards by dive number, shrunk by the number of dives behind them."""

import csv
from pathlib import Path

import numpy as np
import pytest

from fineparser.domain.dive_code import DiveCode
from fineparser.domain.standards import Standard, award_distribution, award_prior, standard_shares

INTERNATIONAL, NATIONAL, CLUB = Standard
SHARED = Path(__file__).parents[3] / "shared" / "award_statistics.csv"


def test_a_number_with_many_dives_has_its_own_awards():
    own, text = (
        award_distribution(INTERNATIONAL, DiveCode.parse("207C"), 10),
        award_distribution(INTERNATIONAL, "207C", 10),
    )
    assert own == text
    assert (own.mean, own.sd, own.panel_sd) == pytest.approx((6.65, 1.56, 0.380), abs=0.02)


def test_a_number_with_few_dives_moves_towards_its_height():
    few, height = award_distribution(INTERNATIONAL, "5152B", 10), award_distribution(INTERNATIONAL, height=10)
    assert (height.mean, height.sd, height.panel_sd) == (7.23, pytest.approx(1.37), 0.354)
    assert 6.07 < few.mean < 6.07 + 0.25 * (height.mean - 6.07)  # of 20 dives
    assert 1.03 < few.sd < height.sd


def test_numbers_and_heights_without_statistics_have_those_of_the_level_above():
    assert award_distribution(NATIONAL, "405C", 1) == award_distribution(NATIONAL, height=1)
    whole = award_distribution(INTERNATIONAL)
    assert award_distribution(INTERNATIONAL, "103B", 1) == award_distribution(INTERNATIONAL, height=7.5) == whole
    assert 7.03 < whole.mean < 7.23
    assert whole.sd > 1.3


def test_a_club_is_below_the_nation_and_scatters_more():
    nation, club = award_distribution(NATIONAL, "103B", 1), award_distribution(CLUB, "103B", 1)
    assert club.mean == pytest.approx(nation.mean - 0.2)
    assert club.sd == pytest.approx(1.25 * nation.sd)
    assert club.panel_sd == nation.panel_sd


@pytest.mark.parametrize(
    ("number", "height", "expected"),
    [
        ("107B", 3, {INTERNATIONAL: 0.99}),
        ("207C", 10, {INTERNATIONAL: 0.99}),
        ("103B", 1, {NATIONAL: 0.5, CLUB: 0.5}),
        ("401B", 1, {NATIONAL: 0.5, CLUB: 0.5}),
        (None, None, {INTERNATIONAL: 1 / 3, NATIONAL: 1 / 3, CLUB: 1 / 3}),
    ],
)
def test_who_dives_a_number(number, height, expected):
    shares = standard_shares(number, height)
    assert list(shares) == list(Standard)
    assert sum(shares.values()) == pytest.approx(1.0)
    for standard, share in expected.items():
        assert shares[standard] == pytest.approx(share, abs=0.011)


def test_clubs_hardly_ever_do_hard_dives_or_dive_from_ten_metres():
    for number, height in (("107B", 3), ("626B", 10), ("101B", 10), ("305C", 1)):
        shares = standard_shares(number, height)
        assert 0.0 < shares[CLUB] <= 0.03 * shares[NATIONAL]
    assert standard_shares("103B", 3)[CLUB] == standard_shares("103B", 3)[NATIONAL]


def test_without_a_standard_the_prior_is_the_mixture():
    shares = standard_shares("103B", 3)
    rng = np.random.default_rng(0)
    parts = [award_distribution(standard, "103B", 3) for standard in Standard]
    which = rng.choice(3, size=200_000, p=list(shares.values()))
    sample = rng.normal([parts[i].mean for i in which], [parts[i].sd for i in which])
    prior = award_prior(None, "103B", 3)
    assert (prior.mean, prior.sd) == (pytest.approx(sample.mean(), abs=0.02), pytest.approx(sample.std(), rel=0.01))
    assert min(part.panel_sd for part in parts) < prior.panel_sd < max(part.panel_sd for part in parts)
    assert award_prior(CLUB, "103B", 3) == award_distribution(CLUB, "103B", 3)


@pytest.mark.skipif(not SHARED.exists(), reason="the statistics' source is not available")
def test_the_table_is_its_source():
    bundled = Path(__file__).parents[2] / "fineparser" / "domain" / "award_statistics.csv"
    rows, source = (list(csv.DictReader(path.read_text().splitlines())) for path in (bundled, SHARED))
    assert [row | {"standard": row["standard"].split()[0]} for row in source] == rows
