"""Folder of one server for everything that its visitors leave: uploads, results and temporary files.

It is deleted when the server ends. A server that was killed leaves it behind; the next one to start deletes it then. A
lock, which the operating system releases with the process, distinguishes it from the folder of a server that runs.
"""

import os
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

CACHE_VARIABLE = "GRADIO_TEMP_DIR"
"""Environment variable that names the folder of Gradio's cache."""
PREFIX = "fineparser-server-"
LOCK = "lock"
START_SECONDS = 60
"""Age up to which a folder without its name may be that of a server that is starting."""


@contextmanager
def server_folder() -> Iterator[Path]:
    """Folder of this server, in which Gradio's cache and all temporary files of this process lie inside the context.

    It lies in $GRADIO_TEMP_DIR or the folder for temporary files. Processes that this one starts keep the environment's
    folder for temporary files, since a fine-tuning job may outlive the server.

    Raises:
        OSError: if no folder can be made there.
    """
    cache, temporary = os.environ.get(CACHE_VARIABLE), tempfile.tempdir
    base = Path(cache or tempfile.gettempdir()).resolve()
    base.mkdir(parents=True, exist_ok=True)
    folder = base / f"{PREFIX}{secrets.token_hex(8)}"
    # It gets its name, by which other servers find it, when it is locked.
    unlocked = folder.with_name(f".{folder.name}")
    lock = FileLock(unlocked / LOCK, timeout=0)
    try:
        unlocked.mkdir(mode=0o700)
        lock.acquire()
        unlocked.rename(folder)
        delete_abandoned(base, folder)
        (folder / "cache").mkdir()
        (folder / "temporary").mkdir()
        os.environ[CACHE_VARIABLE] = str(folder / "cache")
        tempfile.tempdir = str(folder / "temporary")
        yield folder
    finally:
        tempfile.tempdir = temporary
        if cache is not None:
            os.environ[CACHE_VARIABLE] = cache
        else:
            os.environ.pop(CACHE_VARIABLE, None)
        # A thread that still runs may write a file while the others are deleted; under the old name it finds no folder.
        with suppress(OSError):
            folder.rename(unlocked)
        shutil.rmtree(unlocked, ignore_errors=True)
        lock.release()


def delete_abandoned(base: Path, own: Path) -> None:
    """Delete the folders of servers that were killed: this user's folders in `base` that nobody has locked."""
    owner = own.stat().st_uid
    for folder in (*base.glob(f"{PREFIX}*"), *base.glob(f".{PREFIX}*")):
        with suppress(OSError, Timeout):
            status = folder.lstat()
            if folder == own or not stat.S_ISDIR(status.st_mode) or status.st_uid != owner:
                continue
            if folder.name.startswith(".") and time.time() - status.st_mtime < START_SECONDS:
                continue
            with FileLock(folder / LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
