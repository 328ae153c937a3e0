"""Folders of the Train tab: what it stores, and the datasets that it may read.

$FINEPARSER_HOME/training/   by default ~/.fineparser/training
  clips/<name>/           collections of clips, each with its dives.csv
  jobs/<id>/              fine-tuning jobs, see fineparser/training/jobs
  starts/<fingerprint>/   weights that jobs start from and that no job trained
  in_use.json             the job whose weights the Analyse tab uses, if not the installed ones
FINEPARSER_DATA/<name>/   datasets on this machine that the page may offer: FineDiving, MTL-AQA, clip folders

The page passes names, never paths: a name is looked up in these folders.
"""

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from fineparser.atomic import atomic_write_text
from fineparser.data.sources import detect_kind
from fineparser.exemplars.user_exemplars import user_folder
from fineparser.model.protocol import Network
from fineparser.plain_values import excerpt, read_json
from fineparser.training.jobs.job_folder import Job, JobError, Jobs

DATA_VARIABLE = "FINEPARSER_DATA"
FOLDER = "training"
IN_USE_FILE = "in_use.json"
MAX_NAME_LENGTH = 60


class StorageError(ValueError):
    """A collection or dataset is missing or cannot be changed; the message says which."""


@dataclass(frozen=True)
class TrainingStorage:
    """The folders of the Train tab."""

    folder: Path
    data: Path | None = None
    """Folder of the datasets that the page may offer."""

    @classmethod
    def from_environment(cls) -> "TrainingStorage":
        """The folders that the environment names."""
        data = os.environ.get(DATA_VARIABLE)
        return cls(user_folder() / FOLDER, Path(data) if data else None)

    @property
    def jobs(self) -> Jobs:
        """All fine-tuning jobs."""
        return Jobs(self.folder / "jobs")

    def collections(self) -> list[str]:
        """Names of the collections of clips, in order."""
        return _folder_names(self.folder / "clips")

    def collection(self, name: str) -> Path:
        """Folder of a collection; StorageError if there is none of that name."""
        if name not in self.collections():
            raise StorageError(f"There is no collection {excerpt(name)}: choose another one.")
        return self.folder / "clips" / name

    def create_collection(self, name: str) -> Path:
        """Folder of a new or an existing collection; StorageError for a name without letters or digits."""
        plain = re.sub(r"[^\w-]+", "-", name.strip()).strip("-_")[:MAX_NAME_LENGTH]
        if not plain:
            raise StorageError(f"The name {excerpt(name)} has no letters: give another one, such as 'Club 2026'.")
        folder = self.folder / "clips" / plain
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def remove_collection(self, name: str) -> None:
        """Delete a collection with its clips; StorageError while a job uses it."""
        folder = self.collection(name)
        for job in self.jobs:
            if job.is_alive and any(spec.endswith(f":{folder.resolve()}") for spec in job.settings["data"]):
                raise StorageError(f"{job.id} is using {name}: stop it first.")
        shutil.rmtree(folder)

    def datasets(self) -> dict[str, str]:
        """Specifications for `open_data` of the datasets on this machine, by name."""
        if self.data is None:
            return {}
        kinds = {name: detect_kind(self.data / name) for name in _folder_names(self.data)}
        return {name: f"{kind}:{(self.data / name).resolve()}" for name, kind in kinds.items() if kind}

    def starting_checkpoint(self, model: Network) -> Path:
        """A checkpoint of a network that no job trained, written when it is asked for first."""
        folder = self.folder / "starts" / model.fingerprint()
        if not (folder / "config.json").is_file():  # the file that is written last
            model.save_pretrained(folder)
        return folder

    @property
    def active_job(self) -> tuple[Job, bool] | None:
        """The job whose weights are in use, and True if its dives vote; None for the installed weights."""
        try:
            values = read_json(self.folder / IN_USE_FILE)
            return self.jobs[values["job"]], bool(values["own_exemplars"])
        except (OSError, ValueError, KeyError, TypeError, JobError):
            return None

    def save_active_job(self, job: Job | None, own_exemplars: bool = False) -> None:
        """Store for the next start of the app which weights are in use; None for the installed ones."""
        if job is None:
            (self.folder / IN_USE_FILE).unlink(missing_ok=True)
        else:
            values = {"job": job.id, "own_exemplars": own_exemplars}
            atomic_write_text(self.folder / IN_USE_FILE, json.dumps(values) + "\n")


def _folder_names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
