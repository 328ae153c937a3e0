"""Switching between weights: the bank follows, errors change nothing, and the way back is open."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.data.clip_input import clip_input
from fineparser.data.dive_tables import TABLE, make_row, write_rows
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import SIMULATED, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.simulated_exemplars import graded_recipes
from fineparser.model.checkpoint import Provenance
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.protocol import Encoding
from fineparser.training.options import TrainOptions
from fineparser.training.run_folder import Run
from fineparser.ui.active_weights import ActiveWeights, have_same_encodings
from fineparser.ui.analysis_service import AnalysisService
from fineparser.ui.training_storage import TrainingStorage
from fineparser.video.writer import write_video

pytestmark = pytest.mark.slow

CONFIG = replace(CompactConfig.tiny(), image_size=112, window_stride=16)
SIZE = CONFIG.input_size


def network(seed: int = 0) -> CompactFineParser:
    torch.manual_seed(seed)
    return CompactFineParser(CONFIG, Provenance("installed", ("SynDive",))).eval()


def regression_changed(model: CompactFineParser) -> CompactFineParser:
    """The same network with another comparison, as fine-tuning of the regression leaves it."""
    changed = network()
    changed.load_state_dict(model.state_dict())
    with torch.no_grad():
        for parameter in changed.contrastive_regression.parameters():
            parameter.add_(0.01)
    changed.provenance = Provenance("club-1", ("SynDive", "club"))
    return changed


def bank_of(model: CompactFineParser) -> ExemplarBank:
    """A simulated 107B and a 205B."""
    exemplars, encodings = [], []
    for number, code in enumerate(("107B", "205B")):
        recipe = graded_recipes(DiveCode.parse(code), 3, 1)[0]
        exemplars.append(Exemplar(code, DiveCode.parse(code), 3, 3.0, 60.0, SIMULATED, recipe=recipe))
        clip = torch.randn(1, 3, 96, SIZE, SIZE, generator=torch.Generator().manual_seed(number))
        with torch.inference_mode():
            encodings.append(model.encode(clip_input(clip)))
    return ExemplarBank(tuple(exemplars), Encoding.concatenate(encodings), model.fingerprint(), "bundled")


@pytest.fixture
def page(tmp_path):
    """A service with the installed weights and bank, and the switch between weights."""
    model = network()
    service = AnalysisService(DiveAnalyser(model, bank_of(model)))
    return service, ActiveWeights(service, TrainingStorage(tmp_path / "home"))


def club_job(tmp_path: Path, storage: TrainingStorage, model: CompactFineParser):
    """A job on two scored 107Bs, one of them held out, with trained weights."""
    folder = storage.create_collection("club")
    rows = []
    for number in range(2):
        write_video(folder / f"{number}.mp4", np.full((40, 48, 64, 3), 60 + 40 * number, np.uint8), 25.0)
        rows.append(make_row(f"{number}.mp4", dive_code="107B", height="3", score=str(40 + 9 * number)))
    write_rows(folder / TABLE, [*rows, make_row("0.mp4", start_frame="0", end_frame="30")])
    job = storage.jobs.new("club", "installed", TrainOptions(out=tmp_path, data=(f"clips:{folder.resolve()}",)))
    run = Run.start(job.run_folder, job.settings)
    run.save(1, {}, model.save_pretrained, best=True)
    return job


def ignore(step: str, done: float) -> None:
    assert 0 <= done <= 1


def test_a_new_comparison_keeps_the_encodings_and_own_dives_vote_on_their_number(page, tmp_path):
    service, weights = page
    installed = service.analyser
    job = club_job(tmp_path, TrainingStorage(tmp_path / "home"), regression_changed(installed.model))
    weights.use(job, True, ignore)
    bank = service.analyser.bank
    assert weights.exemplar_note() == "3 exemplars vote."
    assert sorted((str(one.code), one.source) for one in bank.exemplars) == [
        ("107B", "club"),
        ("107B", "club"),
        ("205B", SIMULATED),
    ]
    assert bank.fingerprint == service.analyser.model.fingerprint() != installed.model.fingerprint()
    place = [str(one.code) for one in bank.exemplars].index("205B")
    kept = installed.bank.encodings.select([1])
    torch.testing.assert_close(bank.encodings.select([place]).dynamic, kept.dynamic)
    assert weights.name == "club-1"
    # The next start of the app finds the same, and encodes nothing again.
    again = AnalysisService(installed)
    stages = []
    ActiveWeights(again, TrainingStorage(tmp_path / "home")).restore(lambda step, done: stages.append(step))
    assert again.analyser.model.fingerprint() == bank.fingerprint
    assert len(again.analyser.bank) == 3
    assert stages == ["Loading the weights"]
    weights.use_installed()
    assert service.analyser is installed
    assert TrainingStorage(tmp_path / "home").active_job is None


def test_without_own_exemplars_the_bank_is_the_installed_one(page, tmp_path):
    service, weights = page
    job = club_job(tmp_path, TrainingStorage(tmp_path / "home"), regression_changed(service.analyser.model))
    weights.use(job, False, ignore)
    assert [one.id for one in service.analyser.bank.exemplars] == ["107B", "205B"]


def test_other_encoders_encode_the_bank_again(page, tmp_path):
    service, weights = page
    job = club_job(tmp_path, TrainingStorage(tmp_path / "home"), network(seed=1))
    before = service.analyser.bank.encodings.dynamic
    steps = []
    weights.use(job, False, lambda step, done: steps.append(step))
    bank = service.analyser.bank
    assert "Encoding the exemplars" in steps
    assert bank.fingerprint == service.analyser.model.fingerprint()
    assert bank.encodings.dynamic.shape == before.shape
    assert not torch.allclose(bank.encodings.dynamic, before)


def test_an_error_changes_nothing(page, tmp_path):
    service, weights = page
    installed = service.analyser
    storage = TrainingStorage(tmp_path / "home")
    job = club_job(tmp_path, storage, regression_changed(installed.model))
    (job.weights / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        weights.use(job, True, ignore)
    assert service.analyser is installed
    assert storage.active_job is None
    empty = storage.jobs.new("empty", "installed", TrainOptions(out=tmp_path, data=("syndive:4",)))
    with pytest.raises(ValueError, match="has no weights yet"):
        weights.use(empty, True, ignore)
    assert service.analyser is installed


def test_equal_encodings_are_recognised_by_the_weights():
    model = network()
    assert have_same_encodings(model, regression_changed(model))
    assert not have_same_encodings(model, network(seed=1))
