"""Who sees and who votes, on a page of one's own and on a public one, with a tiny network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.electorate import MINE, SIMULATED_ONES, SOURCES, voters
from fineparser.exemplars.exemplar import OWN, SIMULATED, Exemplar
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank
from fineparser.exemplars.judged import Judged
from fineparser.domain.dive_code import DiveCode
from fineparser.model.config import FineParserConfig
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.model.weights import Provenance
from fineparser.ui import exemplar_shelf
from fineparser.ui.analysis import Analysis
from fineparser.ui.exemplar_shelf import forget, own_exemplars
from fineparser.ui.exemplars_tab import ANY, HIGHEST, ID, listing, matching, on_scale, preview, take_away
from fineparser.video.writing import write_video

JUDGED = Judged.of("207C", 10, 66.0, None)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    frames = np.full((40, 96, 160, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        frame[number + 5 : number + 25, 70:90] = (230, 190, 160)
    return write_video(tmp_path_factory.mktemp("clips") / "my dive.mp4", frames, 25.0)


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return FineParser(replace(FineParserConfig.tiny(), image_size=112)).eval()


@pytest.fixture
def analyser(model):
    """With a bank of two simulated dives whose encodings are noise."""
    clips = torch.randn(2, 3, 96, 112, 112, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        encodings = ClipEncoding.concatenate([model.encode(one[None], masks=False) for one in clips])
    dives = [("207C", 10.0, 3.3, 60.0), ("103B", 3.0, 1.6, 30.0)]
    exemplars = tuple(
        Exemplar(f"bundled-{place}", DiveCode.parse(code), *rest, SIMULATED)
        for place, (code, *rest) in enumerate(dives)
    )
    return DiveAnalyser(model, ExemplarBank(exemplars, encodings, model.fingerprint()))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A person's folder, and a place for what goes with a visit."""
    monkeypatch.setenv("FINEPARSER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("FINEPARSER_PUBLIC", raising=False)
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "cache"))
    (tmp_path / "visits").mkdir()
    monkeypatch.setattr(exemplar_shelf.tempfile, "tempdir", str(tmp_path / "visits"))
    return tmp_path / "home"


def ids(electorate):
    return [one.id for one in electorate.bank.exemplars]


def test_at_home_everybody_shares_one_collection(analyser, clip, home):
    own, folder = own_exemplars(None)
    assert (own.folder, folder) == (home / "exemplars", None)
    added, _ = own.add(analyser, clip, JUDGED)
    everyone = voters(analyser, SOURCES, own_exemplars(None)[0])
    assert ids(everyone) == ["bundled-0", "bundled-1", added.id]
    assert everyone.simulates
    mine = voters(analyser, (MINE,), own)
    assert (ids(mine), mine.simulates) == ([added.id], False)
    assert ids(voters(analyser, (SIMULATED_ONES,), own)) == ["bundled-0", "bundled-1"]
    with pytest.raises(ValueError, match="No exemplar may vote"):
        voters(analyser, (), own)


def test_on_a_public_page_each_visitor_is_alone(analyser, clip, home, monkeypatch):
    own_exemplars(None)[0].add(analyser, clip, JUDGED)
    monkeypatch.setenv("FINEPARSER_PUBLIC", "1")
    assert own_exemplars(None) == (None, None)
    own, folder = own_exemplars(None, adding=True)
    added, _ = own.add(analyser, clip, JUDGED)
    assert home not in Path(folder).parents
    assert ids(voters(analyser, SOURCES, own_exemplars(folder)[0])) == ["bundled-0", "bundled-1", added.id]
    another, other_folder = own_exemplars(None, adding=True)
    assert other_folder != folder
    assert another.dives() == ()
    assert ids(voters(analyser, SOURCES, own_exemplars(None)[0])) == ["bundled-0", "bundled-1"]
    assert own_exemplars(folder, adding=True)[1] == folder
    own.most = 1
    with pytest.raises(BankError, match="no room"):
        own.add(analyser, clip, JUDGED)


def test_what_a_visitor_added_goes_with_the_visit(analyser, clip, home, monkeypatch):
    monkeypatch.setenv("FINEPARSER_PUBLIC", "1")
    own, folder = own_exemplars(None, adding=True)
    own.add(analyser, clip, JUDGED)
    forget(folder)
    assert not Path(folder).exists()
    forget(None)
    home.mkdir()
    forget(str(home))
    assert home.is_dir()


def test_a_broken_list_costs_the_own_votes_alone(analyser, home):
    (home / "exemplars").mkdir(parents=True)
    (home / "exemplars" / "dives.json").write_text("{")
    electorate = voters(analyser, SOURCES, own_exemplars(None)[0])
    assert ids(electorate) == ["bundled-0", "bundled-1"]
    assert "Your own exemplars do not vote" in electorate.remarks[0]
    rows, said = listing(Analysis(analyser), None, ANY, ANY, 0, HIGHEST, ANY)
    assert len(rows) == 2
    assert "is broken" in said


def test_the_list_is_filtered(analyser, clip):
    added, _ = own_exemplars(None)[0].add(analyser, clip, JUDGED)
    analysis = Analysis(analyser)

    def listed(*wanted):
        return [row[ID] for row in listing(analysis, None, *wanted)[0]]

    assert listed(ANY, ANY, 0, HIGHEST, ANY) == ["bundled-1", "bundled-0", added.id]
    assert listed("207C", ANY, 0, HIGHEST, ANY) == ["bundled-0", added.id]
    assert listed(ANY, "3", 0, HIGHEST, ANY) == ["bundled-1"]
    assert listed(ANY, ANY, 60, 65.9, ANY) == ["bundled-0"]
    assert listed(ANY, ANY, 0, HIGHEST, MINE) == [added.id]
    assert listed(None, None, None, None, None) == ["bundled-1", "bundled-0", added.id]
    assert "1 of 3 exemplars" in listing(analysis, None, ANY, ANY, 0, HIGHEST, MINE)[1]
    assert matching([], ANY, ANY, 0, HIGHEST, ANY) == []


def test_the_list_says_what_own_dives_tell_of_their_judges(analyser, clip):
    exemplars = list(analyser.bank.exemplars)
    own = [replace(exemplars[0], id=f"own-{place}", source=OWN) for place in range(4)]
    assert on_scale(exemplars, analyser) == ""
    assert "With 2 more of your own" in on_scale([*exemplars, *own[:1]], analyser)
    assert "With 1 more of your own" in on_scale([*exemplars, *own[:2]], analyser)
    assert "that your 3 dives tell" in on_scale([*exemplars, *own[:3]], analyser)
    own_exemplars(None)[0].add(analyser, clip, JUDGED)
    assert "With 2 more" in listing(Analysis(analyser), None, ANY, ANY, 0, HIGHEST, ANY)[1]


def test_the_list_promises_no_scale_with_weights_that_learnt_from_recorded_dives(analyser, monkeypatch):
    own = [replace(analyser.bank.exemplars[0], id=f"own-{place}", source=OWN) for place in range(4)]
    monkeypatch.setattr(analyser.model, "provenance", Provenance(trained_on=(SIMULATED, "FineDiving")))
    assert on_scale(own[:2], analyser) == on_scale(own, analyser) == ""


def test_one_is_looked_at_and_removed(analyser, clip):
    added, _ = own_exemplars(None)[0].add(analyser, clip, JUDGED, name="Ann <b>")
    analysis = Analysis(analyser)
    facts, video, remove, looked_at = preview(analysis, None, added.id)
    assert "Ann &lt;b&gt;" in facts
    assert "66.00 points" in facts
    assert Path(video.value["path"]).read_bytes() == added.clip.path.read_bytes()
    assert (remove.visible, looked_at) == (True, added.id)
    facts, video, remove, _ = preview(analysis, None, "bundled-0")
    assert "There is no clip of it" in facts
    assert not remove.visible
    assert "is gone" in preview(analysis, None, "../../etc/passwd")[0]
    assert "was removed" in take_away(None, added.id)[0]
    assert "no own exemplar" in take_away(None, added.id)[0]
    assert own_exemplars(None)[0].dives() == ()
