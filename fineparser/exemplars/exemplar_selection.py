"""Which of several candidates become exemplars: those that the network reads about right.

A vote is an exemplar's score plus the difference that the network sees. What the network does not see in the exemplar,
such as bent knees that its camera hid, is in that vote whatever the dive is like.
"""

import itertools

import numpy as np
import torch

from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.exemplars.pair_differences import pair_differences
from fineparser.domain.judging import execution
from fineparser.model.fineparser import FineParser

REFERENCES = 64
"""Exemplars of a bank, of any number, that each of them is compared with."""
SWEEPS = 20
"""Most times that a choice is gone over; it settles after a few."""


def misreadings(model: FineParser, bank: ExemplarBank) -> np.ndarray:
    """By how much each exemplar's execution, 0 to 30, is better than the network reads it: [N].

    It is read against the same exemplars for all, out of the whole bank: those of one number would have an error of
    their own in common.

    Args:
        model: that encoded the bank, in eval mode.
        bank: of exemplars of many dive numbers.
    """
    true = np.array([execution(one.score, one.difficulty) for one in bank.exemplars])
    difficulty = torch.tensor([one.difficulty for one in bank.exemplars], dtype=torch.float32)
    count = len(bank)
    references = np.unique(np.linspace(0, count - 1, min(REFERENCES, count)).round().astype(int))
    pairs = torch.cartesian_prod(torch.arange(count), torch.from_numpy(references))
    points = pair_differences(model, bank.encodings, bank.encodings, pairs, difficulty)
    seen = (points / difficulty[pairs[:, 0]]).view(count, len(references)).numpy()
    return true - (true[references] + seen).mean(axis=1)


def select_exemplars(wrong: np.ndarray, count: int) -> tuple[int, ...]:
    """One candidate of each of `count` grades, so that their errors are small and cancel out.

    Args:
        wrong: [count * candidates], the candidates of a grade one after the other.
        count: exemplars to select.

    >>> select_exemplars(np.array([-3.0, -0.5, 2.0, 0.4]), 2)
    (1, 3)
    """
    grades = np.asarray(wrong, dtype=float).reshape(count, -1)
    rows, candidates = np.arange(count), np.arange(grades.shape[1])

    def cost(places: np.ndarray) -> float:
        # All ten vote: what counts is their mean; and each by itself where fewer do.
        errors = grades[rows, places]
        return errors.sum() ** 2 + np.square(errors).sum()

    chosen = np.abs(grades).argmin(axis=1)
    best = cost(chosen)
    for _ in range(SWEEPS):
        before = best
        for pair in itertools.combinations_with_replacement(rows, 2):
            for places in itertools.product(candidates, repeat=2):
                other = chosen.copy()
                other[list(pair)] = places
                if (found := cost(other)) < best:
                    chosen, best = other, found
        if best == before:
            break
    return tuple(int(row * len(candidates) + place) for row, place in enumerate(chosen))
