import base64
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from fineparser.analysis.inspection import ARRAYS
from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.domain.phases import Phase
from fineparser.model.entry import DEDUCTION_SPREAD
from fineparser.ui import inspect_view as view
from fineparser.ui.inspect_tab import last_dive
from tests.inspections import drawn, labelled, made_up, paired


@pytest.fixture(scope="module")
def inspection():
    return labelled(paired(made_up(16)))


def rows(html):
    return [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr.*?</tr>", html)]


def test_the_summary_compares_both_rules(inspection):
    html = view.summary_html(inspection)
    assert "dive &lt;1&gt;.mp4" in html
    assert "<1>" not in html
    found = rows(html)
    assert "||Windowed||20 (frame 120)||60 (frame 160)||10 and 0||0.750||" in found
    assert "||Ordered, in use||30 (frame 130)||50 (frame 150)||0 and 10||0.667||" in found
    assert "||Labelled||30 (frame 130)||60 (frame 160)||||||" in found
    assert html.index("strong") < html.index("Ordered, in use")
    alone = view.summary_html(made_up())
    assert "tIoU" not in alone
    assert "no exemplar" in alone


def test_metrics_have_labels(inspection):
    found = rows(view.metrics_table(inspection))
    assert "||IoU of side output 2||0.000||" in found
    assert "||Predicted minus actual points||-3.500||" in found
    assert view.metrics_table(made_up()) == ""


def test_the_images_of_a_frame_have_alternative_texts(inspection):
    html = view.frame_html(inspection, 12)
    assert "Sample 12 of 95, frame 112 of the clip, 0.48 s, take-off" in html
    alts = re.findall(r'alt="([^"]+)"', html)
    assert alts[0].startswith("Input, sample 12: take-off")
    assert len(alts) == len(set(alts)) == 8
    data = base64.b64decode(re.findall(r"base64,([^\"]+)", html)[1])
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (48, 48, 3)
    assert picture[:, 30:].mean(axis=(0, 1))[0] > picture[:, 30:].mean(axis=(0, 1))[2]  # dark blue: nothing found


def test_contributions_add_up(inspection):
    found = rows(view.contributions_table(inspection))
    assert "||dynamic, mean of tokens||+0.55||+1.55||+2.55||||" in found
    assert (
        "||static, contribution||\u22120.15||\u22120.25||\u22120.10||\u22120.50||" in found
    )  # halves of 0.3, 0.5, 0.2
    assert found[-1].startswith("||Difference||\u22120.07||+0.14||")
    assert view.contributions_table(made_up()) == ""


def test_every_array_of_the_file_is_described():
    html = view.arrays_table()
    for name in ARRAYS:
        assert f">{name}<" in html
    assert "bool [96, 112, 112]" in html


def test_without_a_report_a_note_says_what_to_do():
    note, exemplar = last_dive(None)
    assert "analyse one first" in note
    assert exemplar.visible is False


def test_the_entry_is_shown_with_its_predicted_deductions(inspection):
    html = view.entry_html(drawn(inspection))
    alts = re.findall(r'alt="([^"]+)"', html)
    assert len(alts) == 15
    assert alts[2] == "Entry, the entry: sample 50"
    assert "flying water" in html
    assert view.entry_html(inspection) == view.entry_table(inspection) == ""
    found = rows(view.entry_table(drawn(inspection)))
    names = list(DEDUCTION_SPREAD)
    assert f"||Splash||{names.index('splash') / 10:.2f}||" in found
    assert "||Award from entry alone||6.50||" in found
    comparison = replace(inspection.comparison, entry_fault_scores=np.zeros(14, np.float32))
    beside = rows(view.entry_table(replace(drawn(inspection), comparison=comparison)))
    assert "||Deduction, awards||This dive||Exemplar||" in beside
    assert f"||Splash||{names.index('splash') / 10:.2f}||0.00||" in beside


def test_the_table_has_the_faults_that_judges_see_at_the_entry():
    entry_faults = {name for name in DEDUCTION_SPREAD if DEDUCTION_CURVES[name].phase == Phase.ENTRY}
    assert set(view.ENTRY_LABELS) - {view.AWARD} == entry_faults
