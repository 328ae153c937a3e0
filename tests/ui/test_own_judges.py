"""What the page says of own judges, with a tiny network."""

from dataclasses import replace

import pytest
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.exemplar import OWN, SIMULATED, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.own_panel import PanelReading
from fineparser.domain.dive_code import DiveCode
from fineparser.model.config import FineParserConfig
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.ui.analysis import Analysis
from fineparser.ui.own_judges import reading

DIVE = Exemplar("own", DiveCode.parse("405B"), 3.0, 2.0, 30.0, OWN)


@pytest.fixture
def analyser(monkeypatch, tmp_path):
    """With a bank of two simulated dives and three own ones."""
    monkeypatch.setenv("FINEPARSER_HOME", str(tmp_path))
    torch.manual_seed(0)
    model = FineParser(replace(FineParserConfig.tiny(), image_size=112)).eval()
    clips = torch.randn(5, 3, 96, 112, 112, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        encodings = ClipEncoding.concatenate([model.encode(clip[None], masks=False) for clip in clips])
    sources = (SIMULATED, SIMULATED, OWN, OWN, OWN)
    dives = tuple(replace(DIVE, id=f"{place}", source=source) for place, source in enumerate(sources))
    return DiveAnalyser(model, ExemplarBank(dives, encodings, model.fingerprint()))


def test_own_dives_are_read_by_the_simulated_ones(analyser):
    steps = []
    found = reading(Analysis(analyser), None, lambda step, done: steps.append(step))
    assert [one.id for one in found.dives] == ["2", "3", "4"]
    assert found.scale.dives == 3
    assert steps[-1] == "Comparing with exemplars"
    analyser.bank = None
    assert reading(Analysis(analyser), None, lambda step, done: None) == PanelReading()
