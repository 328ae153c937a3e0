"""Atomic writes: a reader finds the old file or the new one, each whole, never half of either."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Temporary file beside `path` that takes the place of `path` when the block ends well.

    The temporary file has the suffix of `path`, since encoders choose a format by it. If the block fails, `path` stays
    as it was and the temporary file is removed. Files are readable by everyone, as `open` makes them.

    Args:
        path: file to write; its folder must exist.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(descriptor)
    part = Path(name)
    try:
        yield part
        part.chmod(0o644)  # mkstemp and safetensors make files that only their owner reads
        with part.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def atomic_write(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file beside `path`, then put it in the place of `path`, see `atomic_path`.

    Args:
        path: file to write; its folder must exist.
        write: called once with the path of the temporary file.
    """
    with atomic_path(path) as part:
        write(part)


def atomic_write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically, see `atomic_write`."""
    atomic_write(path, lambda part: part.write_text(text, encoding="utf-8"))
