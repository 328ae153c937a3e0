import re
from dataclasses import replace

import pytest

from fineparser.analysis.window import CENTRE, DIVER, OWN
from fineparser.ui import look
from fineparser.ui.look import FRAMES, PICTURES, SECONDS, chosen, frame_of, in_unit, in_units, redrawn, shown, strip

MIDDLE = (CENTRE, 50, 50, 100)


def test_a_proposal_is_shown_in_either_unit(proposed):
    pictures, first, last, kind, across, down, size = shown(proposed, FRAMES)
    assert pictures.count("<figure>") == PICTURES
    assert (first, last, kind) == (proposed.first, proposed.last, CENTRE)
    assert (across, down, size) == (50, 50, 100)
    _, first, last, *_ = shown(proposed, SECONDS)
    assert (first, last) == pytest.approx((proposed.first / 25, proposed.last / 25), abs=1e-3)


@pytest.mark.parametrize("unit", [SECONDS, FRAMES])
def test_what_was_not_touched_is_the_proposal_itself(proposed, unit):
    _, first, last, kind, *sliders = shown(proposed, unit)
    assert chosen(proposed, unit, first, last, kind, *sliders) is proposed
    assert chosen(proposed, unit, None, None, DIVER, *sliders) is proposed


def test_trim_and_window_of_ones_own(proposed):
    own = chosen(proposed, SECONDS, 2.0, 4.4, OWN, 25, 50, 50)
    assert (own.first, own.last, own.window.kind) == (50, 110, OWN)
    assert own.window.box_at(60) == pytest.approx([40 - 24, 48 - 24, 40 + 24, 48 + 24])
    again = chosen(proposed, FRAMES, 60, None, *MIDDLE)
    assert (again.first, again.last) == (60, proposed.last)


@pytest.mark.parametrize(("first", "last"), [(100, 60), (60, 60)])
def test_an_end_before_the_start_is_refused_and_told_at_once(proposed, first, last):
    with pytest.raises(ValueError, match=f"ends at frame {last}, not after its start at frame {first}"):
        chosen(proposed, FRAMES, first, last, *MIDDLE)
    assert f"ends at frame {last}" in redrawn(proposed, FRAMES, first, last, *MIDDLE)


def test_the_window_is_drawn_on_every_picture(proposed):
    drawn = strip(chosen(proposed, FRAMES, 70, 120, OWN, 25, 50, 50))
    assert drawn.count('<rect x="16" y="24" width="48" height="48"/>') == PICTURES
    assert re.findall(r"<figcaption>(.*?)</figcaption>", drawn)[0] == "2.80 s"
    assert "http" not in drawn.replace("http://www.w3.org", "")


def test_remarks_and_warnings_are_escaped(proposed):
    drawn = strip(replace(proposed, remarks=("<b>cut</b>",), warnings=("a < b",)))
    assert "&lt;b&gt;cut" in drawn
    assert "a &lt; b" in drawn


def test_units_lead_to_each_other_and_back(survey):
    for number in (0, 1, 73, 149):
        assert frame_of(survey, SECONDS, in_units(survey, SECONDS, number)) == number
    assert in_unit(survey, FRAMES, 0.04, 5.96) == (1, 149)
    assert in_unit(survey, SECONDS, 1, None) == (0.04, None)
    assert in_unit(None, FRAMES, 1.0, 2.0) == (None, None)
    assert frame_of(survey, FRAMES, 1e9) == 149
    assert frame_of(survey, SECONDS, -5) == 0


def test_without_a_proposal_nothing_is_drawn():
    assert redrawn(None, FRAMES, 0, 1, *MIDDLE) == look.gr.skip()
