"""Own exemplars on a real disk, with a tiny network; two processes write at once."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
import torch
from filelock import FileLock

from fineparser.exemplars import own_exemplars
from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.exemplar import OWN
from fineparser.exemplars.exemplar_bank import BankError
from fineparser.exemplars.judged import Judged
from fineparser.exemplars.own_exemplars import OwnExemplars, home
from fineparser.model.fineparser import FineParser
from fineparser.video.error import VideoError
from fineparser.video.reading import probe
from fineparser.video.writing import write_video

JUDGED = Judged.of("207C", 10, 66.0, None)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Sixty frames of a bright block that falls across a grey picture, 25 frames a second."""
    frames = np.full((60, 96, 160, 3), 90, np.uint8)
    for number, frame in enumerate(frames):
        frame[number + 5 : number + 25, 70:90] = (230, 190, 160)
    path = tmp_path_factory.mktemp("clips") / "my dive.mp4"
    write_video(path, frames, 25.0)
    return path


@pytest.fixture(scope="module")
def analyser(model):
    return DiveAnalyser(model)


@pytest.fixture(scope="module")
def other(model):
    torch.manual_seed(1)
    return DiveAnalyser(FineParser(model.config).eval())


@pytest.fixture
def own(tmp_path):
    return OwnExemplars(tmp_path / "home" / "exemplars")


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_added_dive_is_a_bank(own, analyser, clip):
    assert own.bank(analyser) == (None, ())
    assert not own.folder.exists()
    added, _ = own.add(analyser, clip, JUDGED, first=5, last=54)
    assert (str(added.code), added.height, added.difficulty, added.score) == ("207C", 10, 3.3, 66.0)
    assert (added.source, added.name) == (OWN, "my dive.mp4")
    assert own.dives() == (added,)
    bank, remarks = own.bank(analyser)
    assert remarks == ()
    assert bank.exemplars == (added,)
    assert bank.fingerprint == analyser.model.fingerprint()
    info = probe(added.clip.path)
    assert (info.frame_count, added.clip.last) == (50, 49)
    assert 0 <= added.clip.flight <= added.clip.entry <= 49
    fingerprint = analyser.model.fingerprint()
    expected = [f"clips/{added.id}.mp4", "dives.json", f"encodings/{fingerprint}.safetensors", "lock"]
    assert names(own.folder) == expected


def test_it_votes(own, analyser, clip):
    added, _ = own.add(analyser, clip, JUDGED)
    told = DiveAnalyser(analyser.model, own.bank(analyser)[0]).analyse(clip, "207C", 10)
    assert [vote.exemplar for vote in told.votes] == [added.id]
    # The same clip, kept as H.264: it is nearly as good as itself, even to a network that has learnt nothing.
    assert told.total.value == pytest.approx(66.0, abs=1.0)


def test_other_weights_have_encodings_of_their_own(own, analyser, other, clip):
    added, _ = own.add(analyser, clip, JUDGED)
    first, _ = own.bank(analyser)
    anew, remarks = own.bank(other)
    assert remarks == ("1 of your own exemplars was encoded for these weights.",)
    assert anew.fingerprint == other.model.fingerprint() != first.fingerprint
    assert not torch.equal(anew.encodings.dynamic, first.encodings.dynamic)
    assert [one.id for one in anew.exemplars] == [added.id]
    assert own.bank(other)[1] == ()
    torch.testing.assert_close(own.bank(analyser)[0].encodings.dynamic, first.encodings.dynamic)


def test_removing(own, analyser, clip):
    first, _ = own.add(analyser, clip, JUDGED)
    second, _ = own.add(analyser, clip, JUDGED, name="another")
    own.remove(first.id)
    assert own.dives() == (second,)
    assert [one.id for one in own.bank(analyser)[0].exemplars] == [second.id]
    assert not first.clip.path.exists()
    with pytest.raises(BankError, match="no own exemplar 'own-"):
        own.remove(first.id)


def test_bad_input_leaves_nothing(own, analyser, clip, tmp_path):
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(VideoError):
        own.add(analyser, tmp_path / "text.mp4", JUDGED)
    with pytest.raises(VideoError, match="10 to 900"):
        own.add(analyser, clip, JUDGED, first=10, last=900)
    assert not own.folder.exists() or names(own.folder) == []
    own.add(analyser, clip, JUDGED)
    before = names(own.folder)
    with pytest.raises(BankError, match="no room"):
        OwnExemplars(own.folder, most=1).add(analyser, clip, JUDGED)
    assert names(own.folder) == before


def test_a_failure_while_encoding_leaves_no_clip(own, analyser, clip, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(own_exemplars, "encode_kept", fail)
    with pytest.raises(RuntimeError):
        own.add(analyser, clip, JUDGED)
    assert names(own.folder) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"exemplars": [{"id": "one"}]}', '{"exemplars": 3}', "\x00"])
def test_a_broken_list_is_told(own, analyser, text):
    own.folder.mkdir(parents=True)
    (own.folder / "dives.json").write_text(text)
    with pytest.raises(BankError, match=r"your own dives, .*dives\.json, is broken"):
        own.bank(analyser)


def test_broken_encodings_are_made_anew(own, analyser, clip):
    own.add(analyser, clip, JUDGED)
    file = own.folder / "encodings" / f"{analyser.model.fingerprint()}.safetensors"
    file.write_bytes(file.read_bytes()[:40])
    bank, remarks = own.bank(analyser)
    assert len(bank) == 1
    assert "encoded for these weights" in remarks[0]


def test_a_lost_or_broken_clip_does_not_vote(own, analyser, other, clip):
    first, _ = own.add(analyser, clip, JUDGED)
    second, _ = own.add(analyser, clip, JUDGED)
    first.clip.path.write_text("broken")
    bank, remarks = own.bank(other)
    assert [one.id for one in bank.exemplars] == [second.id]
    assert f"{first.id} (my dive.mp4) does not vote" in remarks[0]


def add_two(folder, checkpoint, clip):
    analyser = DiveAnalyser.from_pretrained(checkpoint)
    return [OwnExemplars(folder).add(analyser, clip, JUDGED)[0].id for _ in range(2)]


def test_two_sessions_write_at_once(own, model, analyser, clip, tmp_path):
    model.save_pretrained(tmp_path / "checkpoint")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        both = [pool.submit(add_two, own.folder, tmp_path / "checkpoint", clip) for _ in range(2)]
        added = sorted(one for ids in both for one in ids.result(timeout=300))
    assert sorted(one.id for one in own.dives()) == added
    assert len(set(added)) == 4
    bank, remarks = own.bank(analyser)
    assert (len(bank), remarks) == (4, ())
    assert json.loads((own.folder / "dives.json").read_text())["exemplars"][0]["code"] == "207C"


def test_who_waits_too_long_is_told(own, analyser, clip, monkeypatch):
    added, _ = own.add(analyser, clip, JUDGED)
    monkeypatch.setattr(own_exemplars, "LOCK_SECONDS", 0.1)
    with FileLock(own.folder / "lock"), pytest.raises(BankError, match="another session is writing"):
        own.remove(added.id)
    assert own.dives() == (added,)


@pytest.mark.parametrize(
    ("code", "height", "score", "own", "reason"),
    [
        ("", 10, 60, None, "number and height"),
        ("207C", "", 60, None, "number and height"),
        ("207C", 10, None, None, "needs the score"),
        ("207C", 10, 99.5, None, "0 to 99 points, not 99.5"),
        ("207C", 10, -1, None, "not -1"),
        ("207C", 10, float("nan"), None, "not nan"),
        ("107A", 3, 50, None, "107A"),
    ],
)
def test_what_was_not_judged_so_is_refused(code, height, score, own, reason):
    with pytest.raises(ValueError, match=reason):
        Judged.of(code, height, score, own)
    assert Judged.of("207C", 10, 105.0, 3.6).dived.difficulty == 3.6


def test_where_things_are_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("FINEPARSER_HOME", str(tmp_path))
    assert OwnExemplars().folder == tmp_path / "exemplars"
    monkeypatch.delenv("FINEPARSER_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    assert home() == tmp_path / "person" / ".fineparser"
