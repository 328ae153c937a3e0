from dataclasses import replace

import numpy as np
import pytest

from fineparser.exemplars.exemplar import OWN, SIMULATED, Exemplar, ExemplarClip
from fineparser.exemplars.graded_dives import graded_dive, recipes
from fineparser.analysis.report import DiveReport, Vote
from fineparser.domain.dive_code import DiveCode
from fineparser.ui.filming import with_clip
from fineparser.video.reading import probe

CODE = DiveCode.parse("101C")


def vote(exemplar: Exemplar, shown: Exemplar | None = None) -> Vote:
    place = (exemplar.id, str(exemplar.code), exemplar.height, exemplar.difficulty, exemplar.score, exemplar.source)
    return Vote(*place, "same dive number", np.zeros((2, 3)), exemplar.score, shown, exemplar.recipe)


@pytest.fixture
def report(tmp_path, monkeypatch):
    """As much of a report as filming looks at: a simulated exemplar shown by a like one, a recording without a clip."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    simulated = graded_dive("weak", CODE, 1, recipes(CODE, 1, 2)[0], 112).exemplar
    like = replace(simulated, id="like", clip=ExemplarClip(tmp_path / "like.mp4", 0, 1, 2, 3))
    recorded = Exemplar("mine", CODE, 1, 1.2, 20.0, OWN)
    nothing = dict.fromkeys(DiveReport.__dataclass_fields__)
    return DiveReport(**nothing | {"votes": (vote(simulated, like), vote(recorded), vote(like, like))})


def test_a_like_clip_gives_way_to_its_own(report):
    filmed = with_clip(report, "weak")
    first, *others = filmed.votes
    assert first.shown.id == "weak"
    assert first.shown.source == SIMULATED
    assert probe(first.shown.clip.path).frame_count == first.shown.clip.last + 1
    assert others == list(report.votes[1:])
    # A clip of its own is there now: it is not filmed once more.
    assert with_clip(filmed, "weak") is filmed


@pytest.mark.parametrize("exemplar", ["mine", "like", "nobody", None])
def test_what_cannot_or_need_not_be_filmed_stays(report, exemplar):
    assert with_clip(report, exemplar) is report
