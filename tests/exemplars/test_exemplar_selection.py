import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from fineparser.exemplars.exemplar import SIMULATED, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.exemplar_selection import misreadings, select_exemplars
from fineparser.domain.dive_code import DiveCode

CODE = DiveCode.parse("103B")


def cost(wrong):
    return np.sum(wrong) ** 2 + np.sum(np.square(wrong))


def test_errors_are_small_and_cancel_out():
    rng = np.random.default_rng(0)
    for _ in range(20):
        wrong = rng.normal(0, 3, (6, 3))
        chosen = select_exemplars(wrong.ravel(), 6)
        assert [place // 3 for place in chosen] == list(range(6))
        found = cost(wrong.ravel()[list(chosen)])
        every = sorted(cost(wrong[range(6), places]) for places in itertools.product(range(3), repeat=6))
        assert found <= every[len(every) // 50]
        assert found <= cost(wrong[range(6), np.abs(wrong).argmin(axis=1)])


def test_a_single_candidate_is_taken_whatever_it_is():
    assert select_exemplars(np.array([9.0, -3.0, 0.0]), 3) == (0, 1, 2)


class Seeing:
    """Compares dives by one number in their encoding, in points of dives of difficulty 3."""

    def parameters(self):
        yield torch.zeros(1)

    def compare(self, query, exemplar, difficulty):
        seen = query.dynamic[:, 0, 0, 0] - exemplar.dynamic[:, 0, 0, 0]
        return SimpleNamespace(delta=seen * difficulty / 3)


def test_a_misreading_is_what_a_score_has_and_the_picture_has_not(encodings):
    """Six dives that look like 3 to 18 points at difficulty 3, 1 to 6 of execution; the last was given more."""
    dynamic = torch.zeros_like(encodings.dynamic)
    dynamic[:, 0, 0, 0] = torch.tensor([3.0, 6.0, 9.0, 12.0, 15.0, 18.0])
    difficulty = [1.5, 3.0, 2.0, 3.0, 2.5, 2.0]
    executions = [1.0, 2.0, 3.0, 4.0, 5.0, 12.0]
    exemplars = tuple(
        Exemplar(f"dive{number}", CODE, 3.0, hard, hard * worth, SIMULATED)
        for number, (hard, worth) in enumerate(zip(difficulty, executions, strict=True))
    )
    bank = ExemplarBank(exemplars, replace(encodings, dynamic=dynamic), "0123456789ab")
    wrong = misreadings(Seeing(), bank)
    assert wrong == pytest.approx([-1, -1, -1, -1, -1, 5], abs=1e-4)
