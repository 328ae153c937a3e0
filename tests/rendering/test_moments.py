from dataclasses import replace

import numpy as np
import pytest

from fineparser.analysis.report import Transition
from fineparser.domain.phases import Phase
from fineparser.rendering.moments import key_moments, opening_index, outline_slimness, phase_of, splash_index
from fineparser.video.framing import Framing


def with_masks(report, probability):
    return replace(report, mask_probability=probability, framing=Framing.whole(160, 96))


def test_phases_begin_with_their_transitions(report):
    assert [phase_of(report, number) for number in (2, 17, 18, 40, 41, 55)] == [0, 0, 1, 1, 2, 2]


def test_the_moments_come_in_order(report):
    moments = key_moments(report)
    assert [moment.name for moment in moments] == ["stance", "take-off", "mid-flight", "opening", "entry", "splash"]
    assert [moment.frame for moment in moments] == sorted(moment.frame for moment in moments)
    by_name = {moment.name: moment for moment in moments}
    assert (by_name["stance"].frame, by_name["stance"].seconds) == (2, 0.08)
    assert by_name["take-off"].frame == report.flight.frame
    assert by_name["mid-flight"].index == 50
    assert by_name["entry"].frame == report.entry.frame
    assert by_name["opening"].phase is Phase.FLIGHT


def test_moments_on_one_frame_are_named_together(report):
    early = replace(report, flight=Transition(2, 0.08, 0.5, 0))
    assert key_moments(early)[0].name == "stance, take-off"


def test_slimness_of_a_bar_is_its_length_over_its_width(report):
    """Of a rectangle the spreads are as its sides. The crop of the whole 160x96 picture is squeezed: 28 columns are
    40 source pixels, 35 rows are 30."""
    probability = np.zeros((96, 112, 112), np.float32)
    probability[0, 20:55, 30:58] = 1
    assert outline_slimness(with_masks(report, probability), 0) == pytest.approx(40 / 30, rel=0.01)
    assert np.isnan(outline_slimness(with_masks(report, probability), 1))


def test_the_opening_is_where_the_outline_grows_long(report):
    """A tucked block up to sample 61, a long bar from sample 62 on; sample 56 is lost to a bad mask."""
    probability = np.zeros((96, 112, 112), np.float32)
    probability[:62, 40:60, 40:52] = 1
    probability[62:, 20:90, 40:52] = 1
    probability[56] = 0
    probability[56, 10:100, 40:46] = 1
    index, how = opening_index(with_masks(report, probability))
    assert (index, how) == (62, "from the outline")


def test_a_dive_without_an_opening_says_that_it_guesses(report):
    assert opening_index(report) == (62, "about: 4/5 of the flight")  # 30 + 0.8 x 40
    nothing = np.zeros((96, 112, 112), np.float32)
    assert opening_index(with_masks(report, nothing))[0] == 62


def test_the_splash_is_the_largest_mask_after_the_entry(report):
    probability = np.zeros((96, 112, 112), np.float32)
    probability[10, :, :] = 1
    probability[75, :20] = 1
    probability[83, :30] = 1
    assert splash_index(with_masks(report, probability)) == 83
    assert splash_index(with_masks(report, np.zeros_like(probability))) == 82  # half-way from 70 to 95
