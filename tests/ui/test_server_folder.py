"""The folder of a server, deleted with it, or by the next server after it was killed."""

import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from filelock import FileLock
from gradio.utils import get_upload_folder

from fineparser.ui import server_folder as folders
from fineparser.ui.server_folder import CACHE_VARIABLE, LOCK, PREFIX, server_folder

SERVER = """
import sys, tempfile
from fineparser.ui.server_folder import server_folder
with server_folder() as folder:
    (folder / "cache" / "clip.mp4").write_bytes(b"a visitor's clip")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def base(tmp_path, monkeypatch):
    """The folder in which servers make theirs."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "base"))
    return tmp_path / "base"


@pytest.fixture
def other_server(base):
    """A process that has a folder, and the folder."""
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process, Path(process.stdout.readline().strip())
    process.stdin.close()
    process.wait(60)
    process.stdout.close()


def test_files_of_the_server_lie_in_its_folder_and_go_with_it(base):
    temporary = tempfile.gettempdir()
    with server_folder() as folder:
        assert folder.parent == base
        assert folder.stat().st_mode & 0o777 == 0o700
        assert get_upload_folder() == str(folder / "cache")
        assert Path(tempfile.mkdtemp(prefix="fineparser-")).parent == folder / "temporary"
        (folder / "cache" / "clip.mp4").write_bytes(b"clip")
    assert list(base.iterdir()) == []
    assert os.environ[CACHE_VARIABLE] == str(base)
    assert tempfile.gettempdir() == temporary


def test_it_goes_when_an_error_ends_the_server(base):
    with pytest.raises(RuntimeError), server_folder():
        raise RuntimeError("the port is taken")
    assert list(base.iterdir()) == []


def test_without_a_variable_it_lies_among_the_temporary_files(tmp_path, monkeypatch):
    monkeypatch.delenv(CACHE_VARIABLE, raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with server_folder() as folder:
        assert folder.parent == tmp_path
    assert CACHE_VARIABLE not in os.environ


def test_the_folder_of_a_killed_server_is_deleted_by_the_next_one(base, other_server):
    process, abandoned = other_server
    process.kill()
    process.wait(60)
    assert (abandoned / "cache" / "clip.mp4").is_file()
    with server_folder():
        assert not abandoned.exists()


def test_servers_side_by_side_keep_their_files(base, other_server):
    _, running = other_server
    with server_folder() as folder:
        assert folder != running
        assert (running / "cache" / "clip.mp4").is_file()
    assert (running / "cache" / "clip.mp4").is_file()


def test_a_server_killed_while_it_started_leaves_nothing_for_long(base):
    starting, killed = base / f".{PREFIX}starting", base / f".{PREFIX}killed"
    for folder in (starting, killed):
        folder.mkdir(parents=True)
    os.utime(killed, (0, 0))
    with server_folder():
        assert starting.is_dir()
        assert not killed.exists()


@pytest.mark.parametrize(("target", "step"), [(FileLock, "acquire"), (folders, "delete_abandoned")])
def test_an_end_while_it_starts_leaves_nothing(base, monkeypatch, target, step):
    def end(*arguments) -> None:
        raise SystemExit

    with monkeypatch.context() as patches:
        patches.setattr(target, step, end)
        with pytest.raises(SystemExit), server_folder():
            pytest.fail("the server has started")
    assert list(base.iterdir()) == []


def test_files_that_a_thread_writes_during_the_end_do_not_keep_the_folder(base):
    ended = threading.Event()

    def write(folder: Path) -> None:
        number = 0
        while not ended.is_set():
            number += 1
            with suppress(OSError):
                (folder / f"{number}.png").write_bytes(b"a frame")

    with server_folder() as folder:
        thread = threading.Thread(target=write, args=(folder / "temporary",))
        thread.start()
        time.sleep(0.05)
    try:
        assert list(base.iterdir()) == []
    finally:
        ended.set()
        thread.join()


def test_nothing_else_is_touched(base, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("kept")
    base.mkdir()
    (base / f"{PREFIX}link").symlink_to(elsewhere)
    (base / f"{PREFIX}file").write_text("kept")
    (base / "fineparser-analysis").mkdir()
    with server_folder():
        pass
    assert sorted(path.name for path in base.iterdir()) == ["fineparser-analysis", f"{PREFIX}file", f"{PREFIX}link"]
    assert [path.name for path in elsewhere.iterdir()] == ["file"]
    assert not (elsewhere / LOCK).exists()
