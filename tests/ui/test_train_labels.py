from types import SimpleNamespace

import numpy as np

from fineparser.training.proposals import Proposal
from fineparser.ui.train_labels import fitting


def proposal(first: int, last: int) -> Proposal:
    numbers = np.linspace(first, last, 96).round().astype(int)
    return Proposal(first + 3, last - 3, (0.9, 0.8), numbers, np.zeros((96, 4, 4), bool))


def test_a_proposal_fits_a_dive_that_is_there_and_trimmed_as_it_was_looked_at():
    dives = {name: SimpleNamespace(first_frame=4, last_frame=80) for name in ("same", "trimmed", "unseen")}
    proposals = {"same": proposal(4, 80), "trimmed": proposal(0, 80), "gone": proposal(4, 80)}
    assert list(fitting(proposals, dives)) == ["same"]
