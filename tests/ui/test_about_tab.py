import re
from dataclasses import replace
from importlib.metadata import version

import pytest
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.score_calibration import ScoreCalibration
from fineparser.model.checkpoint import Provenance
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.protocol import Encoding
from fineparser.ui import about_tab
from fineparser.ui.analysis_service import AnalysisService


@pytest.fixture(scope="module")
def model() -> CompactFineParser:
    torch.manual_seed(0)
    return CompactFineParser(CompactConfig.tiny(), Provenance("club-2026", ("SynDive", "Club 2026")))


@pytest.fixture
def bank(model) -> ExemplarBank:
    judged = [("207C", "SynDive"), ("207C", "SynDive"), ("107B", "mine")]
    exemplars = tuple(
        Exemplar(str(place), DiveCode.parse(code), 10, 3.0, 70.0, source) for place, (code, source) in enumerate(judged)
    )
    zeros = Encoding(torch.zeros(3, 3, 4, 8), torch.zeros(3, 96, 2), torch.zeros(3, 2, dtype=torch.int64))
    return ExemplarBank(exemplars, zeros, model.fingerprint())


def test_the_weights_in_use_are_described(model):
    rows = dict(about_tab.weights_rows(DiveAnalyser(model)))
    assert rows["Weights"] == "club-2026"
    assert rows["Trained on"] == "SynDive, Club 2026"
    assert rows["Transitions"] == "ordered rule"
    assert rows["Device"] == "cpu, float32"
    assert rows["Fingerprint"] == model.fingerprint()
    assert "each report simulates its own" in rows["Exemplars"]
    assert rows["Score range"] == "the middle 80% of the votes: how much they differ"


def test_the_range_of_weights_trained_on_simulated_dives_is_that_of_a_judgement(model):
    simulated = CompactFineParser(model.config, Provenance("simulated", ("SynDive",)))
    rows = dict(about_tab.weights_rows(DiveAnalyser(simulated)))
    assert rows["Score range"] == "80% of dives: from the errors on simulated and on real ones"


def test_untrained_weights_say_so(model):
    analyser = DiveAnalyser(CompactFineParser(model.config))
    assert "mean nothing" in dict(about_tab.weights_rows(analyser))["Trained on"]


def test_exemplars_are_counted_by_source(model, bank):
    assert about_tab.exemplar_summary(bank) == "2 from SynDive, 1 from mine; 2 dive numbers"
    calibrated = replace(bank, calibration=ScoreCalibration(-1.5, 2.25, 500, "SynDive"))
    assert about_tab.range_description(calibrated) == (
        "80% of the errors on 500 test dives (SynDive) are between -1.5 and +2.2 points per degree of difficulty"
    )


def test_the_table_follows_the_weights_in_use(model):
    service = AnalysisService(DiveAnalyser(CompactFineParser(model.config)))
    assert "club-2026" not in about_tab.weights_table(service.analyser)
    service.analyser = DiveAnalyser(model)
    assert "club-2026" in about_tab.weights_table(service.analyser)


def test_every_dataset_has_its_terms():
    names = {dataset.name for dataset in about_tab.DATASETS}
    assert {"SynDive", "FineDiving", "FineDiving-HM", "MTL-AQA"} == names
    assert all(all(vars(dataset).values()) for dataset in about_tab.DATASETS)


def test_the_texts_link_to_no_other_machine():
    texts = [about_tab.METHOD, about_tab.LIMITS, about_tab.CONSENT, about_tab.dataset_list()]
    assert not re.search(r"https?:|www\.|\]\(", " ".join(texts))


def test_versions_are_those_installed():
    rows = dict(about_tab.package_versions())
    assert rows["torch"] == version("torch")
    assert rows["fineparser"] == version("fineparser")


def test_a_model_card_is_shown_without_its_header(tmp_path):
    card = tmp_path / "README.md"
    card.write_text(
        "---\nlicense: mit\ntags:\n- diving\n---\n# FineParser\n\nA table --- with a rule.\n", encoding="utf-8"
    )
    assert about_tab.model_card_text(card).strip() == "# FineParser\n\nA table --- with a rule."
    card.write_text("# No header\n---\nmore", encoding="utf-8")
    assert about_tab.model_card_text(card) == "# No header\n---\nmore"
