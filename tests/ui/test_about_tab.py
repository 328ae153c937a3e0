import re
from dataclasses import replace
from importlib.metadata import version

import pytest
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.calibration import Calibration
from fineparser.domain.dive_code import DiveCode
from fineparser.model.config import FineParserConfig
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.model.weights import Provenance
from fineparser.ui import about_tab
from fineparser.ui.analysis import Analysis


@pytest.fixture(scope="module")
def model() -> FineParser:
    torch.manual_seed(0)
    return FineParser(FineParserConfig.tiny(), Provenance("club-2026", ("SynDive", "Club 2026")))


@pytest.fixture
def bank(model) -> ExemplarBank:
    judged = [("207C", "SynDive"), ("207C", "SynDive"), ("107B", "mine")]
    exemplars = tuple(
        Exemplar(str(place), DiveCode.parse(code), 10, 3.0, 70.0, source) for place, (code, source) in enumerate(judged)
    )
    zeros = ClipEncoding(torch.zeros(3, 3, 4, 8), torch.zeros(3, 96, 2), torch.zeros(3, 2, dtype=torch.int64))
    return ExemplarBank(exemplars, zeros, model.fingerprint())


def test_the_weights_in_use_are_told(model):
    rows = dict(about_tab.weights(DiveAnalyser(model)))
    assert rows["Weights"] == "club-2026"
    assert rows["Trained on"] == "SynDive, Club 2026"
    assert rows["Switches"] == "read by the ordered rule"
    assert rows["Runs on"] == "cpu, float32"
    assert rows["Fingerprint"] == model.fingerprint()
    assert "simulated ones are made" in rows["Exemplars"]
    assert rows["Ranges"] == "the middle 80% of the votes: how far they lie apart"


def test_untrained_weights_say_so(model):
    analyser = DiveAnalyser(FineParser(model.config))
    assert "mean nothing yet" in dict(about_tab.weights(analyser))["Trained on"]


def test_exemplars_are_counted_by_source(model, bank):
    assert about_tab.exemplars(bank) == "2 from SynDive, 1 from mine; 2 dive numbers"
    known = replace(bank, calibration=Calibration(-1.5, 2.25, 500, "SynDive"))
    assert about_tab.ranges(known) == (
        "held 80% of 500 known dives (SynDive): -1.5 to +2.2 points for each degree of difficulty"
    )


def test_switched_weights_are_looked_up_anew(model):
    analysis = Analysis(DiveAnalyser(FineParser(model.config)))
    assert "club-2026" not in about_tab.in_use(analysis)
    analysis.analyser = DiveAnalyser(model)
    assert "club-2026" in about_tab.in_use(analysis)


def test_every_source_of_data_has_its_terms():
    names = {row[0] for row in about_tab.DATA}
    assert {"SynDive", "FineDiving", "FineDiving-HM", "MTL-AQA"} == names
    assert all(len(row) == 4 and all(row) for row in about_tab.DATA)


def test_nothing_leads_out_of_the_machine():
    texts = [about_tab.WHAT, about_tab.LIMITS, about_tab.DATA_NOTE, *(text for row in about_tab.DATA for text in row)]
    assert not re.search(r"https?:|www\.|\]\(", " ".join(texts))


def test_versions_are_those_installed():
    rows = dict(about_tab.versions())
    assert rows["torch"] == version("torch")
    assert rows["fineparser"] == version("fineparser")


def test_a_model_card_is_shown_without_its_header(tmp_path):
    card = tmp_path / "MODEL_CARD.md"
    card.write_text(
        "---\nlicense: mit\ntags:\n- diving\n---\n# FineParser\n\nA table --- with a rule.\n", encoding="utf-8"
    )
    assert about_tab.model_card(card).strip() == "# FineParser\n\nA table --- with a rule."
    card.write_text("# No header\n---\nmore", encoding="utf-8")
    assert about_tab.model_card(card) == "# No header\n---\nmore"
