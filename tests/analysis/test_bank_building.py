import shutil
from dataclasses import replace

import pytest

from fineparser.analysis import bank_building
from fineparser.analysis.bank_building import BankJob, build_bank
from fineparser.analysis.exemplar_bank import BankError, ExemplarBank, clips_folder
from fineparser.domain.dive_code import DiveCode
from fineparser.video.reading import probe

FORWARD, BACK = DiveCode.parse("101C"), DiveCode.parse("201C")
JOB = BankJob(((FORWARD, 1.0), (FORWARD, 3.0), (BACK, 1.0)), count=2, seed=5)


class Stopped(Exception):
    pass


@pytest.fixture(scope="module")
def built(model, tmp_path_factory):
    """A bank of six exemplars that was interrupted after the first dive number, and what the progress told."""
    path, told = tmp_path_factory.mktemp("bank") / "small.safetensors", []

    def stop_after_one(done, whole):
        told.append((done, whole))
        if done == 2:
            raise Stopped

    with pytest.raises(Stopped):
        build_bank(model, JOB, path, workers=1, progress=stop_after_one)
    assert not path.exists()
    build_bank(model, JOB, path, workers=1, progress=lambda done, whole: told.append((done, whole)))
    return path, told


def test_a_bank_holds_what_was_asked_for(built, model):
    bank = ExemplarBank.load(built[0], model.fingerprint())
    assert [(str(one.code), one.height) for one in bank.exemplars] == [
        *[("101C", 1)] * 2,
        *[("101C", 3)] * 2,
        *[("201C", 1)] * 2,
    ]
    assert len({one.id for one in bank.exemplars}) == 6
    assert {path.name for path in built[0].parent.iterdir()} == {"small.safetensors", "small_clips"}


def test_an_interrupted_job_goes_on_where_it_stopped(built):
    assert built[1] == [(0, 6), (2, 6), (2, 6), (4, 6), (6, 6)]


def test_each_number_is_shown_from_its_highest_board(built):
    bank = ExemplarBank.load(built[0])
    shown = {one.id for one in bank.exemplars if one.clip is not None}
    # Two exemplars have no middle third: the low and the high one are both shown.
    assert shown == {"101C-3m-01", "101C-3m-02", "201C-1m-01", "201C-1m-02"}
    assert {path.stem for path in clips_folder(built[0]).iterdir()} == shown
    for index, one in enumerate(bank.exemplars):
        clip = bank.shown(index).clip
        assert probe(clip.path).frame_count == clip.last + 1
        assert bank.shown(index).code == one.code


def test_new_weights_keep_the_clips(built, model, tmp_path, monkeypatch):
    earlier = ExemplarBank.load(built[0])
    before = {path.name: path.read_bytes() for path in clips_folder(built[0]).iterdir()}
    monkeypatch.setattr(bank_building, "film_clip", None)
    monkeypatch.setattr(bank_building, "simulated", lambda tasks, workers: map(bank_building.make, tasks))
    again = build_bank(model, JOB, tmp_path / "again.safetensors", earlier=earlier)
    assert [one.score for one in again.exemplars] == [one.score for one in earlier.exemplars]
    assert {path.name: path.read_bytes() for path in clips_folder(tmp_path / "again.safetensors").iterdir()} == before


def test_parts_of_another_job_are_not_taken(built, model):
    path = built[0]
    task = bank_building.task_of(JOB, FORWARD, 3.0, clips_folder(path), ())
    part = ExemplarBank.load(path)
    part = replace(part, exemplars=part.exemplars[2:4], encodings=part.encodings.select([2, 3]))
    place = path.with_name("part.safetensors")
    part.save(place)
    try:
        assert bank_building.finished(place, task, model.fingerprint()) is not None
        shutil.rmtree(clips_folder(place))
        assert bank_building.finished(place, task, model.fingerprint()) is None
        unseen = replace(part, exemplars=tuple(replace(one, clip=None) for one in part.exemplars))
        unseen.save(place)
        assert bank_building.finished(place, replace(task, clips=None), model.fingerprint()) is not None
        assert bank_building.finished(place, replace(task, clips=None), "0123456789ab") is None
        other = bank_building.task_of(replace(JOB, seed=6), FORWARD, 3.0, None, ())
        assert bank_building.finished(place, replace(other, clips=None), model.fingerprint()) is None
    finally:
        place.unlink()


def test_what_makes_no_bank_is_refused(model, tmp_path):
    with pytest.raises(BankError, match="0 dives with 10 exemplars"):
        BankJob(())
    with pytest.raises(BankError, match=r"bank\.bin is no name of a bank"):
        build_bank(model, JOB, tmp_path / "bank.bin")
    assert list(tmp_path.iterdir()) == []
