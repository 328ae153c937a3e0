"""User exemplars on disk, with a tiny network; two processes write at once."""

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import torch
from filelock import FileLock

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.domain.standards import Standard
from fineparser.exemplars import user_exemplars
from fineparser.exemplars.exemplar import USER_DIVES, FileFrames, ScoredDive, clip_digest
from fineparser.exemplars.exemplar_bank import BankError
from fineparser.exemplars.user_exemplars import ENCODINGS_VERSION, UserExemplars, user_folder
from fineparser.model.compact import CompactFineParser
from fineparser.quality_warning import QualityWarning
from fineparser.scoring.evidence import EVIDENCE_NAMES
from fineparser.video.info import VideoError
from fineparser.video.reader import probe
from tests.builders import falling_block_clip

pytestmark = pytest.mark.slow

DIVE = ScoredDive.from_input("207C", 10, 66.0, None)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Sixty frames of a bright block that falls across a grey picture, 25 frames a second."""
    return falling_block_clip(tmp_path_factory.mktemp("clips") / "my dive.mp4", frames=60)


@pytest.fixture(scope="module")
def analyser(model):
    return DiveAnalyser(model)


@pytest.fixture(scope="module")
def other(model):
    torch.manual_seed(1)
    return DiveAnalyser(CompactFineParser(model.config).eval())


@pytest.fixture
def store(tmp_path):
    return UserExemplars(tmp_path / "home" / "exemplars")


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_added_dive_is_a_bank(store, analyser, clip):
    assert store.bank(analyser) == (None, ())
    assert not store.folder.exists()
    added, _ = store.add(analyser, clip, DIVE, first=5, last=54)
    assert (str(added.code), added.height, added.difficulty, added.score) == ("207C", 10, 3.3, 66.0)
    assert (added.source, added.name) == (USER_DIVES, "my dive.mp4")
    assert store.dives() == (added,)
    bank, warnings = store.bank(analyser)
    assert warnings == ()
    assert bank.exemplars == (added,)
    assert bank.fingerprint == analyser.model.fingerprint()
    info = probe(added.clip.path)
    assert (info.frame_count, added.clip.last) == (50, 49)
    assert 0 <= added.clip.flight <= added.clip.entry <= 49
    fingerprint = analyser.model.fingerprint()
    expected = [
        f"clips/{added.id}.mp4",
        "dives.json",
        f"encodings/{fingerprint}-{ENCODINGS_VERSION}.safetensors",
        "lock",
    ]
    assert names(store.folder) == expected


def test_an_added_dive_keeps_its_awards_and_knows_its_files(store, analyser, clip):
    dive = ScoredDive.from_input("207C", 10, awards="7.5 8 7 7.5 8", standard="national")
    added, _ = store.add(analyser, clip, dive, first=5, last=54)
    assert (added.score, added.awards, added.standard) == (75.9, (7.5, 8.0, 7.0, 7.5, 8.0), Standard.NATIONAL)
    copy = clip_digest(added.clip.path)
    assert added.files == (FileFrames(clip_digest(clip), 5, 54), FileFrames(copy, 0, 49))
    assert store.dives() == (added,)
    bank, _ = store.bank(analyser)
    assert len(bank.without_clip(clip_digest(clip), 50, 59)) == len(bank.without_clip(copy, 0, 49)) == 0
    assert len(bank.without_clip(clip_digest(clip), 55, 59)) == 1


def test_encodings_of_an_earlier_version_are_made_again_once(store, analyser, clip):
    added, _ = store.add(analyser, clip, DIVE)
    (current,) = (store.folder / "encodings").iterdir()
    earlier = current.rename(current.with_stem(analyser.fingerprint()))
    bank, warnings = store.bank(analyser)
    assert warnings == (QualityWarning("user_exemplars_encoded", {"count": 1}),)
    assert bank.exemplars == (added,)
    assert (earlier.exists(), current.exists()) == (False, True)
    assert store.bank(analyser)[1] == ()


def test_other_evidence_needs_another_version():
    """Encodings of users on disk keep their evidence until the version changes."""
    names = ("low", "distance", "loose", "bent_knees", "late", "entry", "bent_entry", "crooked", "splash")
    assert names == EVIDENCE_NAMES
    assert ENCODINGS_VERSION == 2


def test_an_added_dive_votes(store, analyser, clip, tmp_path):
    added, _ = store.add(analyser, clip, DIVE)
    # One frame more, so that it is another file.
    similar = falling_block_clip(tmp_path / "similar.mp4", frames=61)
    report = DiveAnalyser(analyser.model, store.bank(analyser)[0]).analyse(similar, "207C", 10)
    assert [vote.exemplar for vote in report.votes] == [added.id]
    # Nearly the same frames: even untrained weights see hardly a difference.
    assert report.total.value == pytest.approx(66.0, abs=1.0)


def test_each_set_of_weights_has_its_encodings(store, analyser, other, clip):
    added, _ = store.add(analyser, clip, DIVE)
    first, _ = store.bank(analyser)
    again, warnings = store.bank(other)
    assert warnings == (QualityWarning("user_exemplars_encoded", {"count": 1}),)
    assert again.fingerprint == other.model.fingerprint() != first.fingerprint
    assert not torch.equal(again.encodings.dynamic, first.encodings.dynamic)
    assert [one.id for one in again.exemplars] == [added.id]
    assert store.bank(other)[1] == ()
    torch.testing.assert_close(store.bank(analyser)[0].encodings.dynamic, first.encodings.dynamic)


def test_a_removed_dive_is_gone(store, analyser, clip):
    first, _ = store.add(analyser, clip, DIVE)
    second, _ = store.add(analyser, clip, DIVE, name="another")
    store.remove(first.id)
    assert store.dives() == (second,)
    assert [one.id for one in store.bank(analyser)[0].exemplars] == [second.id]
    assert not first.clip.path.exists()
    with pytest.raises(BankError, match="no user exemplar 'own-"):
        store.remove(first.id)


def test_a_refused_dive_leaves_no_files(store, analyser, clip, tmp_path):
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(VideoError):
        store.add(analyser, tmp_path / "text.mp4", DIVE)
    with pytest.raises(VideoError, match="10 to 900"):
        store.add(analyser, clip, DIVE, first=10, last=900)
    assert not store.folder.exists() or names(store.folder) == []
    store.add(analyser, clip, DIVE)
    before = names(store.folder)
    with pytest.raises(BankError, match="no room"):
        UserExemplars(store.folder, max_exemplars=1).add(analyser, clip, DIVE)
    assert names(store.folder) == before


def test_a_failure_while_encoding_leaves_no_clip(store, analyser, clip, monkeypatch):
    def fail(*_):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(user_exemplars, "encode_user_exemplar", fail)
    with pytest.raises(RuntimeError):
        store.add(analyser, clip, DIVE)
    assert names(store.folder) == ["lock"]


@pytest.mark.parametrize("text", ["{", "[]", '{"exemplars": [{"id": "one"}]}', '{"exemplars": 3}', "\x00"])
def test_a_broken_list_is_refused(store, analyser, text):
    store.folder.mkdir(parents=True)
    (store.folder / "dives.json").write_text(text)
    with pytest.raises(BankError, match=r"your exemplars, .*dives\.json, is broken"):
        store.bank(analyser)


def test_broken_encodings_are_made_again(store, analyser, clip):
    store.add(analyser, clip, DIVE)
    (file,) = (store.folder / "encodings").iterdir()
    file.write_bytes(file.read_bytes()[:40])
    bank, warnings = store.bank(analyser)
    assert len(bank) == 1
    assert [warning.code for warning in warnings] == ["user_exemplars_encoded"]


def test_a_lost_or_broken_clip_does_not_vote(store, analyser, other, clip):
    first, _ = store.add(analyser, clip, DIVE)
    second, _ = store.add(analyser, clip, DIVE)
    first.clip.path.write_text("broken")
    bank, warnings = store.bank(other)
    assert [one.id for one in bank.exemplars] == [second.id]
    assert warnings[0].code == "user_exemplar_unusable"
    assert (warnings[0].values["id"], warnings[0].values["name"]) == (first.id, "my dive.mp4")


def add_two(folder, checkpoint, clip):
    analyser = DiveAnalyser.from_pretrained(checkpoint)
    return [UserExemplars(folder).add(analyser, clip, DIVE)[0].id for _ in range(2)]


def test_two_sessions_write_at_once(store, model, analyser, clip, tmp_path):
    model.save_pretrained(tmp_path / "checkpoint")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        both = [pool.submit(add_two, store.folder, tmp_path / "checkpoint", clip) for _ in range(2)]
        added = sorted(one for ids in both for one in ids.result(timeout=300))
    assert sorted(one.id for one in store.dives()) == added
    assert len(set(added)) == 4
    bank, warnings = store.bank(analyser)
    assert (len(bank), warnings) == (4, ())
    assert json.loads((store.folder / "dives.json").read_text())["exemplars"][0]["code"] == "207C"


def test_waiting_for_the_lock_ends(store, analyser, clip, monkeypatch):
    added, _ = store.add(analyser, clip, DIVE)
    monkeypatch.setattr(user_exemplars, "LOCK_SECONDS", 0.1)
    with FileLock(store.folder / "lock"), pytest.raises(BankError, match="another session is writing"):
        store.remove(added.id)
    assert store.dives() == (added,)


def test_the_folder_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("FINEPARSER_HOME", str(tmp_path))
    assert UserExemplars().folder == tmp_path / "exemplars"
    monkeypatch.delenv("FINEPARSER_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "person"))
    assert user_folder() == tmp_path / "person" / ".fineparser"
