"""The other panel's dives: scores as that panel would give them, written as a coach would have them."""

import pytest

from fineparser.bench.fine_tuning import FineTuningBench, OtherPanel, write_dives
from fineparser.data.clip_folder import read_clip_folder
from fineparser.data.syndive import SynDives
from fineparser.domain.dive_code import DiveCode


@pytest.mark.parametrize(
    ("award", "moved"), [(0.0, 0.0), (0.5, 0.5), (6.5, 5.5), (7.0, 6.0), (8.5, 8.0), (10.0, 10.0), (4.0, 2.0)]
)
def test_awards_are_stretched_about_the_middle_and_shifted(award, moved):
    """1.3 times the distance from 6.5, a whole award down, in halves: 7 is 6.5 + 0.65 - 1 = 6.15, which is 6."""
    assert OtherPanel().award(award) == moved


def test_scores_are_the_three_middle_awards_times_the_difficulty(tmp_path):
    bench = FineTuningBench(dives=2, codes=("107B",), seed=3)
    write_dives(tmp_path / "learn", "train", bench)
    dives = read_clip_folder(tmp_path / "learn", validation=0)
    source = SynDives(2, 3, "train", codes=(DiveCode.parse("107B"),))
    assert len(dives) == 2
    for dive, plan in zip(dives, map(source.plan, range(2)), strict=True):
        assert (str(dive.code), dive.height) == ("107B", plan.height)
        assert dive.frame_count == len(plan.times)
        assert dive.flight_frame is None
        if len(plan.awards) == 7:
            middle = sorted(OtherPanel().award(award) for award in plan.awards)[2:5]
            assert dive.score == pytest.approx(sum(middle) * plan.difficulty, abs=0.051)
