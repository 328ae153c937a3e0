import itertools
from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fineparser.domain.difficulty import difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars import bank_building
from fineparser.exemplars.bank_building import BankJob, bank_dives, build_bank, execution_errors, select_candidates
from fineparser.exemplars.exemplar import SIMULATED, Exemplar
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank, clips_folder
from fineparser.exemplars.simulated_exemplars import exemplar_id, graded_recipes, simulate_exemplar, typical_recipe
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.video.reader import probe
from tests.builders import tiny_compact

pytestmark = pytest.mark.slow

FORWARD, BACK = DiveCode.parse("101C"), DiveCode.parse("201C")
JOB = BankJob(((FORWARD, 1.0), (FORWARD, 3.0), (BACK, 1.0)), count=2, seed=5, candidates=2)
# Action types of FineDiving, and further numbers of competitions.
COMPETITION_NUMBERS = """101b 103b 105b 107b 107c 109b 109c 205b 205c 207b 207c 303c 305c 307c 401b 403b 405b 405c
407b 407c 409c 5132d 5152b 5154b 5156b 5172b 5231d 5233d 5235d 5237d 5251b 5253b 5255b 5331d 5335d 5337d 5353b 5355b
612b 614b 6142d 6241b 6243d 6245d 626b 626c 636c 209b 209c 305b""".upper().split()


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def small_network() -> CompactFineParser:
    """A network for small frames, which are simulated in less time."""
    torch.manual_seed(0)
    return CompactFineParser(CompactConfig.tiny()).eval()


@pytest.fixture(scope="module")
def built(small_network, tmp_path_factory):
    """A bank of six exemplars that was interrupted after the first dive number, and the calls of its progress."""
    path, calls = tmp_path_factory.mktemp("bank") / "small.safetensors", []

    def stop_after_one(done, whole):
        calls.append((done, whole))
        if done == 5:
            raise Interrupted

    with pytest.raises(Interrupted):
        build_bank(small_network, JOB, path, workers=1, progress=stop_after_one)
    assert not path.exists()
    build_bank(small_network, JOB, path, workers=1, progress=lambda done, whole: calls.append((done, whole)))
    return path, calls


def test_a_bank_has_the_exemplars_of_its_job(built, small_network):
    bank = ExemplarBank.load(built[0], small_network.fingerprint())
    assert [(str(one.code), one.height) for one in bank.exemplars] == [
        *[("101C", 1)] * 2,
        *[("101C", 3)] * 2,
        *[("201C", 1)] * 2,
    ]
    assert len({one.id for one in bank.exemplars}) == 6
    assert {path.name for path in built[0].parent.iterdir()} == {"small.safetensors", "small_clips"}


def test_an_interrupted_job_resumes(built):
    assert built[1] == [(0, 15), (5, 15), (5, 15), (10, 15), (15, 15)]


def test_each_number_has_clips_from_its_highest_board(built):
    bank = ExemplarBank.load(built[0])
    shown = {one.id for one in bank.exemplars if one.clip is not None}
    # Two exemplars have no middle third: the low and the high one both have clips.
    assert shown == {"101C-3m-01", "101C-3m-02", "201C-1m-01", "201C-1m-02"}
    assert {path.stem for path in clips_folder(built[0]).iterdir()} == shown
    for index, one in enumerate(bank.exemplars):
        clip = bank.clip_exemplar(index).clip
        assert probe(clip.path).frame_count == clip.last + 1
        assert bank.clip_exemplar(index).code == one.code


def test_one_candidate_of_each_grade_is_chosen(built):
    levels = [one.recipe.level for one in ExemplarBank.load(built[0]).exemplars]
    for weak, strong in zip(levels[::2], levels[1::2], strict=True):
        assert weak in (0.125, 0.375)
        assert strong in (0.625, 0.875)


def test_errors_are_relative_to_those_of_typical_dives(small_network, tmp_path, monkeypatch):
    """Of each grade one candidate has the error of the typical dive, the other one none."""
    simulated = []

    def errors(network, bank):
        simulated.extend(bank.exemplars)
        return np.array([3.0, 0.0, 0.0, 3.0, 3.0])

    monkeypatch.setattr(bank_building, "execution_errors", errors)
    monkeypatch.setattr(bank_building, "run_in_processes", lambda function, work, workers: map(function, work))
    monkeypatch.setattr(bank_building, "render_exemplar_clip", lambda exemplar, path: None)
    bank = build_bank(small_network, replace(JOB, dives=JOB.dives[:1]), tmp_path / "bank.safetensors")
    assert [one.recipe for one in bank.exemplars] == [simulated[0].recipe, simulated[3].recipe]
    assert simulated[4].recipe == typical_recipe(FORWARD, 1.0, JOB.seed)


def test_clips_of_the_same_dives_are_reused(built, small_network, tmp_path, monkeypatch):
    earlier = ExemplarBank.load(built[0])
    before = {path.name: path.read_bytes() for path in clips_folder(built[0]).iterdir()}
    monkeypatch.setattr(bank_building, "render_exemplar_clip", None)
    monkeypatch.setattr(bank_building, "run_in_processes", lambda function, work, workers: map(function, work))
    again = build_bank(small_network, JOB, tmp_path / "again.safetensors", earlier=earlier)
    assert [one.score for one in again.exemplars] == [one.score for one in earlier.exemplars]
    assert {path.name: path.read_bytes() for path in clips_folder(tmp_path / "again.safetensors").iterdir()} == before


def test_parts_of_another_job_are_not_reused(built, small_network):
    job = replace(JOB, candidates=1)
    exemplars = tuple(
        simulate_exemplar(exemplar_id(FORWARD, 3.0, number), FORWARD, 3.0, recipe, 32).exemplar
        for number, recipe in enumerate(graded_recipes(FORWARD, 3.0, 2, 5))
    )
    bank = ExemplarBank.load(built[0])
    place = built[0].with_name("part.safetensors")
    ExemplarBank(exemplars, bank.encodings.select([2, 3]), bank.fingerprint).save(place)
    try:
        task = bank_building.simulation_task(job, FORWARD, 3.0, 32)
        assert bank_building.load_part(place, task, small_network) is not None
        assert bank_building.load_part(place, task, tiny_compact(seed=1, image_size=32)) is None
        for other in (replace(job, seed=6), replace(job, candidates=2)):
            other_task = bank_building.simulation_task(other, FORWARD, 3.0, 32)
            assert bank_building.load_part(place, other_task, small_network) is None
    finally:
        place.unlink()


def test_only_one_process_builds_a_bank_and_the_next_one_sweeps(tmp_path):
    path = tmp_path / "bank.safetensors"
    with (
        bank_building._unfinished_folder(path),
        pytest.raises(BankError, match="another process is building"),
        bank_building._unfinished_folder(path),
    ):
        pass
    (tmp_path / ".bank-abcdefgh.safetensors").write_bytes(b"half")
    with bank_building._unfinished_folder(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_impossible_job_is_refused(small_network, tmp_path):
    with pytest.raises(BankError, match="0 dives with 10 exemplars"):
        BankJob(())
    with pytest.raises(BankError, match="not of 0"):
        replace(JOB, candidates=0)
    with pytest.raises(BankError, match=r"bank\.bin is not the name of a bank"):
        build_bank(small_network, JOB, tmp_path / "bank.bin")
    assert list(tmp_path.iterdir()) == []


def test_the_bank_has_every_competition_number():
    numbers = {str(code) for code, _ in bank_dives()}
    assert set(COMPETITION_NUMBERS) <= numbers


def test_every_dive_exists_and_is_listed_once():
    dives = bank_dives()
    assert len(dives) == len(set(dives))
    assert all(difficulty(code, height) > 0 for code, height in dives)
    assert all(height >= 5 for code, height in dives if code.armstand)
    assert set(Counter(height for _, height in dives)) == {1, 3, 5, 7.5, 10}


def test_hard_dives_are_not_dived_from_low_heights():
    heights = {}
    for code, height in bank_dives():
        heights.setdefault(str(code), []).append(height)
    assert heights["103B"] == [1, 3, 5, 7.5, 10]
    assert heights["109C"] == [3, 10]
    assert heights["626B"] == [10]


CODE = DiveCode.parse("103B")


def cost(errors):
    return np.sum(errors) ** 2 + np.sum(np.square(errors))


def test_errors_are_small_and_cancel_out():
    rng = np.random.default_rng(0)
    for _ in range(20):
        errors = rng.normal(0, 3, (6, 3))
        chosen = select_candidates(errors.ravel(), 6)
        assert [index // 3 for index in chosen] == list(range(6))
        selected = cost(errors.ravel()[list(chosen)])
        possible = sorted(cost(errors[range(6), columns]) for columns in itertools.product(range(3), repeat=6))
        assert selected <= possible[len(possible) // 50]
        assert selected <= cost(errors[range(6), np.abs(errors).argmin(axis=1)])


def test_a_single_candidate_is_always_chosen():
    assert select_candidates(np.array([9.0, -3.0, 0.0]), 3) == (0, 1, 2)


class OneNumberNetwork:
    """Compares dives by one number in their encoding, in points of dives of difficulty 3."""

    device = torch.device("cpu")

    def compare(self, query, exemplar, difficulty):
        difference = query.dynamic[:, 0, 0, 0] - exemplar.dynamic[:, 0, 0, 0]
        return SimpleNamespace(contributions=(difference * difficulty / 3)[:, None, None])


def test_an_error_is_what_the_score_has_and_the_encoding_has_not(encodings):
    """Six dives encoded as 3 to 18 points at difficulty 3, 1 to 6 of execution; the last has a higher score."""
    dynamic = torch.zeros(6, 1, 1, 1)
    dynamic[:, 0, 0, 0] = torch.tensor([3.0, 6.0, 9.0, 12.0, 15.0, 18.0])
    difficulty = [1.5, 3.0, 2.0, 3.0, 2.5, 2.0]
    executions = [1.0, 2.0, 3.0, 4.0, 5.0, 12.0]
    exemplars = tuple(
        Exemplar(f"dive{number}", CODE, 3.0, degree, degree * execution, SIMULATED)
        for number, (degree, execution) in enumerate(zip(difficulty, executions, strict=True))
    )
    bank = ExemplarBank(exemplars, replace(encodings, dynamic=dynamic), "0123456789ab")
    errors = execution_errors(OneNumberNetwork(), bank)
    assert errors == pytest.approx([-1, -1, -1, -1, -1, 5], abs=1e-4)
