"""A person's own judged dives as exemplars: clips with scores on disk, encoded by whichever weights are in use.

The folder is `$FINEPARSER_HOME/exemplars`, by default `~/.fineparser/exemplars`:

    dives.json                          what was dived and what it was given: the truth
    clips/<id>.mp4                      the analysed part of each clip, H.264: shown beside a dive, and encoded anew
    encodings/<fingerprint>.safetensors a bank of one set of weights; can be thrown away, is made again from the clips
    lock                                held while one of the files is exchanged

Weights never meet another's encodings, for each have a file of their own. Several sessions may write at once: each
change is made under the lock to what is then on disk, and files are exchanged whole.
"""

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.exemplar import OWN, Exemplar, ExemplarClip
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank
from fineparser.exemplars.judged import Judged
from fineparser.exemplars.kept_clip import encode_kept, keep, with_phases
from fineparser.model.encoding import ClipEncoding
from fineparser.video.error import VideoError

HOME = "FINEPARSER_HOME"
MOST = 500
"""Own exemplars in a folder."""
LOCK_SECONDS = 30.0

Progress = Callable[[str, float], None]


def home() -> Path:
    """Where a person's own things are kept: the folder that the variable `FINEPARSER_HOME` names, or ~/.fineparser."""
    named = os.environ.get(HOME, "").strip()
    return Path(named) if named else Path.home() / ".fineparser"


class OwnExemplars:
    """The own dives in one folder; nothing is made on disk before something is added."""

    def __init__(self, folder: str | Path | None = None, most: int = MOST) -> None:
        """`folder` None: the person's own, see `home`."""
        self.folder = home() / "exemplars" if folder is None else Path(folder)
        self.most = most

    def dives(self) -> tuple[Exemplar, ...]:
        """All of them, the oldest first; BankError where the list is broken."""
        try:
            text = self._index.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as error:
            raise BankError(f"the list of your own dives, {self._index}, cannot be read: {error}") from error
        try:
            return tuple(Exemplar.from_json(values, self._clips) for values in json.loads(text)["exemplars"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BankError(
                f"the list of your own dives, {self._index}, is broken ({error}): mend it or move it away. "
                f"The clips in {self._clips} are untouched."
            ) from error

    def add(
        self,
        analyser: DiveAnalyser,
        clip: str | Path,
        judged: Judged,
        *,
        first: int | None = None,
        last: int | None = None,
        name: str | None = None,
        progress: Progress = lambda step, done: None,
    ) -> tuple[Exemplar, tuple[str, ...]]:
        """Makes an exemplar of a judged dive; gives it with what is doubtful about its clip, in sentences.

        Args:
            analyser: with the weights in use.
            clip: a video file or folder of frames; it is copied, not kept.
            judged: what was dived and given.
            first, last: frames between which the dive happens; None: as the analyser proposes.
            name: what it is called; None: the clip's name.
            progress: told the steps.

        Raises:
            VideoError: where the clip cannot be used.
            BankError: where the folder is full or broken, or another session does not let go of it.
        """
        self._check_room(self.dives())
        proposal = analyser.propose(clip, first, last, progress=lambda step, done: progress(step, 0.4 * done))
        dived, token = judged.dived, secrets.token_hex(3)
        exemplar = Exemplar(
            id=f"own-{dived.code}-{dived.height:g}m-{token}",
            code=dived.code,
            height=dived.height,
            difficulty=dived.difficulty,
            score=judged.score,
            source=OWN,
            name=name or Path(clip).name,
        )
        progress("Keeping the clip", 0.4)
        self._clips.mkdir(parents=True, exist_ok=True)
        kept = self._clips / f"{exemplar.id}.mp4"
        count = keep(proposal, kept)
        try:
            progress("Encoding the dive", 0.7)
            exemplar = replace(exemplar, clip=ExemplarClip(kept, 0, 0, count - 1, count - 1))
            exemplar, encoding = encode_kept(analyser, exemplar)
            with self._locked():
                known = self.dives()
                self._check_room(known)
                self._save_encodings(analyser, {exemplar.id: encoding}, (*known, exemplar))
                self._save_index((*known, exemplar))
        except BaseException:
            kept.unlink(missing_ok=True)
            raise
        return exemplar, proposal.warnings

    def remove(self, exemplar: str) -> None:
        """Takes an exemplar away, and its clip; BankError where there is none of this id."""
        with self._locked(must_exist=True):
            known = self.dives()
            left = tuple(one for one in known if one.id != exemplar)
            if len(left) == len(known):
                raise BankError(f"there is no own exemplar {exemplar!r}: it may have been removed already")
            self._save_index(left)
            for gone in known:
                if gone.id == exemplar and gone.clip is not None:
                    gone.clip.path.unlink(missing_ok=True)

    def bank(
        self, analyser: DiveAnalyser, progress: Progress = lambda step, done: None
    ) -> tuple[ExemplarBank | None, tuple[str, ...]]:
        """The own dives as these weights encode them, and what a person should know of it, in sentences.

        What the weights have not met is encoded from the clips that were kept; a dive whose clip is gone or broken is
        left out. None where there is no own dive.
        """
        dives = self.dives()
        if not dives:
            return None, ()
        known, remarks = self._encodings(analyser), []
        missing = [one for one in dives if one.id not in known]
        fresh: dict[str, ClipEncoding] = {}
        for place, one in enumerate(missing):
            progress("Encoding your own exemplars anew", place / len(missing))
            try:
                _, fresh[one.id] = encode_kept(analyser, one)
            except VideoError as error:
                remarks.append(f"Your exemplar {one.id} ({one.name}) does not vote: its clip {error.reason}")
        if fresh:
            with self._locked():
                self._save_encodings(analyser, fresh, self.dives())
            remarks.append(
                f"{len(fresh)} of your own exemplars {'was' if len(fresh) == 1 else 'were'} encoded for these weights."
            )
        known |= fresh
        here = [one for one in dives if one.id in known]
        if not here:
            return None, tuple(remarks)
        encodings = ClipEncoding.concatenate([known[one.id] for one in here])
        exemplars = tuple(with_phases(one, known[one.id]) for one in here)
        return ExemplarBank(exemplars, encodings, analyser.model.fingerprint(), OWN), tuple(remarks)

    @property
    def _index(self) -> Path:
        return self.folder / "dives.json"

    @property
    def _clips(self) -> Path:
        return self.folder / "clips"

    def _check_room(self, known: tuple[Exemplar, ...]) -> None:
        if len(known) >= self.most:
            raise BankError(f"there are {len(known)} own exemplars already, and no room for more: remove some first")

    @contextmanager
    def _locked(self, must_exist: bool = False) -> Iterator[None]:
        if must_exist and not self.folder.is_dir():
            raise BankError(f"there are no own exemplars in {self.folder}")
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.folder / "lock", timeout=LOCK_SECONDS):
                yield
        except Timeout as error:
            raise BankError(f"another session is writing to {self.folder}: try again in a minute") from error

    def _save_index(self, dives: tuple[Exemplar, ...]) -> None:
        text = json.dumps({"exemplars": [one.to_json() for one in dives]}, indent=1, ensure_ascii=False) + "\n"
        part = self._index.with_name(f".{self._index.name}.{secrets.token_hex(4)}")
        try:
            part.write_text(text, encoding="utf-8")
            os.replace(part, self._index)
        finally:
            part.unlink(missing_ok=True)

    def _encodings_file(self, analyser: DiveAnalyser) -> Path:
        return self.folder / "encodings" / f"{analyser.model.fingerprint()}.safetensors"

    def _encodings(self, analyser: DiveAnalyser) -> dict[str, ClipEncoding]:
        """What these weights have encoded; nothing where the file is missing or broken, for it is made again."""
        with suppress(BankError):
            bank = ExemplarBank.load(self._encodings_file(analyser), analyser.model.fingerprint())
            return {one.id: bank.encodings.select([place]) for place, one in enumerate(bank.exemplars)}
        return {}

    def _save_encodings(
        self, analyser: DiveAnalyser, fresh: dict[str, ClipEncoding], dives: tuple[Exemplar, ...]
    ) -> None:
        """Adds to what is on disk; the lock is held."""
        known = self._encodings(analyser) | fresh
        here = tuple(replace(one, clip=None) for one in dives if one.id in known)
        if here:
            encodings = ClipEncoding.concatenate([known[one.id] for one in here])
            bank = ExemplarBank(here, encodings, analyser.model.fingerprint(), OWN)
            bank.save(self._encodings_file(analyser))
