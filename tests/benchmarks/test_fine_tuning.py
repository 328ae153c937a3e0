"""Dives of another panel: scores of that panel, written as a coach would have them."""

import pytest

from benchmarks.fine_tuning import PANEL, FineTuningBenchmark, write_dives
from fineparser.data.dives import ReadOptions
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.data.readers.syndive import SynDives
from fineparser.domain.dive_code import DiveCode

pytestmark = pytest.mark.slow


def test_scores_are_the_three_middle_awards_times_the_difficulty(tmp_path):
    write_dives(tmp_path / "train", "train", FineTuningBenchmark(dives=2, codes=("107B",), seed=3))
    dives = read_clip_folder(tmp_path / "train", ReadOptions(validation=0))
    source = SynDives(2, 3, "train", codes=(DiveCode.parse("107B"),))
    assert len(dives) == 2
    for dive, plan in zip(dives, map(source.plan, range(2)), strict=True):
        assert (str(dive.code), dive.height) == ("107B", plan.height)
        assert dive.frame_count == len(plan.times)
        assert dive.flight_frame is None
        if len(plan.awards) == 7:
            middle = sorted(PANEL.award(award) for award in plan.awards)[2:5]
            assert dive.score == pytest.approx(sum(middle) * plan.difficulty, abs=0.051)
