"""Which weights the page analyses with: those it started with, or fine-tuned ones with a bank of their own."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank
from fineparser.exemplars.graded_dives import graded_dive
from fineparser.exemplars.kept_clip import encode_kept
from fineparser.exemplars.simulated_exemplars import encode_frames
from fineparser.data.dives import Card, DataError
from fineparser.data.sources import open_data
from fineparser.data.transforms import crop, resize
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.training.jobs import Job
from fineparser.ui.analysis import Analysis
from fineparser.ui.workshop import Workshop
from fineparser.video.error import VideoError

Progress = Callable[[str, float], None]
MOST_OWN = 500
"""Own dives that become exemplars at most."""
BANK_FILES = {True: "bank-with-own-dives.safetensors", False: "bank.safetensors"}


class WeightsInUse:
    """Switches an `Analysis` between weights."""

    def __init__(self, analysis: Analysis, workshop: Workshop) -> None:
        self._analysis, self._workshop = analysis, workshop
        self._first = analysis.analyser
        """What the page started with."""
        self.job: Job | None = None
        """The job whose weights are in use; None for the first ones."""

    @property
    def name(self) -> str:
        """Of the weights in use, for people."""
        return self._analysis.analyser.model.provenance.name

    @property
    def first_name(self) -> str:
        """Of the weights that the page started with."""
        return self._first.model.provenance.name

    def start_checkpoint(self, job: Job | None) -> Path:
        """The checkpoint of a job's weights, or of the first ones; ValueError where the job has none yet."""
        if job is None:
            return self._workshop.start_of(self._first.model)
        if job.weights is None:
            raise ValueError(f"{job.id} has no weights yet: let it train first.")
        return job.weights

    def restore(self, progress: Progress = lambda step, done: None) -> None:
        """Goes back to the weights that were in use when the page was last served."""
        if found := self._workshop.in_use:
            self.use(*found, progress)

    def use(self, job: Job, own_exemplars: bool, progress: Progress) -> str:
        """Analyses with a job's weights from now on; returns what the exemplars are, in a sentence.

        Everything is made before anything is switched, so that whatever goes wrong leaves the page as it was.
        """
        progress("Loading the weights", 0.0)
        model = FineParser.from_pretrained(self.start_checkpoint(job))
        device = next(self._first.model.parameters()).device
        analyser = DiveAnalyser(model.to(device))
        analyser.dtype = self._first.dtype
        analyser.bank = self._bank(job, analyser, own_exemplars, progress)
        self._analysis.analyser = analyser
        self.job = job
        self._workshop.note_in_use(job, own_exemplars)
        bank = analyser.bank
        return "Exemplars are simulated for each report." if bank is None else f"{len(bank)} exemplars vote."

    def go_back(self) -> None:
        """Analyses with the first weights again."""
        self._analysis.analyser = self._first
        self.job = None
        self._workshop.note_in_use(None)

    def _bank(self, job: Job, analyser: DiveAnalyser, own_exemplars: bool, progress: Progress) -> ExemplarBank | None:
        """The bank as these weights encode it; kept beside them, so that it is encoded once."""
        kept = job.folder / BANK_FILES[own_exemplars]
        fingerprint = analyser.model.fingerprint()
        with suppress(BankError):  # not there yet, or the job has trained on since
            return self._with_clips(ExemplarBank.load(kept, fingerprint))
        own = own_bank(job, analyser.network, fingerprint, progress) if own_exemplars else None
        bank = self._first.bank
        if bank is not None:
            # A number that the own dives show is judged by them alone: two panels' scales do not mix.
            numbers = set() if own is None else {exemplar.code for exemplar in own.exemplars}
            for exemplar in bank.exemplars:
                if exemplar.code in numbers:
                    bank = bank.without(exemplar.id)
            if encodes_alike(analyser.model, self._first.model):
                bank = replace(bank, fingerprint=fingerprint, calibration=None)
            else:
                bank = encoded_anew(bank, analyser, progress)
        both = [one for one in (own, bank) if one is not None and len(one)]
        if not both:
            return None
        joined = both[0] if len(both) == 1 else both[0].join(both[1])
        joined.save(kept)
        return self._with_clips(joined)

    def _with_clips(self, bank: ExemplarBank) -> ExemplarBank:
        """The bank with the clips of the first bank, which show the same dives."""
        clips = {} if self._first.bank is None else {one.id: one.clip for one in self._first.bank.exemplars}
        return replace(bank, exemplars=tuple(replace(one, clip=clips.get(one.id)) for one in bank.exemplars))


def encoded_anew(bank: ExemplarBank, analyser: DiveAnalyser, progress: Progress) -> ExemplarBank | None:
    """A bank as other weights encode it: simulated dives are simulated again, recordings are read again.

    What can be had no more is left out; None where nothing is left.
    """
    exemplars, encodings = [], []
    for place, one in enumerate(bank.exemplars):
        progress("Encoding the exemplars", 0.5 + 0.5 * place / len(bank))
        if one.recipe is not None:
            dive = graded_dive(one.id, one.code, one.height, one.recipe, analyser.model.config.picture_size)
            encodings.append(encode_frames(analyser.network, dive.frames, dive.transitions))
        elif one.clip is not None:
            with suppress(VideoError):
                encodings.append(encode_kept(analyser, one)[1])
        exemplars += [one] * (len(encodings) - len(exemplars))
    if not exemplars:
        return None
    joined = ClipEncoding.concatenate(encodings)
    return ExemplarBank(tuple(exemplars), joined, analyser.model.fingerprint(), bank.name)


def encodes_alike(one: FineParser, other: FineParser) -> bool:
    """Whether two networks differ in the comparison of dives at most, so that they make the same encodings."""
    if one.config != other.config:
        return False
    compares = tuple(f"{name}." for name, module in one.named_children() if module in one.parts()["regression"])
    other_state = other.state_dict()
    return all(
        torch.equal(tensor.cpu(), other_state[name].cpu())
        for name, tensor in one.state_dict().items()
        if not name.startswith(compares)
    )


def own_bank(job: Job, network: FineParser, fingerprint: str, progress: Progress) -> ExemplarBank | None:
    """The scored dives that a job learnt from and was measured on as exemplars; None where there is none.

    Dives whose number or height is not known cannot be chosen, and broken ones are passed over.
    """
    options, dives = job.options, []
    for split in ("train", "validation"):
        try:
            source = open_data(
                options.data,
                split,
                seed=options.seed,
                validation=options.validation_share,
                skip_broken=True,
                detail=network.config.focus_detail,
            )
        except DataError:
            continue
        dives += [(source, index) for index in range(len(source)) if _can_vote(source.card(index))]
    exemplars, encodings = [], []
    for place, (source, index) in enumerate(dives[:MOST_OWN]):
        progress("Encoding your dives", 0.1 + 0.4 * place / len(dives[:MOST_OWN]))
        dive = source[index]
        numbers = dive.sample()
        try:
            frames = crop(resize(dive.read(numbers.tolist()), network.config.focus_detail))
        except DataError:
            continue
        encodings.append(encode_frames(network, frames, dive.transitions(numbers)))
        exemplars.append(
            Exemplar(f"{dive.source}/{dive.id}", dive.code, dive.height, dive.difficulty, dive.score, dive.source)
        )
    if not exemplars:
        return None
    return ExemplarBank(tuple(exemplars), ClipEncoding.concatenate(encodings), fingerprint, job.title)


def _can_vote(card: Card) -> bool:
    return card.is_scored and None not in (card.code, card.height, card.difficulty)
