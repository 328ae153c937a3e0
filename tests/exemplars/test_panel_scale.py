"""The scale of a panel: a line from what is told to what it gives, held back while few dives tell it."""

import json

import numpy as np
import pytest
from scipy.stats import norm

from fineparser.exemplars.panel_scale import (
    KNOWN_AS,
    LEAST_STRETCH,
    MIDDLE,
    OFFSET,
    STRETCH,
    USUAL_ERROR,
    PanelScale,
)
from fineparser.exemplars.calibration import INTERVAL, Calibration

DIFFICULTIES = (1.6, 2.4, 3.3)


def judged(rng, count, offset=-1.0, stretch=1.3, error=0.8):
    """Points told and given of so many dives, and their difficulties."""
    difficulty = rng.choice(DIFFICULTIES, count)
    told = rng.normal(6.8, 1.2, count)
    given = MIDDLE + offset + stretch * (told - MIDDLE) + rng.normal(0, error, count)
    return 3 * told * difficulty, 3 * given * difficulty, difficulty


def test_many_dives_tell_the_line_of_least_squares():
    told, given, difficulty = judged(np.random.default_rng(0), 4000)
    scale = PanelScale.of(told, given, difficulty)
    stretch, at_nought = np.polyfit(told / difficulty / 3, given / difficulty / 3, 1)
    assert scale.stretch == pytest.approx(stretch, abs=0.005)
    assert MIDDLE + scale.offset == pytest.approx(at_nought + stretch * MIDDLE, abs=0.005)
    assert scale.error == pytest.approx(0.8, rel=0.05)
    assert scale.points(3 * MIDDLE * 2.0, 2.0) == pytest.approx(3 * 2.0 * (MIDDLE + scale.offset))


def test_few_dives_are_held_back_as_if_more_had_said_nothing():
    """The prior as two more rows of the equations, solved by least squares."""
    told, given, difficulty = judged(np.random.default_rng(1), 4)
    scale = PanelScale.of(told, given, difficulty)
    x, z = told / difficulty / 3 - MIDDLE, given / difficulty / 3 - MIDDLE
    rows = [*([1.0, one] for one in x), [USUAL_ERROR / OFFSET, 0.0], [0.0, USUAL_ERROR / STRETCH]]
    (offset, stretch), *_ = np.linalg.lstsq(np.array(rows), np.array([*z, 0.0, USUAL_ERROR / STRETCH]), rcond=None)
    assert (scale.offset, scale.stretch) == pytest.approx((offset, stretch))
    assert abs(scale.offset) < abs(np.mean(z - x))
    assert scale.freedom == KNOWN_AS + 4


def test_intervals_hold_what_they_say_of_panels_as_they_are_expected():
    rng, inside = np.random.default_rng(2), []
    for _ in range(3000):
        error = np.sqrt(KNOWN_AS * USUAL_ERROR**2 / rng.chisquare(KNOWN_AS))
        panel = dict(offset=rng.normal(0, OFFSET), stretch=1 + STRETCH * rng.normal(), error=error)
        told, given, difficulty = judged(rng, int(rng.integers(4, 12)), **panel)
        told -= 4.5 * difficulty  # to the middle, so that hardly any award cannot be given
        given -= 4.5 * difficulty * panel["stretch"]
        scale = PanelScale.of(told[1:], given[1:], difficulty[1:])
        low, high = scale.interval(scale.points(told[0], difficulty[0]), difficulty[0])
        inside.append(low <= given[0] <= high)
    assert np.mean(inside) == pytest.approx(INTERVAL, abs=0.03)


def test_the_error_on_simulated_dives_is_where_it_begins():
    told, given, difficulty = (values[:3] for values in judged(np.random.default_rng(3), 3, -1.0, 1.0, 0.0))
    reach = 3 * norm.ppf(0.9)  # in execution, of an error of one award
    sure, unsure = (
        PanelScale.of(told, given, difficulty, Calibration(-factor * reach, factor * reach, 400, "SynDive"))
        for factor in (0.5, 1.5)
    )
    assert sure.error < unsure.error
    assert abs(sure.offset) > abs(unsure.offset)  # what is seldom far off is believed sooner


def test_an_interval_holds_its_score_and_stays_within_the_awards():
    scale = PanelScale.of(*judged(np.random.default_rng(4), 5))
    low, high = scale.interval(58.0, 2.0)
    assert 0 <= low <= 58.0 <= high <= 60.0
    assert scale.interval(0.0, 2.0)[0] == 0.0


def test_a_panel_that_turns_the_order_round_is_not_followed():
    told = np.linspace(30, 50, 60)
    scale = PanelScale.of(told, 80 - told, np.full(60, 2.0))
    assert scale.stretch == LEAST_STRETCH
    assert scale.points(40.0, 2.0) == pytest.approx(40.0, abs=0.5)


def test_too_few_dives_are_refused():
    with pytest.raises(ValueError, match="2 judged dives"):
        PanelScale.of([40, 50], [38, 47], [2.0, 2.0])


def test_it_is_plain_values_and_words():
    scale = PanelScale.of(*judged(np.random.default_rng(5), 20, offset=-1.0, stretch=1.0, error=0.1))
    assert PanelScale(**json.loads(json.dumps(scale.to_json()))).points(40.0, 2.0) == scale.points(40.0, 2.0)
    assert "awards less" in scale.words
    milder = PanelScale.of(*judged(np.random.default_rng(5), 20, offset=1.0, stretch=1.0, error=0.1))
    assert "awards more" in milder.words
