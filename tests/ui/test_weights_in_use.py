"""Switching weights: the bank goes with them, whatever goes wrong leaves the page as it was, and back is back."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.exemplar import SIMULATED, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.graded_dives import recipes
from fineparser.data.clip_table import TABLE, row_of, write_rows
from fineparser.domain.dive_code import DiveCode
from fineparser.model.config import FineParserConfig
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.model.weights import Provenance
from fineparser.training.options import TrainOptions
from fineparser.training.runs import Run
from fineparser.ui.analysis import Analysis
from fineparser.ui.weights_in_use import WeightsInUse, encodes_alike
from fineparser.ui.workshop import Workshop
from fineparser.video.writing import write_video

CONFIG = replace(FineParserConfig.tiny(), image_size=112, window_stride=16)


def network(seed: int = 0) -> FineParser:
    torch.manual_seed(seed)
    return FineParser(CONFIG, Provenance("installed", ("SynDive",))).eval()


def regression_changed(model: FineParser) -> FineParser:
    """The same network with another comparison, as fine-tuning of the regression leaves it."""
    changed = network()
    changed.load_state_dict(model.state_dict())
    with torch.no_grad():
        for module in changed.parts()["regression"]:
            for parameter in module.parameters():
                parameter.add_(0.01)
    changed.provenance = Provenance("club-1", ("SynDive", "club"))
    return changed


def bank_of(model: FineParser) -> ExemplarBank:
    """A simulated 107B and a 205B."""
    exemplars, encodings = [], []
    for number, code in enumerate(("107B", "205B")):
        recipe = recipes(DiveCode.parse(code), 3, 1)[0]
        exemplars.append(Exemplar(code, DiveCode.parse(code), 3, 3.0, 60.0, SIMULATED, recipe=recipe))
        clip = torch.randn(1, 3, 96, 112, 112, generator=torch.Generator().manual_seed(number))
        with torch.inference_mode():
            encodings.append(model.encode(clip).without_masks())
    return ExemplarBank(tuple(exemplars), ClipEncoding.concatenate(encodings), model.fingerprint(), "bundled")


@pytest.fixture
def page(tmp_path):
    """An analysis with the installed weights and bank, and what switches it."""
    model = network()
    analysis = Analysis(DiveAnalyser(model, bank_of(model)))
    return analysis, WeightsInUse(analysis, Workshop(tmp_path / "home"))


def club_job(tmp_path: Path, workshop: Workshop, model: FineParser):
    """A job on two scored 107Bs, one of them held out, with trained weights."""
    folder = workshop.new_collection("club")
    rows = []
    for number in range(2):
        write_video(folder / f"{number}.mp4", np.full((40, 48, 64, 3), 60 + 40 * number, np.uint8), 25.0)
        rows.append(row_of(f"{number}.mp4", dive_code="107B", height="3", score=str(40 + 9 * number)))
    write_rows(folder / TABLE, [*rows, row_of("0.mp4", start_frame="0", end_frame="30")])
    job = workshop.jobs.new("club", "installed", TrainOptions(out=tmp_path, data=(f"clips:{folder.resolve()}",)))
    run = Run.start(job.run_folder, job.settings)
    run.save(1, {}, model.save_pretrained, best=True)
    return job


def ignore(step: str, done: float) -> None:
    assert 0 <= done <= 1


def test_a_new_comparison_keeps_the_encodings_and_own_dives_judge_their_number(page, tmp_path):
    analysis, in_use = page
    installed = analysis.analyser
    job = club_job(tmp_path, Workshop(tmp_path / "home"), regression_changed(installed.model))
    said = in_use.use(job, True, ignore)
    bank = analysis.analyser.bank
    assert said == "3 exemplars vote."
    assert sorted((str(one.code), one.source) for one in bank.exemplars) == [
        ("107B", "club"),
        ("107B", "club"),
        ("205B", SIMULATED),
    ]
    assert bank.fingerprint == analysis.analyser.model.fingerprint() != installed.model.fingerprint()
    place = [str(one.code) for one in bank.exemplars].index("205B")
    kept = installed.bank.encodings.select([1])
    torch.testing.assert_close(bank.encodings.select([place]).dynamic, kept.dynamic)
    assert in_use.name == "club-1"
    # The next start of the app finds the same, and encodes nothing again.
    again = Analysis(installed)
    told = []
    WeightsInUse(again, Workshop(tmp_path / "home")).restore(lambda step, done: told.append(step))
    assert again.analyser.model.fingerprint() == bank.fingerprint
    assert len(again.analyser.bank) == 3
    assert told == ["Loading the weights"]
    in_use.go_back()
    assert analysis.analyser is installed
    assert Workshop(tmp_path / "home").in_use is None


def test_without_own_exemplars_the_bank_is_the_installed_one(page, tmp_path):
    analysis, in_use = page
    job = club_job(tmp_path, Workshop(tmp_path / "home"), regression_changed(analysis.analyser.model))
    in_use.use(job, False, ignore)
    assert [one.id for one in analysis.analyser.bank.exemplars] == ["107B", "205B"]


def test_other_parsers_encode_the_bank_anew(page, tmp_path):
    analysis, in_use = page
    job = club_job(tmp_path, Workshop(tmp_path / "home"), network(seed=1))
    before = analysis.analyser.bank.encodings.dynamic
    steps = []
    in_use.use(job, False, lambda step, done: steps.append(step))
    bank = analysis.analyser.bank
    assert "Encoding the exemplars" in steps
    assert bank.fingerprint == analysis.analyser.model.fingerprint()
    assert bank.encodings.dynamic.shape == before.shape
    assert not torch.allclose(bank.encodings.dynamic, before)


def test_what_goes_wrong_leaves_the_page_as_it_was(page, tmp_path):
    analysis, in_use = page
    installed = analysis.analyser
    workshop = Workshop(tmp_path / "home")
    job = club_job(tmp_path, workshop, regression_changed(installed.model))
    (job.weights / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        in_use.use(job, True, ignore)
    assert analysis.analyser is installed
    assert workshop.in_use is None
    empty = workshop.jobs.new("empty", "installed", TrainOptions(out=tmp_path, data=("syndive:4",)))
    with pytest.raises(ValueError, match="has no weights yet"):
        in_use.use(empty, True, ignore)
    assert analysis.analyser is installed


def test_what_encodes_alike_is_told_by_the_weights():
    model = network()
    assert encodes_alike(model, regression_changed(model))
    assert not encodes_alike(model, network(seed=1))
