"""The weights that the page analyses with: the installed ones, or fine-tuned ones with a bank of their own."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import gradio as gr
import torch

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.data.dives import Card, DataError, OnBroken, ReadOptions
from fineparser.data.sources import open_data
from fineparser.data.transforms import centre_crop, resize_frames
from fineparser.exemplars.exemplar import SIMULATOR_VERSION, Exemplar
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank, encode_frames
from fineparser.exemplars.user_exemplars import encode_user_exemplar
from fineparser.model.checkpoint import load_network
from fineparser.model.protocol import Encoding, Network
from fineparser.progress import Progress, no_progress
from fineparser.training.jobs.export import export_weights
from fineparser.training.jobs.job_folder import ACTIVE, Job, JobError
from fineparser.training.jobs.run_comparison import RunComparison, compare_run
from fineparser.ui.analysis_service import AnalysisService
from fineparser.ui.components import note_html, warning_html
from fineparser.ui.results_panel import html_table
from fineparser.ui.training_storage import TrainingStorage
from fineparser.video.info import VideoError

MAX_TRAINING_EXEMPLARS = 500
"""Training dives that become exemplars at most."""
BANK_FILE, BANK_FILE_WITH_DIVES = "bank.safetensors", "bank-with-own-dives.safetensors"
COMPARISON_PARAMETERS = "contrastive_regression."
"""Prefix of the parameters that compare encodings; all others make them."""


class ActiveWeights:
    """Switches an `AnalysisService` between weights."""

    def __init__(self, service: AnalysisService, storage: TrainingStorage) -> None:
        self._service, self._storage = service, storage
        self._installed = service.analyser
        self.job: Job | None = None
        """The job whose weights are in use; None for the installed ones."""

    @property
    def name(self) -> str:
        """Name of the weights in use."""
        return self._service.analyser.model.provenance.name

    @property
    def installed_name(self) -> str:
        """Name of the installed weights, with which the app started."""
        return self._installed.model.provenance.name

    def starting_checkpoint(self, job: Job | None) -> Path:
        """Checkpoint of a job's weights, None for the installed ones; ValueError if the job has none yet."""
        if job is None:
            return self._storage.starting_checkpoint(self._installed.model)
        if job.weights is None:
            raise ValueError(f"{job.id} has no weights yet: let it train first.")
        return job.weights

    def restore(self, progress: Progress = no_progress) -> None:
        """Go back to the weights that were in use when the app ran last."""
        if active := self._storage.active_job:
            job, own_exemplars = active
            self.use(job, own_exemplars, progress)

    def use(self, job: Job, own_exemplars: bool, progress: Progress) -> None:
        """Analyse with a job's weights from now on.

        Everything is prepared before anything is switched, so that an error leaves the page as it was.

        Args:
            job: with weights.
            own_exemplars: let the dives of the job vote.
            progress: of the steps.

        Raises:
            ValueError: if there are no weights yet, or they cannot be loaded.
        """
        progress("Loading the weights", 0.0)
        model = load_network(self.starting_checkpoint(job))
        analyser = DiveAnalyser(model.to(self._installed.model.device))
        analyser.dtype = self._installed.dtype
        analyser.bank = self._make_bank(job, analyser, own_exemplars, progress)
        self._service.analyser = analyser
        self.job = job
        self._storage.save_active_job(job, own_exemplars)

    def use_installed(self) -> None:
        """Analyse with the installed weights again."""
        self._service.analyser = self._installed
        self.job = None
        self._storage.save_active_job(None)

    def exemplar_note(self) -> str:
        """A sentence on the exemplars of the weights in use."""
        bank = self._service.analyser.bank
        return "Each report simulates its exemplars." if bank is None else f"{len(bank)} exemplars vote."

    def _make_bank(
        self, job: Job, analyser: DiveAnalyser, own_exemplars: bool, progress: Progress
    ) -> ExemplarBank | None:
        """The bank as these weights encode it, stored beside them."""
        path = job.folder / (BANK_FILE_WITH_DIVES if own_exemplars else BANK_FILE)
        fingerprint = analyser.model.fingerprint()
        with suppress(BankError):  # not stored yet, or the job has trained on since
            return self._with_clips(ExemplarBank.load(path, fingerprint, analyser.model.config))
        own = training_dives_bank(job, analyser, progress) if own_exemplars else None
        bank = self._installed.bank
        if bank is not None:
            # Of a number among the user exemplars only these vote: the scales of two panels do not mix.
            numbers = set() if own is None else {exemplar.code for exemplar in own.exemplars}
            for exemplar in bank.exemplars:
                if exemplar.code in numbers:
                    bank = bank.without(exemplar.id)
            if have_same_encodings(analyser.model, self._installed.model):
                bank = replace(bank, fingerprint=fingerprint, calibration=None)
            else:
                bank = encode_bank_again(bank, analyser, progress)
        banks = [one for one in (own, bank) if one is not None and len(one)]
        if not banks:
            return None
        joined = banks[0] if len(banks) == 1 else banks[0].join(banks[1])
        joined.save(path)
        return self._with_clips(joined)

    def _with_clips(self, bank: ExemplarBank) -> ExemplarBank:
        """The bank with the clips of the installed bank, which show the same dives."""
        installed = self._installed.bank
        clips = {} if installed is None else {one.id: one.clip for one in installed.exemplars}
        return replace(bank, exemplars=tuple(replace(one, clip=clips.get(one.id)) for one in bank.exemplars))


def encode_bank_again(bank: ExemplarBank, analyser: DiveAnalyser, progress: Progress) -> ExemplarBank | None:
    """A bank as other weights encode it, from simulations and stored clips.

    Exemplars that have neither are left out; None if none is left.
    """
    from fineparser.exemplars.simulated_exemplars import simulate_exemplar  # starts the simulator, only when needed

    exemplars: list[Exemplar] = []
    encodings: list[Encoding] = []
    for index, exemplar in enumerate(bank.exemplars):
        progress("Encoding the exemplars", 0.5 + 0.5 * index / len(bank))
        if exemplar.recipe is not None:
            recipe = replace(exemplar.recipe, simulator=SIMULATOR_VERSION)
            size = analyser.model.config.input_size
            dive = simulate_exemplar(exemplar.id, exemplar.code, exemplar.height, recipe, size)
            encodings.append(encode_frames(analyser.network, dive.frames, dive.transitions))
            # An earlier simulator's dive becomes another one, which its clip does not show.
            clip = exemplar.clip if exemplar.recipe.is_current else None
            exemplar = replace(dive.exemplar, clip=clip)
        elif exemplar.clip is not None:
            try:
                encodings.append(encode_user_exemplar(analyser, exemplar))
            except VideoError:
                continue
        else:
            continue
        exemplars.append(exemplar)
    if not exemplars:
        return None
    fingerprint = analyser.model.fingerprint()
    return ExemplarBank(tuple(exemplars), Encoding.concatenate(encodings), fingerprint, bank.name)


def have_same_encodings(one: Network, other: Network) -> bool:
    """True if two networks differ in the comparison of encodings at most."""
    if one.config != other.config:
        return False
    other_state = other.state_dict()
    return all(
        torch.equal(tensor.cpu(), other_state[name].cpu())
        for name, tensor in one.state_dict().items()
        if not name.startswith(COMPARISON_PARAMETERS)
    )


def training_dives_bank(job: Job, analyser: DiveAnalyser, progress: Progress) -> ExemplarBank | None:
    """The scored training and validation dives of a job as exemplars; None if there is none.

    Dives without number or height cannot be chosen and are left out, as broken ones are.
    """
    options, config = job.options, analyser.model.config
    read_options = ReadOptions(seed=options.seed, validation=options.validation_share, on_broken=OnBroken.SKIP)
    dives = []
    for split in ("train", "validation"):
        try:
            source = open_data(
                options.data,
                split,
                read_options,
                scale=config.input_scale,
            )
        except DataError:
            continue
        dives += [(source, index) for index in range(len(source)) if _can_vote(source.card(index))]
    exemplars, encodings = [], []
    dives = dives[:MAX_TRAINING_EXEMPLARS]
    for done, (source, index) in enumerate(dives):
        progress("Encoding your dives", 0.1 + 0.4 * done / len(dives))
        dive = source[index]
        if dive.code is None or dive.height is None or dive.difficulty is None or dive.score is None:
            continue
        numbers = dive.sample()
        try:
            frames = centre_crop(resize_frames(dive.read(numbers.tolist()), config.input_scale))
        except DataError:
            continue
        encodings.append(encode_frames(analyser.network, frames, dive.transitions(numbers)))
        exemplars.append(
            Exemplar(f"{dive.source}/{dive.id}", dive.code, dive.height, dive.difficulty, dive.score, dive.source)
        )
    if not exemplars:
        return None
    fingerprint = analyser.model.fingerprint()
    return ExemplarBank(tuple(exemplars), Encoding.concatenate(encodings), fingerprint, job.title)


def _can_vote(card: Card) -> bool:
    return card.is_scored and None not in (card.code, card.height, card.difficulty)


SMALL_CHANGE = 0.01
"""Relative change of the squared error that counts as none."""
NO_COMPARISON = "The comparison appears after the second validation of a run."


@dataclass(frozen=True, kw_only=True)
class TrainedWeightsPanel:
    """Components of the panel."""

    comparison: gr.HTML
    own_exemplars: gr.Checkbox
    use: gr.Button
    use_installed: gr.Button
    export: gr.Button
    download: gr.DownloadButton
    status: gr.HTML
    """The weights that the page uses."""


def add_trained_weights_panel(weights: ActiveWeights) -> TrainedWeightsPanel:
    """Add the panel to the page that is being built."""
    comparison = gr.HTML(elem_id="train-comparison", apply_default_css=False)
    own_exemplars = gr.Checkbox(
        True,
        label="These dives vote",
        info="They replace simulated exemplars of the same dive number.",
        elem_id="train-own",
    )
    with gr.Row():
        use = gr.Button("Use these weights", variant="primary", elem_id="train-use", min_width=160)
        use_installed = gr.Button("Use installed weights", elem_id="train-use-installed", min_width=160)
        export = gr.Button("Pack the weights", elem_id="train-export", min_width=160)
        download = gr.DownloadButton("Download weights", interactive=False, elem_id="train-download", min_width=160)
    status = gr.HTML(active_weights_html(weights), elem_id="train-active", apply_default_css=False)
    return TrainedWeightsPanel(
        comparison=comparison,
        own_exemplars=own_exemplars,
        use=use,
        use_installed=use_installed,
        export=export,
        download=download,
        status=status,
    )


def active_weights_html(weights: ActiveWeights, note: str = "") -> str:
    """The weights that the Analyse tab uses, and a note on them."""
    kind = "installed" if weights.job is None else "fine-tuned"
    return (
        f'<div class="fp-note" role="status">The Analyse tab uses <b>{escape(weights.name)}</b> ({kind}).'
        f"{' ' if note else ''}{escape(note)}</div>"
    )


def comparison_html(storage: TrainingStorage, name: str | None) -> str:
    """The validation dives before and after a run."""
    try:
        job = storage.jobs[name or ""]
    except JobError:
        return note_html(NO_COMPARISON)
    comparison = None if job.run is None else compare_run(job.run)
    if comparison is None:
        return note_html(NO_COMPARISON)
    rows = [
        [
            change.name,
            _with_interval(change.before, change.before_interval),
            _with_interval(change.after, change.after_interval),
            change.verdict if change.difference is not None else "",
        ]
        for change in comparison.changes
    ]
    so_far = " so far" if job.status.state in ACTIVE else ""
    checkpoint = "the last one" if comparison.start_is_best else "the best one"
    return (
        f'<p class="fp-lead">{escape(_headline(comparison))} Compared: the checkpoint of step {comparison.step}, '
        f"{checkpoint}{so_far}. 95% intervals in brackets.</p>"
        + html_table(["On the validation dives", "Before", "After", "Change"], rows)
        + "".join(map(warning_html, comparison.warnings))
    )


def _headline(comparison: RunComparison) -> str:
    if comparison.start_is_best:
        return "No step did better than the starting weights, so these are the result of the run."
    error = next((change for change in comparison.changes if change.name.startswith("Squared")), None)
    if error is None or not error.before:
        return "Before and after training."
    reduction = 1 - error.after / error.before
    if abs(reduction) < SMALL_CHANGE:
        return "The squared error of the scores has hardly changed."
    direction = "smaller" if reduction >= 0 else "larger"
    return f"The squared error of the scores is {abs(reduction):.0%} {direction} than before."


def _with_interval(value: float, interval: tuple[float, float] | None) -> str:
    return f"{value:.3f}" if interval is None else f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


@contextmanager
def exported_weights(storage: TrainingStorage, name: str | None) -> Iterator[Path]:
    """The weights of a run as a zip, deleted at the end of the context. ValueError if there are none."""
    job = storage.jobs[name or ""]
    with tempfile.TemporaryDirectory(prefix="fineparser-") as folder:
        yield export_weights(job, Path(folder))
