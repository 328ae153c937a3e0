"""The analyser: from a clip to a `DiveReport`."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from fineparser.analysis.auto_trim import TrimPredictors, TrimProposal, propose_trim
from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.crop_choice import CENTRE, CropChoice
from fineparser.analysis.dive_evidence import DiveEvidence, PhasePrediction
from fineparser.analysis.dive_number_check import check_dive_number
from fineparser.analysis.dive_observation import DiveObserver
from fineparser.analysis.dive_segments import DiveSegment, best_dive, dive_of_number, find_dives
from fineparser.analysis.quality_checks import check_clip, check_flight_time, check_predictions
from fineparser.analysis.report import DiveReport, Transition, WeightsSummary
from fineparser.bundled import bundled
from fineparser.data.clip_input import network_input
from fineparser.domain.difficulty import parse_height
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import COUNTED_AWARDS
from fineparser.domain.rules import ARMSTAND_GROUP
from fineparser.domain.standards import Standard
from fineparser.exemplars.exemplar import SIMULATED, DiveSpec, clip_digest, non_simulated_sources
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank
from fineparser.exemplars.selection import EXEMPLAR_COUNT, ExemplarSelection
from fineparser.exemplars.user_exemplars import ClipSection
from fineparser.exemplars.voting_result import ScoreEstimate, VotingResult, comparison_exemplars, vote_on_dive
from fineparser.model.checkpoint import PretrainedNetwork, load_network
from fineparser.model.config import CompactConfig
from fineparser.model.cpu.optimisation import optimise
from fineparser.model.precision import dtype_of
from fineparser.model.protocol import ClipInput, Diagnostics, Encoding, normalise, transition_confidence
from fineparser.model.temporal_action_parser import decode_transitions
from fineparser.progress import Progress, no_progress, progress_between
from fineparser.quality_warning import QualityWarning
from fineparser.scoring.award_model import AwardModel
from fineparser.scoring.evidence import evidence_of, fault_quantities
from fineparser.scoring.judge import judge_dive
from fineparser.scoring.judge_calibration import MIN_SCORED_DIVES, JudgeCalibration, calibration_dives
from fineparser.scoring.judgement import Judgement
from fineparser.video.clip import Clip
from fineparser.video.framing import Framing
from fineparser.video.info import VideoInfo
from fineparser.video.limits import Limits

BUNDLED_WEIGHTS = bundled("checkpoints/fineparser-compact")
BUNDLED_BANK = bundled("assets/exemplar_bank.safetensors")


@dataclass(frozen=True, kw_only=True)
class AnalysisOptions:
    """Options of an analysis; the defaults trim and crop automatically and let the analyser's bank vote."""

    difficulty: float | None = None
    """Degree of difficulty; None: from the table."""
    first: int | None = None
    """Source frame number of the first frame; None: proposed."""
    last: int | None = None
    """Source frame number of the last frame; None: proposed."""
    crop: Framing | str | None = None
    """Crop of the frames; None: around the diver; "centre": the centre, as the published loader crops."""
    dive: int | None = None
    """Number of the dive in a recording of several, from 1 on; None: the live dive with the highest confidence."""
    proposal: TrimProposal | None = None
    """Trim and crop of this clip as `DiveAnalyser.propose` made them or a user changed them; replaces `first`, `last`,
    `crop` and `dive`."""
    standard: Standard | None = None
    """Standard of competition whose judges the score is for; None: not known, all are covered."""
    force: bool = False
    """Score the clip even if it does not show a complete dive."""
    selection: ExemplarSelection | None = None
    """The exemplars that may vote; None: the analyser's bank."""
    exemplars: int = EXEMPLAR_COUNT
    """Number of exemplars that vote."""
    seed: int = 0
    """Of the choice of exemplars."""
    limits: Limits | None = None
    """Of the clip's length and size; None: the defaults."""


DEFAULT_OPTIONS = AnalysisOptions()


class DiveAnalyser:
    """Analyses clips with one network and one exemplar bank.

    An analysis makes two passes over a clip: one without the network, for cuts and motion, which gives the trim; and
    one over the 96 sampled frames. The network runs twice as well: on 16-frame windows of the whole frame to place the
    crop (and once more on that crop for the transitions that tighten the trim), then on the final clip.

    >>> DiveAnalyser.from_pretrained().analyse("clip.mp4", code="207C", height=10)  # doctest: +SKIP
    """

    def __init__(
        self,
        model: PretrainedNetwork,
        bank: ExemplarBank | None = None,
        precision: str = "float32",
        bank_warning: QualityWarning | None = None,
    ) -> None:
        """Put a network in evaluation mode and prepare an inference copy of it on first use.

        Args:
            model: the network.
            bank: exemplars that this network encoded.
            precision: "float32", "bf16" or "auto".
            bank_warning: the reason why there is no bank, for every report.

        Raises:
            ValueError: for an unknown or unavailable precision.
        """
        self.model = model.eval()
        self.bank = bank
        self.bank_warning = bank_warning
        self.dtype = dtype_of(precision, model.device)

    @cached_property
    def network(self) -> PretrainedNetwork:
        """Inference copy of `model`: the same numbers in a fraction of the time.

        Created on first use, since a Space that lends its GPU has none before.
        """
        return optimise(self.model, self.dtype)

    @cached_property
    def award_model(self) -> AwardModel:
        """Model of the awards, for weights that judge measurements."""
        return AwardModel.load()

    def prepare(self) -> None:
        """Create the inference copy now rather than in the first analysis."""
        _ = self.network

    @classmethod
    def from_pretrained(
        cls,
        checkpoint: str | Path = "default",
        bank: str | Path | None = None,
        device: str = "cpu",
        revision: str | None = None,
        precision: str = "float32",
    ) -> "DiveAnalyser":
        """Load weights and an exemplar bank.

        Args:
            checkpoint: a folder, a Hugging Face id, or "default" for the bundled weights.
            bank: file of exemplars that these weights encoded; None: the bundled one with the bundled weights, none
                with others. If the bundled one does not fit, reports say so and exemplars are simulated.
            device: "cpu", "cuda", ...
            revision: of a Hugging Face repository.
            precision: "float32"; "bf16", which changes scores slightly, if processor or GPU support it; "auto": bf16
                if supported.

        Raises:
            CheckpointError, BankError: if the weights or the bank are missing or cannot be used.
            ValueError: for an unknown or unavailable precision.
        """
        model = load_network(BUNDLED_WEIGHTS if checkpoint == "default" else checkpoint, revision)
        exemplars = warning = None
        if bank is not None:
            exemplars = ExemplarBank.load(bank, model.fingerprint(), model.config)
        elif checkpoint == "default" and BUNDLED_BANK.is_file():
            try:
                exemplars = ExemplarBank.load(BUNDLED_BANK, model.fingerprint(), model.config)
            except BankError as error:
                warning = QualityWarning("bank_unusable", {"reason": str(error)})
        return cls(model.to(device), exemplars, precision, warning)

    def analyse(
        self,
        clip: str | Path,
        code: DiveCode | str | None = None,
        height: float | str | None = None,
        options: AnalysisOptions = DEFAULT_OPTIONS,
        *,
        progress: Progress = no_progress,
    ) -> DiveReport:
        """Analyse one clip.

        Args:
            clip: a video file or a folder of numbered frames.
            code: dive number, such as "207C"; without it or a height the report has masks and transitions only.
            height: of the board or platform in metres: 1, 3, 5, 7.5 or 10.
            options: trim, crop and exemplars.
            progress: called before each stage.

        Raises:
            VideoError: for a clip that cannot be used.
            ValueError: for an impossible dive, frames outside the clip, or fewer exemplars than one.
        """
        if options.exemplars < 1:
            raise ValueError(f"at least one exemplar must vote, not {options.exemplars}")
        spec = DiveSpec.from_input(code, height, options.difficulty)
        proposal = options.proposal
        if proposal is None:
            proposal = self.propose(
                clip,
                options.first,
                options.last,
                options.crop,
                dive=options.dive,
                limits=options.limits,
                progress=progress_between(progress, 0.0, 0.35),
            )
        progress("Reading the clip", 0.35)
        frames = self._read(proposal)
        progress("Finding diver and phases", 0.45)
        observer = self._observer(frames, proposal.scan, None if height is None else parse_height(height))
        with torch.inference_mode():
            encoding, diagnostics = self.network.encode_with_diagnostics(self._clip_input(frames), observer)
        query = encoding.to("cpu")
        transitions = None if observer is None else observer.transitions
        probabilities, errors = query.transition_probabilities.float(), (0.0, 0.0)
        if transitions is not None:
            probabilities, errors = torch.from_numpy(transitions.probabilities).float()[None], transitions.errors
        masks = diagnostics.masks[0].float().cpu().numpy()
        flight, entry = _transitions(frames, query.transitions, probabilities)
        evidence = self._evidence(proposal, masks, query, diagnostics)
        no_score = () if evidence is None or spec is None else evidence.no_score
        missing_phases = () if evidence is None else evidence.missing_phases
        kinematics = None
        if observer is not None:
            is_dive = evidence is None or evidence.shows_fall
            kinematics = observer.measure(query.transition_probabilities, diagnostics, missing_phases, is_dive=is_dive)
        voting, judgement, calibration = VotingResult(), None, None
        if spec is not None and (options.force or not no_score):
            progress("Judging the dive", 0.7)
            selection = options.selection or ExemplarSelection(bank=self.bank)
            selection = replace(selection, count=options.exemplars, seed=options.seed)
            if selection.bank is not None and any(one.files for one in selection.bank.exemplars):
                # No dive judges itself.
                digest = clip_digest(proposal.scan.info.path)
                others = selection.bank.without_clip(digest, proposal.first, proposal.last)
                selection = replace(selection, bank=others)
            if kinematics is not None and self.judges_measurements:
                calibration = self._judge_calibration(selection.bank, options.standard)
                judgement = judge_dive(
                    self.award_model,
                    evidence_of(kinematics),
                    fault_quantities(kinematics),
                    spec,
                    standard=options.standard,
                    calibration=calibration,
                    missing_phases=missing_phases,
                )
                voting = _judgement_result(judgement, spec, self.network, selection)
            else:
                voting = vote_on_dive(self.network, query, spec, selection, missing_phases)
        number_warnings: list[QualityWarning] = []
        if evidence is not None and spec is not None and not no_score and not missing_phases:
            number_warnings = self._number_warnings(spec, observer, query, diagnostics)
        flight_warnings = self._flight_warnings(spec, frames.info, flight, entry)
        if any(warning.code == "number_height" for warning in number_warnings):
            # It says the same with what was seen.
            flight_warnings = [warning for warning in flight_warnings if warning.code != "flight_too_short"]
        progress("Writing the report", 0.95)
        return DiveReport(
            info=frames.info,
            first_frame=proposal.first,
            last_frame=proposal.last,
            cuts=proposal.scan.cuts,
            dive_code=None if spec is None else str(spec.code),
            dive_name=None if spec is None else spec.code.name,
            height=None if spec is None else spec.height,
            difficulty=None if spec is None else spec.difficulty,
            difficulty_source=None if spec is None else spec.difficulty_source,
            total=voting.total,
            execution=voting.execution,
            breakdown=voting.breakdown,
            votes=voting.votes,
            exemplar=voting.exemplar,
            interval_basis=voting.interval_basis,
            flight=flight,
            entry=entry,
            weights=self._weights_summary(voting, calibration),
            judge_calibration=calibration,
            judgement=judgement,
            no_score=no_score,
            is_forced=options.force and bool(no_score),
            missing_phases=missing_phases,
            dive=proposal.dive,
            dives=proposal.dives,
            warnings=(
                *proposal.warnings,
                *check_clip(frames.info, proposal.scan.cuts, proposal.first, proposal.last),
                *self._score_warnings(spec),
                *voting.warnings,
                *check_predictions(masks, flight, entry, errors),
                *flight_warnings,
                *number_warnings,
            ),
            frame_numbers=frames.frame_numbers,
            framing=frames.framing,
            mask_probability=masks,
            transition_probabilities=probabilities[0].numpy(),
            kinematics=kinematics,
        )

    def propose(
        self,
        clip: str | Path | ClipScan,
        first: int | None = None,
        last: int | None = None,
        crop: Framing | str | None = None,
        *,
        dive: int | None = None,
        limits: Limits | None = None,
        progress: Progress = no_progress,
    ) -> TrimProposal:
        """Propose trim and crop of a clip, for a user to check and change.

        Args:
            clip: a file or folder, or the scan of one.
            first, last, crop, dive, limits: see `AnalysisOptions`.
            progress: called before each stage.

        Raises:
            VideoError: for a clip that cannot be used.
            ValueError: for an unknown crop, or a dive that the recording does not have.
        """
        scan, choice = self._scan(clip, limits, progress), None
        if isinstance(crop, str) and crop != CENTRE:
            raise ValueError(f"the crop is {CENTRE!r}, boxes, or None for the diver's, not {crop!r}")
        if crop is not None:
            choice = CropChoice.centre(scan.info) if isinstance(crop, str) else CropChoice.from_framing(crop, scan.info)
        if first is None and last is None:
            segments = self._find_dives(scan, choice, progress)
            segment = best_dive(segments) if dive is None else dive_of_number(segments, dive)
            if segment is not None:
                return segment.proposal
        elif dive is not None:
            raise ValueError("give the number of a dive or its first and last frame, not both")
        return propose_trim(scan, first, last, choice, predict_masks=self._predictors.masks)

    def propose_by_motion(self, scan: ClipScan) -> TrimProposal:
        """Trim and crop of a clip in which no dive was found, around the steepest fall in its motion.

        Raises:
            VideoError: for a clip that cannot be read any more.
        """
        return propose_trim(scan, predict_masks=self._predictors.masks)

    def find_dives(
        self, clip: str | Path | ClipScan, *, limits: Limits | None = None, progress: Progress = no_progress
    ) -> tuple[DiveSegment, ...]:
        """Find every dive of a recording, in order of time; none with untrained weights.

        Args:
            clip: a file or folder, or the scan of one.
            limits: see `AnalysisOptions`.
            progress: called before each stage.

        Raises:
            VideoError: for a clip that cannot be used.
        """
        return self._find_dives(self._scan(clip, limits, progress), None, progress)

    def _find_dives(self, scan: ClipScan, crop: CropChoice | None, progress: Progress) -> tuple[DiveSegment, ...]:
        progress("Looking for dives", 0.5)
        return find_dives(scan, crop, predictors=self._predictors, progress=progress_between(progress, 0.5, 1.0))

    @staticmethod
    def _scan(clip: str | Path | ClipScan, limits: Limits | None, progress: Progress) -> ClipScan:
        if isinstance(clip, ClipScan):
            return clip
        progress("Scanning the clip", 0.0)
        return ClipScan.from_file(clip, limits)

    @cached_property
    def _predictors(self) -> TrimPredictors:
        if not self.model.provenance.trained:
            return TrimPredictors()
        return TrimPredictors(masks=self._predict_masks, transitions=self._predict_transitions)

    def _evidence(
        self, proposal: TrimProposal, masks: np.ndarray, query: Encoding, diagnostics: Diagnostics
    ) -> DiveEvidence | None:
        """Evidence for a dive in the analysed frames; None with untrained weights."""
        if not self.model.provenance.trained:
            return None
        probabilities, transitions = query.transition_probabilities, query.transitions
        if isinstance(self.model.config, CompactConfig):
            # By the parser that searched for the dive, and without the physics that decoded the transitions.
            if diagnostics.parser_probabilities is not None:
                probabilities = diagnostics.parser_probabilities.cpu()
            transitions = decode_transitions(probabilities, self.model.config.transition_rule)
        prediction = _phase_prediction(probabilities, transitions, masks)
        return DiveEvidence.from_prediction(prediction, proposal.scan, proposal.crop, proposal.frame_numbers)

    def fingerprint(self) -> str:
        """Fingerprint of the weights."""
        return self.model.fingerprint()

    def find_dive(
        self, clip: str | Path, first: int | None = None, last: int | None = None, progress: Progress = no_progress
    ) -> ClipSection:
        """The part of a clip that shows the dive, see `propose`."""
        proposal = self.propose(clip, first, last, progress=progress)
        return ClipSection(proposal.scan.info, proposal.first, proposal.last, proposal.warnings)

    def encode_clip(self, clip: Path, first: int, last: int, height: float | None = None) -> Encoding:
        """Encoding of the frames `first` to `last` of a clip in the proposed crop, on the CPU, with its evidence.

        Args:
            clip: a file or folder.
            first, last: source frame numbers.
            height: of the board in metres; None: not known.
        """
        proposal = self.propose(clip, first, last)
        frames = self._read(proposal)
        observer = self._observer(frames, proposal.scan, height)
        with torch.inference_mode():
            if observer is None:
                return self.network.encode(self._clip_input(frames)).to("cpu")
            encoding, diagnostics = self.network.encode_with_diagnostics(self._clip_input(frames), observer)
        kinematics = observer.measure(encoding.transition_probabilities, diagnostics)
        return replace(encoding.to("cpu"), evidence=torch.from_numpy(evidence_of(kinematics))[None])

    @property
    def judges_measurements(self) -> bool:
        """True for weights that judge a dive by its measurements: those that know simulated judges alone.

        Weights that were trained on real scores have learned from real judges, and their exemplars vote.
        """
        provenance = self.model.provenance
        is_measured = provenance.trained and isinstance(self.model.config, CompactConfig)
        return is_measured and not non_simulated_sources(provenance.trained_on)

    def _judge_calibration(self, bank: ExemplarBank | None, standard: Standard | None) -> JudgeCalibration | None:
        """Calibration to the judges of the real dives of a bank; None with too few."""
        if bank is None:
            return None
        _, dives = calibration_dives(bank, standard, self.award_model)
        if len(dives) < MIN_SCORED_DIVES:
            return None
        return JudgeCalibration.from_dives(dives, self.award_model)

    def _read(self, proposal: TrimProposal) -> Clip:
        return proposal.read(self.model.config.input_size)

    def _clip_input(self, clip: Clip) -> ClipInput:
        """The frames and their camera motion as input of the network, a batch of one."""
        return network_input(self.network, _normalised(clip)).to(self.network.device)

    def _observer(self, frames: Clip, scan: ClipScan, height: float | None = None) -> DiveObserver | None:
        """Observer of a clip; None for a network without keypoints, or untrained."""
        config = self.model.config
        if not isinstance(config, CompactConfig) or not self.model.provenance.trained:
            return None
        return DiveObserver(config, frames, scan, height)

    def _predict_masks(self, windows: np.ndarray) -> np.ndarray:
        """Mask probabilities [B, 16, 112, 112] of windows uint8 [B, 16, 112, 112, 3]."""
        network = self.network
        # Directly, since `Network.predict_masks` takes whole clips and cuts its own windows.
        parser = network.get_submodule("spatial_action_parser")
        masks = []
        with torch.inference_mode():
            for window in windows:
                frames = normalise(window)[None].to(network.device, network.dtype, memory_format=torch.channels_last_3d)
                masks.append(parser(frames).float().sigmoid().cpu().numpy())
        return np.concatenate(masks)

    def _predict_transitions(self, proposal: TrimProposal) -> PhasePrediction:
        """Masks and transitions of the sampled frames."""
        # Without the camera motion, which transitions do not depend on.
        frames = ClipInput(_normalised(self._read(proposal))).to(self.network.device)
        with torch.inference_mode():
            prediction = self.network.predict_transitions(frames)
        masks = prediction.masks[0].float().cpu().numpy()
        return _phase_prediction(prediction.probabilities.cpu(), prediction.transitions.cpu(), masks)

    def _score_warnings(self, spec: DiveSpec | None) -> list[QualityWarning]:
        """Warnings about the weights, and reasons why there is no score or no bank."""
        warnings = []
        if not self.model.provenance.trained:
            warnings.append(QualityWarning("untrained_weights"))
        if spec is None:
            warnings.append(QualityWarning("no_dive_number"))
        elif self.bank_warning is not None:
            warnings.append(self.bank_warning)
        return warnings

    def _flight_warnings(
        self, spec: DiveSpec | None, info: VideoInfo, flight: Transition, entry: Transition
    ) -> list[QualityWarning]:
        if not self.model.provenance.trained:
            return []
        armstand = spec is not None and spec.code.group == ARMSTAND_GROUP
        flight, entry = (replace(one, seconds=info.capture_seconds(one.frame)) for one in (flight, entry))
        return check_flight_time(flight, entry, None if spec is None else spec.height, armstand=armstand)

    def _number_warnings(
        self,
        spec: DiveSpec,
        observer: DiveObserver | None,
        query: Encoding,
        diagnostics: Diagnostics,
    ) -> list[QualityWarning]:
        """Check the dive number and the height against the clip."""
        identified = None if observer is None else observer.identify(query.transition_probabilities, diagnostics)
        if identified is None:
            return []
        return check_dive_number(spec, *identified)

    def _weights_summary(self, voting: VotingResult, calibration: JudgeCalibration | None) -> WeightsSummary:
        provenance = self.model.provenance
        datasets = [
            *non_simulated_sources(provenance.trained_on),
            *sorted({vote.source for vote in voting.votes if vote.score is not None} - {SIMULATED}),
        ]
        if not provenance.trained:
            scale = QualityWarning("scale_untrained")
        elif calibration is not None:
            values = {"offset": round(calibration.offset, 3), "dives": calibration.dives}
            scale = QualityWarning("scale_judges", values)
        elif datasets:
            scale = QualityWarning("scale_real", {"datasets": ", ".join(datasets)})
        else:
            scale = QualityWarning("scale_simulated", {"min_dives": MIN_SCORED_DIVES})
        return WeightsSummary(provenance.name, provenance.trained_on, scale)


def _judgement_result(
    judgement: Judgement, spec: DiveSpec, network: PretrainedNetwork, selection: ExemplarSelection
) -> VotingResult:
    """Total and execution of a judgement, with the exemplars to show beside the dive."""
    execution = ScoreEstimate(*(COUNTED_AWARDS * award for award in (judgement.award, judgement.low, judgement.high)))
    total = ScoreEstimate(*(spec.difficulty * value for value in (execution.value, execution.low, execution.high)))
    beside = comparison_exemplars(network, spec, selection, total.value)
    return replace(beside, total=total, execution=execution)


def _normalised(clip: Clip) -> torch.Tensor:
    """The frames of a clip, normalised, [1, 3, 96, H, W]."""
    return normalise(clip.frames.transpose(1, 2, 3, 0))[None]


def _phase_prediction(probabilities: torch.Tensor, transitions: torch.Tensor, masks: np.ndarray) -> PhasePrediction:
    """Prediction for one clip from probabilities [1, 96, 2], transitions [1, 2] and masks [96, 112, 112]."""
    flight, entry = transitions[0].tolist()
    confidence = transition_confidence(probabilities.float(), transitions)[0].tolist()
    return PhasePrediction(
        masks=masks,
        probabilities=probabilities[0].float().numpy(),
        flight=flight,
        entry=entry,
        flight_confidence=confidence[0],
        entry_confidence=confidence[1],
    )


def _transitions(clip: Clip, transitions: torch.Tensor, probabilities: torch.Tensor) -> tuple[Transition, Transition]:
    """Start of the flight and of the entry in source frames, from transitions [1, 2] and their probabilities
    [1, 96, 2]."""
    flight, entry = (
        Transition(int(clip.frame_numbers[index]), clip.info.seconds(int(clip.frame_numbers[index])), confidence, index)
        for index, confidence in zip(
            transitions[0].tolist(), transition_confidence(probabilities, transitions)[0].tolist(), strict=True
        )
    )
    return flight, entry
