"""What the writer writes, the reader reads: labels, frames and masks; runs that stop go on."""

import os
from dataclasses import dataclass, field

import numpy as np
import pytest

from fineparser.data.dives import DataError, ReadOptions
from fineparser.data.finediving_writer import MAX_FRAMES, SimulationJob, write_finediving
from fineparser.data.readers.annotations import load_pickle
from fineparser.data.readers.finediving import read_finediving, read_sub_action_table
from fineparser.data.readers.syndive import frame_labels
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import SUB_ACTIONS

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class SketchedJob(SimulationJob):
    """A job whose plans are sketches."""

    plans: list = field(default_factory=list)

    def plan(self, index):
        return self.plans[index]

    def to_json(self):
        return {name: value for name, value in super().to_json().items() if name != "plans"}


@pytest.fixture
def job(stub_plan, stub_motion):
    def build(count=5, **changes):
        plans = [
            stub_plan(
                seed=index,
                split="train" if index < count - 1 else "test",
                code=DiveCode.parse(["107B", "5253B"][index % 2]),
                height=[10, 3][index % 2],
                score=60.0 + index,
                motions=(stub_motion(((-1.0, 1), (0.0, 41), (1.0, 36))),) if index == 1 else (stub_motion(),),
            )
            for index in range(count)
        ]
        return SketchedJob(count, plans=plans, **changes)

    return build


def test_the_reader_reads_what_was_written(job, tmp_path):
    assert write_finediving(job(), tmp_path) == 5
    dives = read_finediving(tmp_path, ReadOptions(validation=0))
    assert [dive.split for dive in dives] == ["train"] * 4 + ["test"]
    for dive, plan in zip(dives, job().plans, strict=True):
        labels, flight, entry = frame_labels(plan)
        assert dive.code == plan.code
        assert dive.height == plan.height
        assert (dive.score, dive.difficulty, dive.awards) == (plan.score, plan.difficulty, plan.awards)
        assert dive.sub_actions == tuple(labels.tolist())
        assert (dive.flight_frame - dive.first_frame, dive.entry_frame - dive.first_frame) == (flight, entry)
        assert dive.has_masks
        numbers = [dive.first_frame, dive.first_frame + 30]
        frames = dive.read(numbers)
        assert frames.shape == (2, 112, 200, 3)
        assert np.abs(frames.astype(int) - np.array([0, 60])[:, None, None, None]).max() <= 2
        masks = dive.read_masks(numbers)
        assert masks[:, :56].all()
        assert not masks[:, 56:].any()


def test_the_files_have_the_names_of_the_dataset(job, tmp_path):
    write_finediving(job(), tmp_path)
    names = {path.name for path in (tmp_path / "Annotations").iterdir()}
    assert names == {
        "fine-grained_annotation_aqa.pkl",
        "FineDiving_fine-grained_annotation.pkl",
        "train_split.pkl",
        "test_split.pkl",
        "Sub_action_Types_Table.pkl",
    }
    details = load_pickle(tmp_path / "Annotations" / "FineDiving_fine-grained_annotation.pkl")
    (video, clip), values = next(iter(details.items()))
    assert isinstance(video, str)
    assert isinstance(clip, int)
    assert values["action_type"] == "107b"
    assert values["sub-action_types"] == {1: "Forward", 17: "3.5 Soms.Pike", 36: "Entry"}
    assert values["steps_transit_frames"].tolist() == [values["start_frame"] + 20, values["start_frame"] + 45]
    for root in ("FineDiving", "FineDiving_HM"):
        files = sorted(path.name for path in (tmp_path / root / video / str(clip)).iterdir())
        assert files[0] == f"{values['start_frame']:05d}.jpg"
        assert files[-1] == f"{values['end_frame']:05d}.jpg"
        assert len(files) == 80
    scores = load_pickle(tmp_path / "Annotations" / "fine-grained_annotation_aqa.pkl")
    assert scores[video, clip][:3] == ["107b", 60.0, 3.0]
    assert scores[video, clip][4] == values["frames_labels"].tolist()


def test_numbers_do_not_start_at_0_and_sort_by_name(job, tmp_path):
    """The published loader sorts file names."""
    write_finediving(job(45), tmp_path)
    for dive in read_finediving(tmp_path):
        assert dive.first_frame > 0
        assert dive.last_frame < 100_000


def test_a_sub_action_that_the_table_lacks_gets_a_name(job, tmp_path):
    write_finediving(job(), tmp_path)
    assert read_sub_action_table(tmp_path) == SUB_ACTIONS | {41: "Sub-action 41"}


def test_a_long_clip_is_thinned_out_evenly(tmp_path, stub_plan):
    plan = stub_plan(times=np.arange(-250, 500) / 250)  # slow motion
    write_finediving(SketchedJob(1, plans=[plan], test_share=0.0), tmp_path)
    (dive,) = read_finediving(tmp_path, ReadOptions(validation=0))
    assert dive.frame_count == MAX_FRAMES
    assert plan.renders == [np.linspace(0, 749, MAX_FRAMES).astype(int).tolist()]
    assert dive.flight_frame - dive.first_frame == int((np.array(plan.renders[0]) >= 250).argmax())


def test_an_interrupted_run_goes_on_and_writes_the_same(job, tmp_path):
    class Stopped(Exception):
        pass

    def stop(done):
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        write_finediving(job(), tmp_path / "one", progress=stop)
    with pytest.raises(DataError, match="neither"):
        read_finediving(tmp_path / "one")  # no annotations before the end
    assert write_finediving(job(), tmp_path / "one") == 2
    write_finediving(job(), tmp_path / "other")
    one, other = (
        {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
        for root in (tmp_path / "one", tmp_path / "other")
    )
    assert one == other


def test_a_clip_half_written_is_written_again(job, tmp_path):
    """As a kill between two pictures leaves it: masks there, frames in their hidden folder."""
    write_finediving(job(), tmp_path)
    whole = next((tmp_path / "FineDiving").glob("*/0"))
    before = sorted(path.name for path in whole.iterdir())
    os.rename(whole, whole.with_name(".0.part"))
    next(whole.with_name(".0.part").iterdir()).unlink()
    assert write_finediving(job(), tmp_path) == 1
    assert sorted(path.name for path in whole.iterdir()) == before
    assert not list(tmp_path.rglob("*.part"))


def test_a_finished_run_is_not_rendered_again(job, tmp_path):
    write_finediving(job(), tmp_path)
    assert write_finediving(job(), tmp_path) == 0


def test_progress_counts_the_dives(job, tmp_path):
    counted = []
    write_finediving(job(), tmp_path, progress=counted.append)
    assert counted == [1, 2, 3, 4, 5]


def test_a_folder_with_something_else_in_it_is_left_alone(job, tmp_path):
    (tmp_path / "holiday.jpg").write_text("mine")
    with pytest.raises(DataError, match="is not empty, and not from `simulate`"):
        write_finediving(job(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["holiday.jpg"]
    with pytest.raises(DataError, match="is a file"):
        write_finediving(job(), tmp_path / "holiday.jpg")


def test_the_folder_of_another_job_is_left_alone(job, tmp_path):
    write_finediving(job(), tmp_path)
    with pytest.raises(DataError, match=r'holds the dives of another job .*"count": 5'):
        write_finediving(job(6), tmp_path)


def test_nothing_half_written_stays_when_the_disk_is_full(job, tmp_path, monkeypatch):
    from fineparser.data import finediving_writer

    def full(self, data):
        raise OSError(28, "No space left on device")

    folder = tmp_path / "dives"
    write_finediving(job(1, test_share=0.0), tmp_path / "elsewhere")
    original = finediving_writer.Path.write_bytes
    monkeypatch.setattr(
        finediving_writer.Path,
        "write_bytes",
        lambda self, data: (full if self.suffix == ".jpg" else original)(self, data),
    )
    with pytest.raises(OSError, match="No space left"):
        write_finediving(job(), folder)
    assert [path.name for path in folder.rglob("*") if path.is_file()] == ["simulated.json"]


@pytest.mark.parametrize(
    ("setting", "message"),
    [({"count": 0}, "not 0"), ({"lines": 100}, "112 to 720"), ({"test_share": 2.0}, "from 0 to 1, not 2")],
)
def test_impossible_jobs_are_rejected(setting, message):
    with pytest.raises(ValueError, match=message):
        SimulationJob(**{"count": 1} | setting)


def test_the_splits_of_a_job_share_no_dive():
    job = SimulationJob(8, seed=2)
    assert job.test_count == 2
    plans = [job.plan(index) for index in (0, 5, 6, 7)]
    assert [plan.split for plan in plans] == ["train", "train", "test", "test"]
    assert len({(plan.split, plan.seed) for plan in plans}) == 4


def test_simulated_dives_make_the_round_trip(tmp_path):
    """Real simulated dives: what the reader gives is what the simulator drew, but for the JPEG's blur."""
    job = SimulationJob(2, seed=11, test_share=0.5)
    write_finediving(job, tmp_path)
    dives = read_finediving(tmp_path, ReadOptions(validation=0))
    assert [dive.split for dive in dives] == ["train", "test"]
    for index, dive in enumerate(dives):
        plan = job.plan(index)
        labels, _, _ = frame_labels(plan)
        planned = np.linspace(0, len(labels) - 1, min(len(labels), MAX_FRAMES)).astype(int)
        assert dive.frame_count == len(planned)
        assert dive.sub_actions == tuple(labels[planned].tolist())
        assert (dive.code, dive.height, dive.difficulty) == (plan.code, plan.height, plan.difficulty)
        assert (dive.score, dive.awards) == (plan.score, plan.awards)
        some = [0, len(planned) // 2, len(planned) - 1]
        frames, masks = plan.render(112, "full", planned[some])
        numbers = [dive.first_frame + place for place in some]
        assert np.abs(dive.read(numbers).astype(int) - frames).mean() < 6
        read = dive.read_masks(numbers)
        assert (read != masks).mean() < 0.005
        assert read.any()
