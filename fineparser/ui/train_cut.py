"""The Train tab's clips cut to the diver, so that training sees what an analysis sees."""

import os
from collections.abc import Callable
from pathlib import Path

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.analysis.cut_clip import cut
from fineparser.data.clip_table import TABLE, read_rows, write_rows
from fineparser.data.dives import Dive, Problems
from fineparser.data.intake import clips_in

CUT, ORIGINALS = "cut", ".originals"
"""Folders of a collection: what was cut, and the clips that it was cut from."""

Progress = Callable[[str, float], None]


def cut_collection(folder: Path, dives: dict[str, Dive], analyser: DiveAnalyser, progress: Progress) -> int:
    """Cuts every dive of a collection that has no masks of its own; gives how many were cut.

    The table then names the cut frames, with the switches that it had; the clips themselves go to `.originals`, where
    nothing looks for dives. Dives with masks stay, for their masks belong to the whole picture.

    Args:
        folder: of the collection.
        dives: the usable dives of it, by id.
        analyser: proposes trim and window.
        progress: told each dive.

    Raises:
        VideoError, OSError: where a clip cannot be read or written; what was cut before stays cut.
    """
    table = read_rows(folder / TABLE, Problems(skip_broken=True))
    rows = [row for _, row in table]
    known = {dive.place.line: dive for dive in dives.values() if not dive.has_masks}
    todo = [
        (place, known[line])
        for place, (line, row) in enumerate(table)
        if line in known and not row["clip"].startswith(f"{CUT}/")
    ]
    for done, (place, dive) in enumerate(todo):
        progress(f"Cutting {dive.id}", done / len(todo))
        row = rows[place]
        given = [int(row[name]) if row[name] else None for name in ("start_frame", "end_frame")]
        proposal = analyser.propose(folder / row["clip"], *given)
        name = _free(folder / CUT, Path(row["clip"]).stem)
        (folder / CUT).mkdir(exist_ok=True)
        cut(proposal, folder / CUT / name)
        switches = _moved(dive, proposal.first, proposal.last)
        rows[place] = row | {"clip": f"{CUT}/{name}", "start_frame": "", "end_frame": ""} | switches
        write_rows(folder / TABLE, rows)
        _set_aside(folder, {one["clip"] for one in rows})
    return len(todo)


def _moved(dive: Dive, first: int, last: int) -> dict[str, str]:
    """The switches counted from the cut's first frame; none where one of them was cut away."""
    if dive.flight_frame is None or not first <= dive.flight_frame <= dive.entry_frame <= last:
        return {"flight_frame": "", "entry_frame": ""}
    return {"flight_frame": str(dive.flight_frame - first), "entry_frame": str(dive.entry_frame - first)}


def _free(folder: Path, stem: str) -> str:
    """A name that nothing in the folder has."""
    number, name = 1, stem
    while (folder / name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name


def _set_aside(folder: Path, named: set[str]) -> None:
    """Moves clips that no row names any more out of sight."""
    for clip in clips_in(folder):
        if clip not in named:
            target = folder / ORIGINALS / clip
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(folder / clip, target)
