"""Exported weights: they can be loaded, and their card documents them."""

import json
import re
import zipfile

import pytest
import torch

from fineparser.model.checkpoint import Provenance
from fineparser.model.compact import CompactFineParser
from fineparser.training.jobs.export import export_weights
from fineparser.training.jobs.job_folder import INTERRUPTED, Jobs
from fineparser.training.jobs.run_comparison import compare_run
from fineparser.training.options import TrainOptions
from fineparser.training.run_folder import Run
from fineparser.training.train_checkpoints import RunError


@pytest.fixture
def job(tmp_path, smallest):
    torch.manual_seed(0)
    model = CompactFineParser(smallest, Provenance("club-1", ("SynDive", "Club")))
    jobs = Jobs(tmp_path / "jobs")
    created = jobs.new("Club", "fineparser-compact", TrainOptions(out=tmp_path, data=("clips:x",), train="regression"))
    run = Run.start(created.run_folder, created.settings)
    for step, error in ((0, 9.0), (3, 4.0)):
        dives = [[f"dive{number}", 50.0 + number, 50.0 + number + error] for number in range(3)]
        run.log(
            "validation", step, epoch=step - 1, best=step > 0, spearman=0.5, r_l2_x100=error, dives=dives, intervals={}
        )
    run.save(3, {}, model.save_pretrained, best=True)
    return created


def test_the_zip_has_weights_and_their_card(job, tmp_path):
    path = export_weights(job, tmp_path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "home")
    model = CompactFineParser.from_pretrained(tmp_path / "home" / job.id)
    assert model.fingerprint() == CompactFineParser.from_pretrained(job.weights).fingerprint()
    assert model.provenance.name == "club-1"
    card = (tmp_path / "home" / job.id / "README.md").read_text()
    assert card.startswith("---\nlibrary_name: fineparser\n")
    for fact in (
        "fine-tuned on *Club* from *fineparser-compact*",
        "SynDive, Club",
        "the comparison of dives alone",
        "| Squared error (R-l2 x 100) | 9.000 | 4.000 |",
        "Scored validation dives: 3, too few to tell.",
        "60 epochs",
    ):
        assert fact in card
    assert str(tmp_path) not in card


def test_without_weights_there_is_nothing_to_export(job, tmp_path):
    empty = Jobs(tmp_path / "jobs").new("empty", "start", TrainOptions(out=tmp_path, data=("clips:x",)))
    with pytest.raises(ValueError, match="has no weights yet"):
        export_weights(empty, tmp_path)
    assert list(tmp_path.glob("*.zip")) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"created": None}, "created should be a finite number, not None"),
        ({"created": float("nan")}, "created should be a finite number, not nan"),
        ({"created": "today"}, "created should be a finite number, not 'today'"),
        ({"title": ["Club"]}, r"title should be text, not \['Club'\]"),
        ({"options": {"data": 3}}, "the option data should be a list of sources, not 3"),
        ({"colour": "red"}, "unknown colour"),
    ],
)
def test_an_unreadable_job_leaves_the_list_of_the_others(job, tmp_path, change, reason):
    jobs = Jobs(job.folder.parent)
    other = jobs.new("other", "start", TrainOptions(out=tmp_path, data=("clips:x",)))
    path = job.folder / "job.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert [one.id for one in jobs] == [other.id]
    (problem,) = jobs.problems
    assert re.search(rf"club-1/job\.json holds no job that can be read: .*{reason}", problem)
    assert len(problem) < len(str(path)) + 200


@pytest.mark.parametrize("text", ["[]", "{", '{"state": 3}', '{"state": "dancing"}', '{"done": "many"}', "[" * 100_000])
def test_a_broken_status_is_that_of_an_interrupted_job(job, text):
    (job.folder / "status.json").write_text(text)
    assert job.status.state == INTERRUPTED


def test_a_broken_run_leaves_its_job_in_the_list_without_weights(job):
    (job.run_folder / "run.json").write_text("[]")
    (listed,) = Jobs(job.folder.parent)
    assert listed.weights is None
    with pytest.raises(RunError, match=r"run\.json is not readable"):
        assert listed.run


def test_a_validation_without_its_values_is_named(job):
    run = job.run
    log = run.folder / "log.jsonl"
    log.write_text(log.read_text().replace('"dives"', '"divers"'))
    with pytest.raises(RunError, match=r"log\.jsonl: the validations cannot be compared: KeyError\('dives'\)"):
        compare_run(run)
