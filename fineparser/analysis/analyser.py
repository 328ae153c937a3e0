"""The analyser: a clip and its exemplars to a `DiveReport`."""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from fineparser.exemplars.dived import Dived
from fineparser.analysis.doubts import clip_doubts, finding_doubts, speed_doubts
from fineparser.exemplars.exemplar import recorded_sources
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank
from fineparser.analysis.proposal import Proposal, propose
from fineparser.analysis.report import BY_SIMULATED, DiveReport, Transition, WeightsUsed
from fineparser.exemplars.simulated_exemplars import SIMULATED
from fineparser.analysis.survey import Survey
from fineparser.exemplars.voting import Ballot, Voters, estimate
from fineparser.analysis.window import CENTRE, Window
from fineparser.domain.dive_code import DiveCode
from fineparser.model.config import FineParserConfig
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.model.inference import optimise
from fineparser.model.pictures import normalise
from fineparser.model.precision import dtype_of
from fineparser.model.switches import find_switches
from fineparser.video.clip import Clip
from fineparser.video.framing import Framing
from fineparser.video.limits import Limits
from fineparser.video.reading import open_source

BUNDLED_WEIGHTS = Path(__file__).parents[2] / "checkpoints" / "fineparser-compact"
BUNDLED_BANK = Path(__file__).parents[2] / "assets" / "exemplar_bank.safetensors"
EXEMPLARS = 10
"""Votes on a dive, as in the paper."""

Progress = Callable[[str, float], None]
"""Told the name of each step and how much of the work is done before it, 0 to 1."""


class DiveAnalyser:
    """Judges clips with one network and one bank; the network's state stays as it is.

    >>> DiveAnalyser.from_pretrained().analyse("clip.mp4", code="207C", height=10)  # doctest: +SKIP
    """

    def __init__(self, model: FineParser, bank: ExemplarBank | None = None, precision: str = "float32") -> None:
        device = next(model.parameters()).device
        self.model = model.eval()
        self.bank = bank
        self.bank_problem: str | None = None
        """Why the bundled bank is not used, in a sentence."""
        self.dtype = dtype_of(precision, device)

    @cached_property
    def network(self) -> FineParser:
        """The copy of `model` that does the work: the same numbers in a fraction of the time.

        Made when it is first wanted: a Space that lends its GPU has none before that.
        """
        return optimise(self.model, self.dtype)

    def prepare(self) -> None:
        """Does now what the first analysis would have to do before it begins."""
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
        """The analyser with the weights of a checkpoint.

        Args:
            checkpoint: a folder, a Hugging Face id, or "default" for those that come with the project; as long as
                there are none, a network that has learnt nothing, which every report says.
            bank: file of exemplars that these weights encoded; None: the bundled one, where it fits; where it does
                not, `bank_problem` says why, and exemplars are simulated for each report.
            device: "cpu", "cuda", ...
            revision: of a Hugging Face repository.
            precision: "float32"; "bf16", on which scores move a little, where the processor or GPU has it; "auto":
                bf16 where it is there.

        Raises:
            CheckpointError, BankError: where either cannot be used.
            ValueError: for a precision that is not known or not there.
        """
        if checkpoint == "default" and not BUNDLED_WEIGHTS.is_dir():
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                model = FineParser(FineParserConfig.compact())
        else:
            source = BUNDLED_WEIGHTS if checkpoint == "default" else checkpoint
            model = FineParser.from_pretrained(source, revision)
        known = problem = None
        if bank is not None:
            known = ExemplarBank.load(bank, model.fingerprint())
        elif checkpoint == "default" and BUNDLED_BANK.is_file():
            try:
                known = ExemplarBank.load(BUNDLED_BANK, model.fingerprint())
            except BankError as error:
                problem = f"The bundled exemplar bank cannot be used: {error}."
        analyser = cls(model.to(device), known, precision)
        analyser.bank_problem = problem
        return analyser

    def analyse(
        self,
        clip: str | Path,
        code: DiveCode | str | None = None,
        height: float | str | None = None,
        *,
        difficulty: float | None = None,
        first: int | None = None,
        last: int | None = None,
        framing: Framing | str | None = None,
        proposal: Proposal | None = None,
        voters: Voters | None = None,
        exemplars: int = EXEMPLARS,
        seed: int = 0,
        limits: Limits | None = None,
        progress: Progress = lambda step, done: None,
    ) -> DiveReport:
        """Everything found about one clip.

        Args:
            clip: a video file or a folder of numbered frames.
            code: the dive number, such as "207C"; without it, or without a height, masks and transitions only.
            height: of the board or platform in metres: 1, 3, 5, 7.5 or 10.
            difficulty: the user's own instead of the table's.
            first, last: source frame numbers between which the dive happens; None: as proposed, without long standing
                before and after it.
            framing: which part of the picture to look at; None: as proposed, around the diver; "centre": the middle,
                as the published loader crops.
            proposal: of this clip, as `propose` made it or the user changed it; trim and framing are taken from it.
            voters: the exemplars to compare with; None: the analyser's own bank.
            exemplars: how many of them vote.
            seed: of the choice of exemplars.
            limits: of the clip's length and size; None: the defaults.
            progress: told what is being done.

        Raises:
            VideoError: where the clip cannot be used.
            ValueError: for a dive that cannot be, frames outside the clip, or fewer exemplars than one.
        """
        if exemplars < 1:
            raise ValueError(f"at least one exemplar has to vote, not {exemplars}")
        dived = Dived.of(code, height, difficulty)
        if proposal is None:
            proposal = self.propose(clip, first, last, framing, limits=limits, progress=progress)
        progress("Reading the dive", 0.35)
        seen = self._read(proposal)
        span, cuts = (proposal.first, proposal.last), proposal.survey.cuts
        warnings = [*proposal.warnings, *clip_doubts(seen.info, cuts, *span), *self._weights_warnings()]
        progress("Finding the diver and the phases", 0.45)
        query = self._encode(seen)
        probabilities = query.transition_probabilities[0].numpy()
        masks = query.mask_probability[0].numpy()
        ballot = Ballot(())
        if dived is None:
            warnings.append("Without a dive number and a height there is no score: masks and phases only.")
        else:
            progress("Comparing with exemplars", 0.7)
            voters = Voters(self.bank) if voters is None else voters
            warnings += [] if self.bank_problem is None else [self.bank_problem]
            ballot = voters.vote(self.network, query, dived, exemplars, seed)
            warnings += ballot.remarks
        progress("Writing the report", 0.95)
        moments = zip(query.transitions[0].tolist(), query.transition_confidence[0].tolist(), strict=True)
        flight, entry = (transition(seen, index, confidence) for index, confidence in moments)
        warnings += finding_doubts(masks, flight, entry)
        if self.model.provenance.trained:
            armstand = dived is not None and dived.code.group == 6
            warnings += speed_doubts(flight, entry, dived and dived.height, armstand)
        estimates = estimate(ballot, dived) if ballot.votes else (None, None, None, None, "")
        return DiveReport(
            info=seen.info,
            first_frame=span[0],
            last_frame=span[1],
            cuts=cuts,
            dive_code=None if dived is None else str(dived.code),
            dive_name=None if dived is None else dived.code.name,
            height=None if dived is None else dived.height,
            difficulty=None if dived is None else dived.difficulty,
            difficulty_source=None if dived is None else dived.source,
            total=estimates[0],
            execution=estimates[1],
            breakdown=estimates[2],
            votes=ballot.votes,
            exemplar=estimates[3],
            interval_basis=estimates[4],
            flight=flight,
            entry=entry,
            weights=WeightsUsed(
                self.model.provenance.name, self.model.provenance.trained_on, self._calibration(ballot)
            ),
            scale=ballot.scale,
            warnings=tuple(warnings),
            frame_numbers=seen.frame_numbers,
            framing=seen.framing,
            mask_probability=masks,
            transition_probabilities=probabilities,
        )

    def propose(
        self,
        clip: str | Path | Survey,
        first: int | None = None,
        last: int | None = None,
        framing: Framing | str | None = None,
        *,
        limits: Limits | None = None,
        progress: Progress = lambda step, done: None,
    ) -> Proposal:
        """Which frames of a clip and which part of the picture to look at; for the user to see and to change.

        Args:
            clip: a file or folder, or what an earlier look at it found.
            first, last, framing, limits, progress: see `analyse`.

        Raises:
            VideoError: where the clip cannot be used.
            ValueError: for a framing that is not known.
        """
        if isinstance(framing, str) and framing != CENTRE:
            raise ValueError(f"the framing is {CENTRE!r}, boxes, or None for the diver's, not {framing!r}")
        if not isinstance(clip, Survey):
            progress("Looking through the clip", 0.0)
            with open_source(clip, limits or Limits()) as source:
                clip = Survey.of(source)
        progress("Looking for the diver", 0.2)
        window = None
        if framing is not None:
            window = Window.centre(clip.info) if framing == CENTRE else Window.of(framing, clip.info)
        knows = self.model.provenance.trained
        return propose(
            clip,
            first,
            last,
            window,
            outline=self._outline if knows else None,
            switches=self._switches if knows else None,
        )

    def _outline(self, windows: np.ndarray) -> np.ndarray:
        """Windows uint8 [B, 16, 112, 112, 3] to the probabilities of their masks, [B, 16, 112, 112]."""
        network = self.network
        device, dtype = next(network.parameters()).device, network.dtype
        with torch.inference_mode():
            return np.concatenate(
                [
                    # Channels last in memory, as in `encode`.
                    network.spatial_action_parser(
                        normalise(window)[None].to(device, dtype, memory_format=torch.channels_last_3d), feature=False
                    )
                    .fused_logits.float()
                    .sigmoid()
                    .cpu()
                    .numpy()
                    for window in windows
                ]
            )

    def _read(self, proposal: Proposal) -> Clip:
        return proposal.read(self.model.config.picture_size)

    def _switches(self, proposal: Proposal) -> tuple[int, int, float]:
        """The samples at which flight and entry begin, and the lower probability of the two."""
        with torch.inference_mode():
            (found,), sure = find_switches(self.network, self._pictures(self._read(proposal)))
        flight, entry = found.tolist()
        return flight, entry, float(sure.min())

    def _encode(self, clip: Clip) -> ClipEncoding:
        with torch.inference_mode():
            return self.network.encode(self._pictures(clip)).to("cpu")

    def _pictures(self, clip: Clip) -> torch.Tensor:
        """The clip's frames as the network takes them, [1, 3, 96, H, W]."""
        return normalise(clip.frames.transpose(1, 2, 3, 0))[None].to(next(self.model.parameters()).device)

    def _weights_warnings(self) -> list[str]:
        if self.model.provenance.trained:
            return []
        return [
            "No trained weights are installed: masks, phases and score come from a network that has learnt nothing. "
            "Train one (python -m fineparser train) or give --checkpoint."
        ]

    def _calibration(self, ballot: Ballot) -> str:
        if not self.model.provenance.trained:
            return "not calibrated: the weights are untrained"
        if ballot.scale is not None:
            return f"{BY_SIMULATED}, on the scale of your own judges, who {ballot.scale.words}"
        real = sorted({vote.source for vote in ballot.votes} - {SIMULATED})
        learnt = recorded_sources(self.model.provenance.trained_on)
        if not real and not learnt:
            return BY_SIMULATED
        return f"calibrated on {', '.join([*learnt, *real])}"


def transition(clip: Clip, index: int, confidence: float) -> Transition:
    """A switch at one of the 96 sampled frames."""
    frame = int(clip.frame_numbers[index])
    return Transition(frame, clip.info.seconds(frame), confidence, index)
