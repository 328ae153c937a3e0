"""User exemplars whose writers are killed: the collection stays readable, and what they leave is removed."""

import os
import signal
from pathlib import Path

import pytest

from fineparser.exemplars import user_exemplars
from fineparser.exemplars.exemplar import ScoredDive
from fineparser.exemplars.exemplar_bank import BankError
from fineparser.exemplars.user_exemplars import ENCODINGS_VERSION, ClipSection, UserExemplars

DIVE = ScoredDive.from_input("207C", 10, 66.0, None)
DEADLY = ("replace", "rename", "mkdir", "unlink", "rmdir", "open")
"""Functions of `os` that change a folder; a writer is killed before one of its calls of them."""


class Encoder:
    """Weights that have the same encoding for every clip."""

    def __init__(self, encodings):
        self.encoding = encodings.select([0])

    def fingerprint(self):
        return "0123456789ab"

    def find_dive(self, clip, first=None, last=None, progress=None):
        return ClipSection(None, 0, 95)

    def encode_clip(self, clip, first, last, height):
        return self.encoding


@pytest.fixture
def encoder(encodings, monkeypatch):
    def write_section(section, path):
        unfinished = path.with_name(f".{path.name}")
        unfinished.write_bytes(b"half")
        os.replace(unfinished, path)
        return 96

    monkeypatch.setattr(user_exemplars, "write_section", write_section)
    return Encoder(encodings)


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"whole")
    return path


@pytest.fixture
def store(tmp_path):
    return UserExemplars(tmp_path / "exemplars")


def is_killed(call: int, action) -> bool:
    """Do something in a process of its own that is killed before the given call; False if it needs fewer calls."""
    child = os.fork()
    if child == 0:
        calls = 0

        def deadly(function):
            def count(*arguments, **options):
                nonlocal calls
                calls += 1
                if calls == call:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*arguments, **options)

            return count

        try:
            for name in DEADLY:
                setattr(os, name, deadly(getattr(os, name)))
            action()
            os._exit(0)
        finally:
            os._exit(1)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def expected_files(store: UserExemplars) -> list[str]:
    clips = [f"clips/{one.clip.path.name}" for one in store.dives()]
    return sorted([*clips, "dives.json", f"encodings/0123456789ab-{ENCODINGS_VERSION}.safetensors", "lock"])


def test_a_dive_that_is_added_is_there_or_not_wherever_its_process_is_killed(store, encoder, clip):
    kills = 0
    while is_killed(kills + 1, lambda: store.add(encoder, clip, DIVE)):
        kills += 1
        named = store.dives()
        assert all(one.clip.path.read_bytes() == b"half" for one in named)
        store.add(encoder, clip, DIVE)
        assert len(store.dives()) == len(named) + 1
        assert files(store.folder) == expected_files(store)
        assert not list(store.folder.glob("adding/*"))
    assert kills > 10


def test_a_dive_that_is_removed_is_there_or_not_wherever_its_process_is_killed(store, encoder, clip):
    kills = 0
    while True:
        added, _ = store.add(encoder, clip, DIVE)
        if not is_killed(kills + 1, lambda name=added.id: store.remove(name)):
            break
        kills += 1
        assert all(one.clip.path.is_file() for one in store.dives())
        store.add(encoder, clip, DIVE)
        assert files(store.folder) == expected_files(store)
    assert kills > 3


def test_a_clip_on_its_way_is_left_alone_as_long_as_its_process_lives(store, encoder, clip):
    with store._adding("own-207C-10m-abcdef") as folder:
        (folder / "clip.mp4").write_bytes(b"moving")
        store.add(encoder, clip, DIVE)
        assert (folder / "clip.mp4").is_file()
    store.add(encoder, clip, DIVE)
    assert files(store.folder) == expected_files(store)


def test_clips_without_their_list_are_not_removed(store, encoder, clip):
    added, _ = store.add(encoder, clip, DIVE)
    (store.folder / "dives.json").rename(store.folder / "dives.backup")
    with pytest.raises(BankError, match=r"clips in .*, but no list of them: put .*dives\.json back"):
        store.add(encoder, clip, DIVE)
    assert added.clip.path.is_file()
    (store.folder / "dives.backup").rename(store.folder / "dives.json")
    store.add(encoder, clip, DIVE)
    assert len(store.dives()) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (('"score": 66.0', '"score": NaN'), "exemplar 1 of 1: score should be a finite number, not nan"),
        (('"score": 66.0', '"score": 1e999'), "exemplar 1 of 1: score should be a finite number, not inf"),
        (('"difficulty": 3.3', '"difficulty": Infinity'), "exemplar 1 of 1: difficulty should be a finite number"),
        (('"height": 10', '"height": "high"'), "exemplar 1 of 1: height should be a finite number, not 'high'"),
        (('"first": 0', '"first": -3'), "the phases at frames .* are not in order"),
        (('"exemplars"', '"examples"'), "exemplars should be a list, not None"),
    ],
)
def test_a_list_with_an_impossible_value_is_named_with_it(store, encoder, clip, change, reason):
    store.add(encoder, clip, DIVE)
    path = store.folder / "dives.json"
    assert change[0] in path.read_text()
    path.write_text(path.read_text().replace(*change))
    before = files(store.folder)
    with pytest.raises(BankError, match=rf"your exemplars, .*dives\.json, is broken .*{reason}"):
        store.add(encoder, clip, DIVE)
    assert files(store.folder) == before
