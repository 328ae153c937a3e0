"""What goes wrong with a clip, said so that a person can mend it."""

from pathlib import Path


class VideoError(ValueError):
    """A clip that cannot be read or written: which file, why, and what to do.

    `path` is the file or folder, `reason` a sentence or two that reads on after its name.

    >>> print(VideoError("dive.mp4", "is empty (0 bytes). Record or copy it again."))
    dive.mp4: is empty (0 bytes). Record or copy it again.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(path, reason)
        self.path = Path(path)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"
