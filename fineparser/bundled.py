"""Files that come with the package: weights, the exemplar bank, example clips, the viewer's scripts and styles."""

from importlib.resources import files
from pathlib import Path

FOLDERS = ("assets", "checkpoints")


def bundled(name: str) -> Path:
    """Path of a bundled file or folder, such as "assets/examples" or "checkpoints/fineparser-compact".

    In an installed package the folders are inside it; in a clone of the repository they are beside it.

    Raises:
        ValueError: for a name outside the bundled folders.
    """
    folder = name.split("/")[0]
    if folder not in FOLDERS or ".." in name.split("/"):
        raise ValueError(f"bundled files are in {' and '.join(FOLDERS)}, not in {name!r}")
    package = Path(str(files("fineparser")))
    installed = package / name
    return installed if (package / folder).is_dir() else package.parent / name
