"""What each phase truly sets a simulated dive apart from its exemplars by, to measure the told parts by."""

from collections.abc import Mapping, Sequence

import numpy as np

from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.graded_dives import plan_of
from fineparser.data.syndive import mean_deductions
from fineparser.domain.judging import KEPT_AWARDS
from fineparser.domain.phases import Phase
from fineparser.simulator.judges import lost_by_phase


def phase_parts(rows: Sequence[Mapping[str, str]], exemplars: Sequence[Exemplar]) -> tuple[np.ndarray, np.ndarray]:
    """Points [n, 3] by which each phase sets n dives apart from their exemplars: as told, and as the faults truly cost.

    NaN where a dive or one of its exemplars is a recording, of which nobody knows what its faults cost.

    Args:
        rows: of an `Evaluation` of simulated dives.
        exemplars: that voted there, among others.
    """
    voted = {name for row in rows for name in row["exemplars"].split()}
    lost = {one.id: exemplar_lost(one) for one in exemplars if one.id in voted}
    told, true = np.full((2, len(rows), len(Phase)), np.nan)
    for place, row in enumerate(rows):
        if not row["exemplars"]:
            continue
        told[place] = [_number(row[f"{phase.name.lower()}_points"]) for phase in Phase]
        own = [_number(row[f"{phase.name.lower()}_lost"]) for phase in Phase]
        theirs = np.mean([lost[name] for name in row["exemplars"].split()], axis=0)
        true[place] = (theirs - own) * KEPT_AWARDS * float(row["difficulty"])
    return told, true


def exemplar_lost(exemplar: Exemplar) -> np.ndarray:
    """Awards [3] that the faults of each phase cost an exemplar; NaN for a recording."""
    if exemplar.recipe is None:
        return np.full(len(Phase), np.nan)
    plan = plan_of(exemplar.code, exemplar.height, exemplar.recipe)
    return lost_by_phase(np.array(mean_deductions(plan)), np.array(plan.execution))


def _number(text: str) -> float:
    return float(text) if text else np.nan
