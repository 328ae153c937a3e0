"""Where the Train tab keeps what it keeps, and what it may read.

$FINEPARSER_HOME/training/   by default ~/.fineparser/training
  clips/<name>/           collections of clips with their dives.csv
  jobs/<id>/              fine-tuning jobs, see fineparser/training/jobs.py
  starts/<fingerprint>/   weights that jobs start from and that are no job's
  in_use.json             which job's weights the Analyse tab uses, where it is not the bundled ones
FINEPARSER_DATA/<name>/   datasets on this machine that the page may offer: FineDiving, MTL-AQA, clip folders

The page passes names, never paths: a name is looked up among what is there.
"""

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from fineparser.exemplars.own_exemplars import home
from fineparser.data.sources import kind_of
from fineparser.model.fineparser import FineParser
from fineparser.training.jobs import Job, JobError, Jobs
from fineparser.training.runs import write_whole

DATA_VARIABLE = "FINEPARSER_DATA"
FOLDER = "training"
"""In the folder where a person's own things are kept."""
IN_USE_FILE = "in_use.json"


class WorkshopError(ValueError):
    """What was asked for is not there; the message says what is."""


@dataclass(frozen=True)
class Workshop:
    """The folders of the Train tab."""

    folder: Path
    data: Path | None = None
    """Datasets that the page may offer."""

    @classmethod
    def of_environment(cls) -> "Workshop":
        """As the environment says."""
        data = os.environ.get(DATA_VARIABLE)
        return cls(home() / FOLDER, Path(data) if data else None)

    @property
    def jobs(self) -> Jobs:
        """All fine-tuning jobs."""
        return Jobs(self.folder / "jobs")

    def collections(self) -> list[str]:
        """Names of the collections of clips, in order."""
        return _folders(self.folder / "clips")

    def collection(self, name: str) -> Path:
        """A collection's folder; WorkshopError where there is none of that name."""
        if name not in self.collections():
            raise WorkshopError(f"There is no collection {name!r} any more: choose another one.")
        return self.folder / "clips" / name

    def new_collection(self, name: str) -> Path:
        """The folder of a new or a known collection; WorkshopError for a name without letters or digits."""
        plain = re.sub(r"[^\w-]+", "-", name.strip()).strip("-_")[:60]
        if not plain:
            raise WorkshopError("Give the collection a name, such as 'Club 2026': reports will say it.")
        folder = self.folder / "clips" / plain
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def remove_collection(self, name: str) -> None:
        """Deletes a collection with its clips; WorkshopError while a job needs it."""
        folder = self.collection(name)
        for job in self.jobs:
            if job.is_alive and any(spec.endswith(f":{folder.resolve()}") for spec in job.settings["data"]):
                raise WorkshopError(f"{job.id} is using {name}: stop it first.")
        shutil.rmtree(folder)

    def datasets(self) -> dict[str, str]:
        """Datasets on this machine by name, each as `open_data` takes it."""
        if self.data is None:
            return {}
        kinds = {name: kind_of(self.data / name) for name in _folders(self.data)}
        return {name: f"{kind}:{(self.data / name).resolve()}" for name, kind in kinds.items() if kind}

    def start_of(self, model: FineParser) -> Path:
        """A checkpoint of a network that is no job's, written when it is first asked for."""
        folder = self.folder / "starts" / model.fingerprint()
        if not (folder / "config.json").is_file():  # written last
            model.save_pretrained(folder)
        return folder

    @property
    def in_use(self) -> tuple[Job, bool] | None:
        """The job whose weights are in use, and whether its dives vote as exemplars; None for the bundled weights."""
        try:
            values = json.loads((self.folder / IN_USE_FILE).read_text())
            return self.jobs[values["job"]], bool(values["own_exemplars"])
        except (OSError, ValueError, KeyError, TypeError, JobError):
            return None

    def note_in_use(self, job: Job | None, own_exemplars: bool = False) -> None:
        """Keeps for the next start which weights are in use."""
        if job is None:
            (self.folder / IN_USE_FILE).unlink(missing_ok=True)
        else:
            write_whole(self.folder / IN_USE_FILE, json.dumps({"job": job.id, "own_exemplars": own_exemplars}) + "\n")


def _folders(place: Path) -> list[str]:
    if not place.is_dir():
        return []
    return sorted(path.name for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))
