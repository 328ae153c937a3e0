"""The analyser: a clip and its exemplars to a `DiveReport`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from fineparser.analysis.exemplar_bank import Exemplar, ExemplarBank
from fineparser.analysis.report import Breakdown, DiveReport, Estimate, Transition, Vote, WeightsUsed
from fineparser.analysis.simulated_exemplars import SIMULATED, simulated_bank
from fineparser.data.dives import Card
from fineparser.data.exemplars import NEAREST_NUMBER, ExemplarChoice
from fineparser.data.transforms import normalise
from fineparser.domain.calibration import INTERVAL, Calibration
from fineparser.domain.difficulty import difficulty as table_difficulty
from fineparser.domain.difficulty import parse_height
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.judging import execution
from fineparser.domain.phases import CLIP_FRAMES, Phase
from fineparser.model.config import FineParserConfig
from fineparser.model.contrastive_regression import PairComparison
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.model.inference import has_bfloat16, optimise
from fineparser.video.clip import Clip, read_clip
from fineparser.video.cuts import find_cuts
from fineparser.video.framing import Framing
from fineparser.video.info import VideoInfo
from fineparser.video.limits import Limits
from fineparser.video.reading import open_source

BUNDLED_WEIGHTS = Path(__file__).parents[2] / "checkpoints" / "fineparser-compact"
BUNDLED_BANK = Path(__file__).parents[2] / "assets" / "exemplar_bank.safetensors"
EXEMPLARS = 10
"""Votes on a dive, as in the paper."""
UNSURE = 0.3
"""Below this probability a transition is reported as unsure."""
PRECISIONS = ("float32", "bf16", "auto")
MASK_SHARE = 1e-3
"""Mean share of the picture below which no diver counts as found."""

Progress = Callable[[str, float], None]
"""Told the name of each step and how much of the work is done before it, 0 to 1."""


@dataclass(frozen=True)
class Dived:
    """What the user says of the dive: number, height, difficulty."""

    code: DiveCode
    height: float
    difficulty: float
    source: str
    """"table" or "given"."""

    @classmethod
    def of(cls, code: DiveCode | str | None, height: float | str | None, own: float | None) -> "Dived | None":
        """The dive, or None where its number or height is unknown.

        Raises:
            ValueError: for a number, height or difficulty that cannot be, with the nearest valid ones.
        """
        if code is None or height is None:
            return None
        code = code if isinstance(code, DiveCode) else DiveCode.parse(code)
        height = parse_height(height)
        if own is None:
            return cls(code, height, table_difficulty(code, height), "table")
        if not 0.5 <= own <= 6:
            raise ValueError(f"a degree of difficulty lies between 0.5 and 6, not at {own:g}")
        return cls(code, height, float(own), "given")


class DiveAnalyser:
    """Judges clips with one network and one bank; the network's state stays as it is.

    >>> DiveAnalyser.from_pretrained().analyse("clip.mp4", code="207C", height=10)  # doctest: +SKIP
    """

    def __init__(self, model: FineParser, bank: ExemplarBank | None = None, precision: str = "float32") -> None:
        device = next(model.parameters()).device
        self.model = model.eval()
        self.bank = bank
        self.dtype = dtype_of(precision, device)

    @cached_property
    def network(self) -> FineParser:
        """The copy of `model` that does the work: the same numbers in a fraction of the time.

        Made when it is first wanted: a Space that lends its GPU has none before that.
        """
        return optimise(self.model, self.dtype)

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
            bank: file of exemplars that these weights encoded; None: the bundled one, where it fits.
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
        known = None
        if bank is not None:
            known = ExemplarBank.load(bank, model.fingerprint())
        elif checkpoint == "default" and BUNDLED_BANK.is_file():
            known = ExemplarBank.load(BUNDLED_BANK, model.fingerprint())
        return cls(model.to(device), known, precision)

    def analyse(
        self,
        clip: str | Path,
        code: DiveCode | str | None = None,
        height: float | str | None = None,
        *,
        difficulty: float | None = None,
        first: int | None = None,
        last: int | None = None,
        framing: Framing | None = None,
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
            first, last: source frame numbers between which the dive happens; None: the whole clip, or, where it has
                cuts, its longest shot.
            framing: which part of the picture to look at; None: the middle, as the published loader crops.
            exemplars: how many dives to compare with.
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
        progress("Reading the clip", 0.0)
        with open_source(clip, limits or Limits()) as source:
            cuts = find_cuts(source)
            span = trim(source.info, cuts, first, last)
            seen = read_clip(source, *span, framing=framing)
        warnings = [*clip_warnings(seen.info, cuts, span, first is None and last is None), *self._weights_warnings()]
        progress("Finding the diver and the phases", 0.3)
        query = self._encode(seen)
        probabilities = query.transition_probabilities[0].numpy()
        masks = query.mask_probability[0].numpy()
        votes: list[Vote] = []
        calibration = None
        if dived is None:
            warnings.append("Without a dive number and a height there is no score: masks and phases only.")
        else:
            progress("Comparing with exemplars", 0.7)
            votes, remarks, calibration = self._votes(query, dived, exemplars, seed)
            warnings += remarks
        progress("Writing the report", 0.95)
        flight, entry = (
            transition(seen, int(index), float(probabilities[index, column]))
            for column, index in enumerate(query.transitions[0])
        )
        warnings += finding_warnings(masks, flight, entry)
        estimates = estimate(votes, dived, calibration) if votes else (None, None, None, None, "")
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
            votes=tuple(votes),
            exemplar=estimates[3],
            interval_basis=estimates[4],
            flight=flight,
            entry=entry,
            weights=WeightsUsed(self.model.provenance.name, self.model.provenance.trained_on, self._calibration(votes)),
            warnings=tuple(warnings),
            frame_numbers=seen.frame_numbers,
            framing=seen.framing,
            mask_probability=masks,
            transition_probabilities=probabilities,
        )

    def _encode(self, clip: Clip) -> ClipEncoding:
        device = next(self.model.parameters()).device
        with torch.inference_mode():
            return self.network.encode(normalise(clip.frames.transpose(1, 2, 3, 0))[None].to(device)).to("cpu")

    def _votes(
        self, query: ClipEncoding, dived: Dived, count: int, seed: int
    ) -> tuple[list[Vote], list[str], Calibration | None]:
        bank, remarks = self.bank, []
        card = Card("query", dived.code, dived.height, dived.difficulty)
        choices = [] if bank is None else bank.choose(card, count, seed)
        if not choices or choices[0].rule == NEAREST_NUMBER:
            lack = "There is no exemplar bank" if bank is None else f"The bank has no exemplar of {dived.code}"
            try:
                bank = simulated_bank(self.network, [(dived.code, dived.height)], count, seed)
                choices = bank.choose(card, count, seed)
                remarks.append(f"{lack}: {count} simulated dives of the same number were made for this report.")
            except ValueError as error:
                if not choices:
                    raise
                remarks.append(f"{lack} and none could be simulated ({error}): {choices[0].reason}.")
        chosen = bank.encodings.select([choice.index for choice in choices])
        device = next(self.model.parameters()).device
        with torch.inference_mode():
            comparison = self.network.compare(query.without_masks().to(device), chosen.to(device))
        return (
            [
                vote(bank.exemplars[choice.index], choice, comparison, place, dived, chosen)
                for place, choice in enumerate(choices)
            ],
            remarks,
            bank.calibration,
        )

    def _weights_warnings(self) -> list[str]:
        if self.model.provenance.trained:
            return []
        return [
            "No trained weights are installed: masks, phases and score come from a network that has learnt nothing. "
            "Train one (python -m fineparser train) or give --checkpoint."
        ]

    def _calibration(self, votes: list[Vote]) -> str:
        if not self.model.provenance.trained:
            return "not calibrated: the weights are untrained"
        real = sorted({vote.source for vote in votes} - {SIMULATED})
        learnt = [source for source in self.model.provenance.trained_on if not source.startswith(SIMULATED)]
        if not real and not learnt:
            return "calibrated on simulated dives"
        return f"calibrated on {', '.join([*learnt, *real])}"


def dtype_of(precision: str, device: torch.device) -> torch.dtype:
    """The type of the network's numbers; ValueError where the name or the device does not go with it."""
    if precision not in PRECISIONS:
        raise ValueError(f"the precision is one of {', '.join(PRECISIONS)}, not {precision!r}")
    if precision == "bf16" and not has_bfloat16(device):
        raise ValueError(f"this machine's {device.type} has no bf16: take float32, or auto")
    fast = precision == "bf16" or (precision == "auto" and has_bfloat16(device))
    return torch.bfloat16 if fast else torch.float32


def trim(info: VideoInfo, cuts: tuple[int, ...], first: int | None, last: int | None) -> tuple[int, int]:
    """First and last source frame to analyse: as asked for, else the longest shot."""
    if first is None and last is None and cuts:
        edges = [info.first_number, *cuts, info.last_number + 1]
        start, stop = max(pairwise(edges), key=lambda shot: shot[1] - shot[0])
        return start, stop - 1
    return info.first_number if first is None else first, info.last_number if last is None else last


def clip_warnings(info: VideoInfo, cuts: tuple[int, ...], span: tuple[int, int], trimmed_here: bool) -> list[str]:
    """What is the matter with a clip, in sentences."""
    warnings = []
    if cuts:
        shots = f"The picture cuts to another shot at frame{'s' * (len(cuts) > 1)} {', '.join(map(str, cuts))}"
        inside = [cut for cut in cuts if span[0] < cut <= span[1]]
        if trimmed_here:
            warnings.append(f"{shots}: the longest shot, frames {span[0]} to {span[1]}, was analysed.")
        elif inside:
            warnings.append(f"{shots}, inside the analysed part: trim the clip to a single shot.")
    if info.variable_frame_rate:
        warnings.append("The frame rate varies: times are the clip's own, speeds between frames may mislead.")
    frames = span[1] - span[0] + 1
    if frames < CLIP_FRAMES // 2:
        warnings.append(f"Only {frames} frames for the {CLIP_FRAMES} that the network takes: frames repeat.")
    return warnings


def finding_warnings(masks: np.ndarray, flight: Transition, entry: Transition) -> list[str]:
    """What is the matter with what was found, in sentences."""
    warnings = []
    if float((masks >= 0.5).mean()) < MASK_SHARE:
        warnings.append("No diver was found in the analysed part of the picture: check the trim and the crop.")
    for moment, phase in ((flight, Phase.FLIGHT), (entry, Phase.ENTRY)):
        if moment.confidence < UNSURE:
            unsure = f"probability {moment.confidence:.2f} at frame {moment.frame}"
            warnings.append(f"The start of the {phase.label} is unsure ({unsure}).")
    return warnings


def transition(clip: Clip, index: int, confidence: float) -> Transition:
    """A switch at one of the 96 sampled frames."""
    frame = int(clip.frame_numbers[index])
    return Transition(frame, clip.info.seconds(frame), confidence, index)


def vote(
    exemplar: Exemplar,
    choice: ExemplarChoice,
    comparison: PairComparison,
    place: int,
    dived: Dived,
    chosen: ClipEncoding,
) -> Vote:
    """One exemplar's word: its score, carried over to this dive's difficulty, plus the differences.

    Training teaches the differences so: what is left of the dive's score once the exemplar's is carried over.
    """
    scale = dived.difficulty / exemplar.difficulty
    contributions = comparison.contributions[place].cpu().numpy()
    return Vote(
        exemplar=exemplar.id,
        code=str(exemplar.code),
        height=exemplar.height,
        difficulty=exemplar.difficulty,
        exemplar_score=exemplar.score,
        source=exemplar.source,
        reason=choice.reason,
        contributions=contributions,
        score=exemplar.score * scale + float(contributions.sum()),
        encoding=chosen.select([place]).to_arrays(),
    )


def estimate(
    votes: list[Vote], dived: Dived, calibration: Calibration | None
) -> tuple[Estimate, Estimate, Breakdown, str, str]:
    """Total, execution, breakdown, the exemplar nearest to the total, and what the intervals tell."""
    scores = np.array([vote.score for vote in votes])
    points = np.mean([vote.contributions for vote in votes], axis=0)
    # No dive is given less than nothing or more than perfect awards.
    highest = 30 * dived.difficulty
    mean = Estimate.of_votes(scores)
    basis = f"the middle {INTERVAL:.0%} of {len(votes)} vote{'s' * (len(votes) != 1)}, which says little of the error"
    if calibration is not None:
        mean = Estimate(mean.value, *calibration.interval(mean.value, dived.difficulty))
        basis = f"they held the true score of {INTERVAL:.0%} of {calibration.dives} dives ({calibration.source})"
    total = Estimate(*(float(np.clip(value, 0, highest)) for value in (mean.value, mean.low, mean.high)))
    share = Estimate(*(execution(value, dived.difficulty) for value in (total.value, total.low, total.high)))
    nearest = votes[int(np.abs(scores - mean.value).argmin())]
    return total, share, Breakdown(float(scores.mean() - points.sum()), points), nearest.exemplar, basis
