"""The trim panel: a proposal in its units, the changes of the user, and the strip of frames."""

import re
from dataclasses import replace

import gradio as gr
import pytest

from fineparser.analysis.crop_choice import CENTRE, DIVER, MANUAL
from fineparser.quality_warning import QualityWarning
from fineparser.ui.trim_panel import (
    FRAMES,
    SECONDS,
    STRIP_FRAMES,
    TrimPanel,
    TrimValues,
    changed_proposal,
    convert_unit,
    frame_number,
    in_unit,
    proposal_updates,
    proposal_values,
    redrawn_strip,
    strip_html,
)
from tests.ui.conftest import placeholder_panel

UNSET = TrimValues(unit=FRAMES, first=None, last=None, crop=CENTRE, centre_x=50, centre_y=50, size=100)


def test_a_proposal_is_shown_in_either_unit(proposal):
    values = proposal_values(proposal, FRAMES)
    assert (values.first, values.last, values.crop) == (proposal.first, proposal.last, CENTRE)
    assert (values.centre_x, values.centre_y, values.size) == (50, 50, 100)
    values = proposal_values(proposal, SECONDS)
    assert (values.first, values.last) == pytest.approx((proposal.first / 25, proposal.last / 25), abs=1e-3)


def test_the_panel_shows_a_proposal(proposal):
    updates = proposal_updates(placeholder_panel(TrimPanel), proposal, FRAMES)
    assert updates["strip"].count("<figure>") == STRIP_FRAMES
    assert (updates["first"], updates["last"], updates["crop"]) == (proposal.first, proposal.last, CENTRE)
    assert updates["proposal"] is proposal


@pytest.mark.parametrize("unit", [SECONDS, FRAMES])
def test_an_unchanged_panel_returns_the_proposal_itself(proposal, unit):
    values = proposal_values(proposal, unit)
    assert changed_proposal(proposal, values) is proposal
    assert changed_proposal(proposal, replace(values, first=None, last=None, crop=DIVER)) is proposal


def test_the_user_changes_trim_and_crop(proposal):
    custom = TrimValues(unit=SECONDS, first=2.0, last=4.4, crop=MANUAL, centre_x=25, centre_y=50, size=50)
    changed = changed_proposal(proposal, custom)
    assert (changed.first, changed.last, changed.crop.kind) == (50, 110, MANUAL)
    assert changed.crop.box_at(60) == pytest.approx([40 - 24, 48 - 24, 40 + 24, 48 + 24])
    changed = changed_proposal(proposal, replace(UNSET, first=60))
    assert (changed.first, changed.last) == (60, proposal.last)


@pytest.mark.parametrize(("first", "last"), [(100, 60), (60, 60)])
def test_an_end_before_the_start_is_refused_at_once(proposal, first, last):
    values = replace(UNSET, first=first, last=last)
    with pytest.raises(ValueError, match=f"ends at frame {last}, before its start at frame {first}"):
        changed_proposal(proposal, values)
    assert f"ends at frame {last}" in redrawn_strip(proposal, values)


def test_the_crop_is_drawn_on_every_frame_of_the_strip(proposal):
    values = replace(UNSET, first=70, last=120, crop=MANUAL, centre_x=25, size=50)
    html = strip_html(changed_proposal(proposal, values))
    assert html.count('<rect x="16" y="24" width="48" height="48"/>') == STRIP_FRAMES
    assert re.findall(r"<figcaption>(.*?)</figcaption>", html)[0] == "2.80 s"
    assert "http" not in html.replace("http://www.w3.org", "")


def test_notes_and_warnings_are_escaped(proposal):
    note = QualityWarning("bank_unusable", {"reason": "<b>cut</b>"})
    warning = QualityWarning("bank_unusable", {"reason": "a < b"})
    html = strip_html(replace(proposal, notes=(note,), warnings=(warning,)))
    assert "&lt;b&gt;cut" in html
    assert "a &lt; b" in html


def test_units_convert_to_each_other_and_back(scan):
    for number in (0, 1, 73, 149):
        assert frame_number(scan, SECONDS, in_unit(scan, SECONDS, number)) == number
    assert convert_unit(scan, replace(UNSET, unit=FRAMES, first=0.04, last=5.96)) == (1, 149)
    assert convert_unit(scan, replace(UNSET, unit=SECONDS, first=1)) == (0.04, None)
    assert convert_unit(None, replace(UNSET, first=1.0, last=2.0)) == (None, None)
    assert frame_number(scan, FRAMES, 1e9) == 149
    assert frame_number(scan, SECONDS, -5) == 0


def test_without_a_proposal_nothing_is_drawn():
    assert redrawn_strip(None, replace(UNSET, first=0, last=1)) == gr.skip()
