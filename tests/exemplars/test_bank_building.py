from dataclasses import replace

import numpy as np
import pytest

from fineparser.exemplars import bank_building
from fineparser.exemplars.bank_building import BankJob, build_bank
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank, clips_folder
from fineparser.exemplars.graded_dives import exemplar_id, graded_dive, ordinary_recipe, recipes
from fineparser.domain.dive_code import DiveCode
from fineparser.video.reading import probe

FORWARD, BACK = DiveCode.parse("101C"), DiveCode.parse("201C")
JOB = BankJob(((FORWARD, 1.0), (FORWARD, 3.0), (BACK, 1.0)), count=2, seed=5, candidates=2)


class Stopped(Exception):
    pass


@pytest.fixture(scope="module")
def built(model, tmp_path_factory):
    """A bank of six exemplars that was interrupted after the first dive number, and what the progress told."""
    path, told = tmp_path_factory.mktemp("bank") / "small.safetensors", []

    def stop_after_one(done, whole):
        told.append((done, whole))
        if done == 5:
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
    assert built[1] == [(0, 15), (5, 15), (5, 15), (10, 15), (15, 15)]


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


def test_one_of_each_grade_is_kept(built):
    levels = [one.recipe.level for one in ExemplarBank.load(built[0]).exemplars]
    for weak, strong in zip(levels[::2], levels[1::2], strict=True):
        assert weak in (0.125, 0.375)
        assert strong in (0.625, 0.875)


def test_right_is_what_ordinary_dives_are_read_as(model, tmp_path, monkeypatch):
    """Of each grade one candidate is read too low by as much as the ordinary dive, the other one not at all."""
    asked = []

    def read(network, bank):
        asked.extend(bank.exemplars)
        return np.array([3.0, 0.0, 0.0, 3.0, 3.0])

    monkeypatch.setattr(bank_building, "misreadings", read)
    monkeypatch.setattr(bank_building, "in_processes", lambda function, work, workers: map(function, work))
    monkeypatch.setattr(bank_building, "film_clip", lambda exemplar, path: None)
    bank = build_bank(model, replace(JOB, dives=JOB.dives[:1]), tmp_path / "bank.safetensors")
    assert [one.recipe for one in bank.exemplars] == [asked[0].recipe, asked[3].recipe]
    assert asked[4].recipe == ordinary_recipe(FORWARD, 1.0, JOB.seed)


def test_the_same_dives_keep_their_clips(built, model, tmp_path, monkeypatch):
    earlier = ExemplarBank.load(built[0])
    before = {path.name: path.read_bytes() for path in clips_folder(built[0]).iterdir()}
    monkeypatch.setattr(bank_building, "film_clip", None)
    monkeypatch.setattr(bank_building, "in_processes", lambda function, work, workers: map(function, work))
    again = build_bank(model, JOB, tmp_path / "again.safetensors", earlier=earlier)
    assert [one.score for one in again.exemplars] == [one.score for one in earlier.exemplars]
    assert {path.name: path.read_bytes() for path in clips_folder(tmp_path / "again.safetensors").iterdir()} == before


def test_parts_of_another_job_are_not_taken(built, model):
    job = replace(JOB, candidates=1)
    exemplars = tuple(
        graded_dive(exemplar_id(FORWARD, 3.0, number), FORWARD, 3.0, recipe, 112).exemplar
        for number, recipe in enumerate(recipes(FORWARD, 3.0, 2, 5))
    )
    bank = ExemplarBank.load(built[0])
    place = built[0].with_name("part.safetensors")
    ExemplarBank(exemplars, bank.encodings.select([2, 3]), bank.fingerprint).save(place)
    try:
        task = bank_building.task_of(job, FORWARD, 3.0, 112)
        assert bank_building.finished(place, task, model.fingerprint()) is not None
        assert bank_building.finished(place, task, "0123456789ab") is None
        for other in (replace(job, seed=6), replace(job, candidates=2)):
            of_another = bank_building.task_of(other, FORWARD, 3.0, 112)
            assert bank_building.finished(place, of_another, bank.fingerprint) is None
    finally:
        place.unlink()


def test_what_makes_no_bank_is_refused(model, tmp_path):
    with pytest.raises(BankError, match="0 dives with 10 exemplars"):
        BankJob(())
    with pytest.raises(BankError, match="not of 0"):
        replace(JOB, candidates=0)
    with pytest.raises(BankError, match=r"bank\.bin is no name of a bank"):
        build_bank(model, JOB, tmp_path / "bank.bin")
    assert list(tmp_path.iterdir()) == []
