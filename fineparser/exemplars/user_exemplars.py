"""User exemplars: scored dives that a user added, with clips on disk, encoded by the weights in use.

The folder is `$FINEPARSER_HOME/exemplars`, by default `~/.fineparser/exemplars`:

    dives.json                  dives and scores: the only file that cannot be made again
    clips/<id>.mp4              the trimmed clips, H.264: shown beside a dive, and encoded by new weights
    encodings/<fingerprint>-<version>.safetensors
                                bank of one set of weights; made again from the clips when missing
    adding/<id>/                a clip on its way, with a lock that its process holds
    lock                        held while a file is replaced

Each set of weights has an encodings file of its own; those of an earlier version are made again, once. Several sessions
may write at once: each change is applied, under the lock, to what is on disk then, and files are replaced atomically. A
process that is killed leaves at most files that the list does not name; whoever takes the lock next removes them.
"""

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import cv2
from filelock import FileLock, Timeout

from fineparser.atomic import atomic_write_text
from fineparser.domain.clip_geometry import sample_frames
from fineparser.exemplars.exemplar import (
    USER_DIVES,
    Exemplar,
    ExemplarClip,
    FileFrames,
    ScoredDive,
    clip_digest,
    exemplars_from_json,
)
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank
from fineparser.model.protocol import Encoding
from fineparser.plain_values import excerpt, read_json
from fineparser.progress import Progress, no_progress, progress_between
from fineparser.quality_warning import QualityWarning
from fineparser.video.info import VideoError, VideoInfo
from fineparser.video.reader import reopen
from fineparser.video.writer import VideoSink

HOME_VARIABLE = "FINEPARSER_HOME"
MAX_EXEMPLARS = 500
"""Exemplars in a folder."""
ENCODINGS_VERSION = 2
"""Version of what an encoding contains, evidence included; a change of it makes every user's encodings again."""
LOCK_SECONDS = 30.0
LOCK_FILE = "lock"
ADDING_FOLDER = "adding"

MAX_CLIP_LINES = 720
"""Shorter side of a stored clip, pixels: the network takes 224 lines of the crop, and a tablet shows no more."""
CLIP_QUALITY = 20
KEYFRAME_EVERY = 8


def user_folder() -> Path:
    """Folder of the user's data: the environment variable `FINEPARSER_HOME`, or ~/.fineparser."""
    folder = os.environ.get(HOME_VARIABLE, "").strip()
    return Path(folder) if folder else Path.home() / ".fineparser"


@dataclass(frozen=True)
class ClipSection:
    """The part of a clip that shows the dive."""

    info: VideoInfo
    """The whole clip."""
    first: int
    last: int
    """Source frame numbers of the first and the last frame."""
    warnings: tuple[QualityWarning, ...] = ()
    """About the clip."""


class ExemplarEncoder(Protocol):
    """The weights in use, as `fineparser.analysis.analyser.DiveAnalyser` offers them."""

    def fingerprint(self) -> str:
        """Fingerprint of the weights."""

    def find_dive(
        self, clip: str | Path, first: int | None = None, last: int | None = None, progress: Progress = no_progress
    ) -> ClipSection:
        """The part of a clip that shows the dive; `first` and `last` override it."""

    def encode_clip(self, clip: Path, first: int, last: int, height: float | None = None) -> Encoding:
        """Encoding of the frames `first` to `last` of a clip, on the CPU, with its evidence; `height` in metres of the
        board."""


class UserExemplars:
    """The exemplars in one folder, which is created when the first is added."""

    def __init__(self, folder: str | Path | None = None, max_exemplars: int = MAX_EXEMPLARS) -> None:
        """`folder` None: "exemplars" in `user_folder`."""
        self.folder = user_folder() / "exemplars" if folder is None else Path(folder)
        self.max_exemplars = max_exemplars

    def dives(self) -> tuple[Exemplar, ...]:
        """All exemplars, the oldest first.

        Raises:
            BankError: for a broken list.
        """
        try:
            return exemplars_from_json(read_json(self._index).get("exemplars"), self._clips)
        except FileNotFoundError:
            return ()
        except ValueError as error:
            raise BankError(
                f"the list of your exemplars, {self._index}, is broken ({error}): repair it, or move the folder "
                f"{self.folder} away. The clips in {self._clips} are untouched."
            ) from error

    def add(
        self,
        encoder: ExemplarEncoder,
        clip: str | Path,
        dive: ScoredDive,
        *,
        first: int | None = None,
        last: int | None = None,
        name: str | None = None,
        progress: Progress = no_progress,
    ) -> tuple[Exemplar, tuple[QualityWarning, ...]]:
        """Add a scored dive; return its exemplar and the warnings about its clip.

        Args:
            encoder: the weights in use.
            clip: video file or folder of frames; a trimmed copy is stored.
            dive: the dive and its score.
            first, last: first and last frame of the dive; None: as the encoder finds them.
            name: shown to the user; None: the name of the clip.
            progress: of the steps.

        Raises:
            VideoError: for a clip that cannot be used.
            BankError: for a full or broken folder, or one that another session keeps locked.
        """
        self._check_room(self.dives())
        section = encoder.find_dive(clip, first, last, progress=progress_between(progress, 0.0, 0.4))
        spec, token = dive.spec, secrets.token_hex(3)
        exemplar = Exemplar(
            id=f"own-{spec.code}-{spec.height:g}m-{token}",
            code=spec.code,
            height=spec.height,
            difficulty=spec.difficulty,
            score=dive.score,
            source=USER_DIVES,
            name=name or Path(clip).name,
            awards=dive.awards,
            standard=dive.standard,
        )
        progress("Saving the clip", 0.4)
        with self._adding(exemplar.id) as folder:
            clip_file = folder / f"{exemplar.id}.mp4"
            count = write_section(section, clip_file)
            progress("Encoding the dive", 0.7)
            exemplar = replace(
                exemplar,
                clip=ExemplarClip(clip_file, 0, 0, count - 1, count - 1),
                files=tuple(
                    FileFrames(digest, first, last)
                    for path, first, last in ((clip, section.first, section.last), (clip_file, 0, count - 1))
                    if (digest := clip_digest(path)) is not None
                ),
            )
            encoding = encode_user_exemplar(encoder, exemplar)
            exemplar = with_transitions(exemplar, encoding)
            with self._locked() as dives:
                self._check_room(dives)
                exemplar = self._move_clip(exemplar, dives)
                self._save_encodings(encoder, {exemplar.id: encoding}, (*dives, exemplar))
                self._save_index((*dives, exemplar))
        return exemplar, section.warnings

    def remove(self, exemplar_id: str) -> None:
        """Remove an exemplar and its clip.

        Raises:
            BankError: if there is none of this id.
        """
        if not self.folder.is_dir():
            raise BankError(f"there are no user exemplars in {self.folder}")
        with self._locked() as dives:
            others = tuple(one for one in dives if one.id != exemplar_id)
            if len(others) == len(dives):
                raise BankError(f"there is no user exemplar {excerpt(exemplar_id)}: it may have been removed already")
            self._save_index(others)
            for removed in dives:
                if removed.id == exemplar_id and removed.clip is not None:
                    removed.clip.path.unlink(missing_ok=True)

    def bank(
        self, encoder: ExemplarEncoder, progress: Progress = no_progress
    ) -> tuple[ExemplarBank | None, tuple[QualityWarning, ...]]:
        """The exemplars as these weights encode them, and warnings; None if there are none.

        Exemplars that these weights have not encoded yet are encoded from their clips; one whose clip is missing or
        broken is left out.
        """
        dives = self.dives()
        if not dives:
            return None, ()
        encodings, warnings = self._encodings(encoder), []
        missing = [one for one in dives if one.id not in encodings]
        added: dict[str, Encoding] = {}
        for index, one in enumerate(missing):
            progress("Encoding your exemplars", index / len(missing))
            try:
                added[one.id] = encode_user_exemplar(encoder, one)
            except VideoError as error:
                values = {"id": one.id, "name": one.name, "reason": error.reason}
                warnings.append(QualityWarning("user_exemplar_unusable", values))
        if added:
            with self._locked() as current:
                self._save_encodings(encoder, added, current)
            warnings.append(QualityWarning("user_exemplars_encoded", {"count": len(added)}))
        encodings |= added
        encoded = [one for one in dives if one.id in encodings]
        if not encoded:
            return None, tuple(warnings)
        exemplars = tuple(with_transitions(one, encodings[one.id]) for one in encoded)
        joined = Encoding.concatenate([encodings[one.id] for one in encoded])
        return ExemplarBank(exemplars, joined, encoder.fingerprint(), USER_DIVES), tuple(warnings)

    @property
    def _index(self) -> Path:
        return self.folder / "dives.json"

    @property
    def _clips(self) -> Path:
        return self.folder / "clips"

    def _check_room(self, dives: tuple[Exemplar, ...]) -> None:
        if len(dives) >= self.max_exemplars:
            raise BankError(f"there are {len(dives)} user exemplars already, and no room for more: remove some first")

    @contextmanager
    def _locked(self) -> Iterator[tuple[Exemplar, ...]]:
        """Context with the lock; the dives of the list then."""
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / LOCK_FILE, timeout=LOCK_SECONDS):
                dives = self.dives()
                self._sweep(dives)
                yield dives
        except Timeout as error:
            raise BankError(f"another session is writing to {self.folder}: try again in a minute") from error

    @contextmanager
    def _adding(self, name: str) -> Iterator[Path]:
        """Context with a folder for a clip on its way; other processes leave it alone as long as this one lives."""
        folder = self.folder / ADDING_FOLDER / name
        lock = FileLock(folder / LOCK_FILE, timeout=LOCK_SECONDS)
        with self._locked():  # nobody sweeps before the folder's own lock is held
            folder.mkdir(parents=True)
            lock.acquire()
        try:
            yield folder
        finally:
            lock.release()
            shutil.rmtree(folder, ignore_errors=True)

    def _move_clip(self, exemplar: Exemplar, dives: tuple[Exemplar, ...]) -> Exemplar:
        """The exemplar with its clip among the others; the lock is held."""
        assert exemplar.clip is not None
        self._clips.mkdir(exist_ok=True)
        if not self._index.exists():  # with a list, a clip that it does not name can be told from one of a lost list
            self._save_index(dives)
        target = self._clips / exemplar.clip.path.name
        os.replace(exemplar.clip.path, target)
        return replace(exemplar, clip=replace(exemplar.clip, path=target))

    def _sweep(self, dives: tuple[Exemplar, ...]) -> None:
        """Remove what killed processes and earlier versions left; the lock is held.

        Raises:
            BankError: where there are clips but no list: it may have been moved away, and is not written over.
        """
        for folder in self.folder.glob(f"{ADDING_FOLDER}/*"):
            with suppress(Timeout):  # its process lives
                with FileLock(folder / LOCK_FILE, timeout=0):
                    pass
                shutil.rmtree(folder, ignore_errors=True)
        named = {one.clip.path.name for one in dives if one.clip is not None}
        lost = [clip for clip in self._clips.glob("*.mp4") if clip.name not in named]
        if lost and not self._index.exists():
            raise BankError(
                f"there are clips in {self._clips}, but no list of them: put {self._index} back, or move the clips away"
            )
        unfinished = [*self.folder.glob(f".{self._index.stem}-*"), *self.folder.glob("encodings/.*")]
        encodings = self.folder.glob("encodings/*.safetensors")
        outdated = [path for path in encodings if not path.stem.endswith(f"-{ENCODINGS_VERSION}")]
        for path in (*lost, *unfinished, *outdated):
            path.unlink(missing_ok=True)

    def _save_index(self, dives: tuple[Exemplar, ...]) -> None:
        text = json.dumps({"exemplars": [one.to_json() for one in dives]}, indent=1, ensure_ascii=False) + "\n"
        atomic_write_text(self._index, text)

    def _encodings_file(self, encoder: ExemplarEncoder) -> Path:
        return self.folder / "encodings" / f"{encoder.fingerprint()}-{ENCODINGS_VERSION}.safetensors"

    def _encodings(self, encoder: ExemplarEncoder) -> dict[str, Encoding]:
        """Encodings on disk by exemplar; none from a missing or broken file, which is made again."""
        with suppress(BankError):
            bank = ExemplarBank.load(self._encodings_file(encoder), encoder.fingerprint())
            return {one.id: bank.encodings.select([index]) for index, one in enumerate(bank.exemplars)}
        return {}

    def _save_encodings(
        self, encoder: ExemplarEncoder, added: dict[str, Encoding], dives: tuple[Exemplar, ...]
    ) -> None:
        """Add to the encodings on disk; the lock is held."""
        encodings = self._encodings(encoder) | added
        encoded = tuple(replace(one, clip=None) for one in dives if one.id in encodings)
        if encoded:
            joined = Encoding.concatenate([encodings[one.id] for one in encoded])
            ExemplarBank(encoded, joined, encoder.fingerprint(), USER_DIVES).save(self._encodings_file(encoder))


def write_section(section: ClipSection, path: Path) -> int:
    """Write the frames of a section as H.264, atomically; return their number."""
    info = section.info
    scale = min(1.0, MAX_CLIP_LINES / min(info.width, info.height))
    width, height = (max(2, round(side * scale / 2) * 2) for side in (info.width, info.height))
    with (
        reopen(info) as source,
        VideoSink(path, info.fps, width, height, keyframe_every=KEYFRAME_EVERY, quality=CLIP_QUALITY) as sink,
    ):
        count = 0
        for _, frame in source.stream(section.first, section.last + 1):
            if (frame.shape[1], frame.shape[0]) != (width, height):
                frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
            sink.write(frame)
            count += 1
    return count


def encode_user_exemplar(encoder: ExemplarEncoder, exemplar: Exemplar) -> Encoding:
    """Encoding of a user exemplar from its stored clip.

    Raises:
        VideoError: for a missing or broken clip.
        ValueError: for an exemplar without a clip.
    """
    if exemplar.clip is None:
        raise ValueError(f"{exemplar.id} has no clip")
    return encoder.encode_clip(exemplar.clip.path, exemplar.clip.first, exemplar.clip.last, exemplar.height)


def with_transitions(exemplar: Exemplar, encoding: Encoding) -> Exemplar:
    """The exemplar, its clip with the transitions of its encoding."""
    if exemplar.clip is None:
        return exemplar
    numbers = sample_frames(exemplar.clip.first, exemplar.clip.last)
    flight, entry = (int(numbers[index]) for index in encoding.transitions[0])
    return replace(exemplar, clip=replace(exemplar.clip, flight=flight, entry=entry))
