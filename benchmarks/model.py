"""Seconds to score a dive: the published protocol against this implementation, on the same weights, clips and machine.

The two alternate, so that other work on the machine slows both, and the fastest run of each counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import CLOCKS, describe, matrix_rate, peak_memory, reset_peak_memory
from benchmarks.published_protocol import plain_network, plain_stems, published_vote
from fineparser.data.clip_input import network_input
from fineparser.model.checkpoint import load_network
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig, FineParserConfig
from fineparser.model.cpu.optimisation import optimise
from fineparser.model.paper import FineParser
from fineparser.model.precision import has_bfloat16
from fineparser.model.protocol import DiagnosticsLevel, Encoding, normalise
from fineparser.simulator.dive import simulate

AnyNetwork = FineParser | CompactFineParser
Clock = Callable[[], float]
Report = Callable[[str], None]
PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}
EXEMPLAR_SCORES = (50.0, 95.0)
"""Range of the exemplars' scores, which are evenly spaced; they change neither the time nor the differences."""
RUNS_PER_PASS = 2
"""Runs of this implementation between two passes of the published protocol."""


@dataclass(frozen=True, kw_only=True)
class ModelBenchmark:
    """Networks and clips of the measurement."""

    networks: tuple[str, ...] = ("paper", "compact")
    """"paper", "compact" or "tiny" with random weights, or checkpoint folders."""
    votes: int = 10
    """Number of exemplars; the published protocol makes a pass for each."""
    seed: int = 0
    """Seed of the weights and of the simulated dives."""
    clock: str = "wall"
    """"wall", or "processor" for processor seconds per thread if the machine has other work, too."""

    def __post_init__(self) -> None:
        if self.clock not in CLOCKS:
            raise ValueError(f"the clock is one of {', '.join(CLOCKS)}, not {self.clock!r}")
        if self.votes < 1:
            raise ValueError(f"at least one exemplar has to vote, not {self.votes}")


OPTIONS = ModelBenchmark


@dataclass(frozen=True, kw_only=True)
class ScoringRun:
    """Time and results of one run."""

    seconds: float
    score: float
    """Mean of the votes."""
    deltas: Tensor
    """[votes]"""
    mask_logits: Tensor
    """[1, 9, 16, 112, 112] of the query."""
    transitions: Tensor
    """[1, 2] of the query."""


@dataclass(frozen=True, kw_only=True)
class OptimisedScorer:
    """This implementation at one precision: exemplars are encoded in advance, all votes are one batch."""

    precision: str
    network: AnyNetwork
    bank: Encoding

    @classmethod
    def from_exemplars(cls, network: AnyNetwork, precision: str, exemplars: list[Tensor]) -> "OptimisedScorer":
        """The network optimised at a precision, and the exemplars as it encodes them."""
        fast = optimise(network, PRECISIONS[precision])
        bank = Encoding.concatenate([fast.encode(network_input(fast, clip)) for clip in exemplars])
        return cls(precision=precision, network=fast, bank=bank)

    def score(self, query: Tensor, exemplar_scores: Tensor, clock: Clock) -> ScoringRun:
        """Score a normalised clip [1, 3, 96, h, h] of the network's input size."""
        start = clock()
        clip = network_input(self.network, query)
        encoding, diagnostics = self.network.encode_with_diagnostics(clip, level=DiagnosticsLevel.MASKS)
        deltas = self.network.compare(encoding, self.bank).delta
        score = (exemplar_scores + deltas).mean().item()
        seconds = clock() - start
        assert diagnostics.mask_logits is not None
        return ScoringRun(
            seconds=seconds,
            score=score,
            deltas=deltas,
            mask_logits=diagnostics.mask_logits,
            transitions=encoding.transitions,
        )

    def exemplar_scores(self, true_scores: Tensor) -> Tensor:
        """Scores [votes] of the exemplars themselves, each by all of them."""
        return torch.stack(
            [
                (true_scores + self.network.compare(self.bank.select([index]), self.bank).delta).mean()
                for index in range(len(self.bank))
            ]
        )


def measure(options: ModelBenchmark, report: Report = lambda line: None) -> dict[str, Any]:
    """Seconds, ratios, differences, operations and memory of both ways to score a dive, as plain values.

    Args:
        options: networks and clips.
        report: called with lines of progress, and with a table at the end.

    Raises:
        CheckpointError: for a network that is neither a preset nor a checkpoint.
    """
    result: dict[str, Any] = {
        "machine": describe(),
        "clock": options.clock,
        "votes": options.votes,
        "networks": {},
    }
    with torch.inference_mode():
        for name in options.networks:
            network = _network(name, options.seed)
            lines = network.config.input_size
            clips = [
                normalise(simulate(options.seed + number, split="test", lines=lines).frames)[None]
                for number in range(options.votes + 1)
            ]
            result["networks"][name] = _measure_network(network, name, clips, CLOCKS[options.clock], report)
    report(table(result))
    return result


def _measure_network(
    network: AnyNetwork, name: str, clips: list[Tensor], clock: Clock, report: Report
) -> dict[str, Any]:
    query, *exemplars = clips
    exemplar_scores = torch.linspace(*EXEMPLAR_SCORES, len(exemplars))
    plain = plain_network(network)
    scorers = [
        OptimisedScorer.from_exemplars(network, precision, exemplars)
        for precision in PRECISIONS
        if _is_supported(precision)
    ]
    best: dict[str, ScoringRun] = {}
    rates: dict[str, float] = {}
    passes, deltas, logits = [], [], torch.empty(0)
    for number, exemplar in enumerate(exemplars):
        for scorer in scorers:
            precision = scorer.precision
            rates[precision] = max(rates.get(precision, 0), matrix_rate(PRECISIONS[precision], clock))
            for _ in range(RUNS_PER_PASS):
                run = scorer.score(query, exemplar_scores, clock)
                if precision not in best or run.seconds < best[precision].seconds:
                    best[precision] = run
        start = clock()
        delta, logits = published_vote(plain, query, exemplar)
        passes.append(clock() - start)
        deltas.append(delta)
        report(f"{name}: pass {number + 1} of {len(exemplars)}, {passes[-1]:.1f} s")
    published = ScoringRun(
        seconds=sum(passes),
        score=(exemplar_scores + torch.cat(deltas)).mean().item(),
        deltas=torch.cat(deltas),
        mask_logits=logits,
        transitions=plain.encode(network_input(plain, query)).transitions,
    )
    operations = count_operations(network, query)
    fastest = len(passes) * min(passes)
    return {
        "operations": operations,
        "published": {
            "seconds": published.seconds,
            "fastest_seconds": fastest,
            "score": published.score,
            "peak_memory": _peak(lambda: published_vote(plain, query, exemplars[0])),
        },
        **{
            scorer.precision: {
                "seconds": best[scorer.precision].seconds,
                "ratio": fastest / best[scorer.precision].seconds,
                "matrix_rate": rates[scorer.precision],
                "times_minimum": best[scorer.precision].seconds * rates[scorer.precision] / operations,
                **differences(best[scorer.precision], published),
                **rounding_effects(scorer, scorers[0], exemplar_scores),
                "peak_memory": _peak(lambda scorer=scorer: scorer.score(query, exemplar_scores, clock)),
            }
            for scorer in scorers
        },
    }


def differences(run: ScoringRun, expected: ScoringRun) -> dict[str, float]:
    """Differences of two runs: in points, in frames, and relative to the greatest value."""

    def relative(value: Tensor, expected_value: Tensor) -> float:
        return ((value - expected_value).abs().max() / expected_value.abs().max()).item()

    return {
        "score_difference": run.score - expected.score,
        "relative_score_difference": abs(run.score - expected.score) / abs(expected.score),
        "relative_delta_difference": relative(run.deltas, expected.deltas),
        "relative_mask_logit_difference": relative(run.mask_logits, expected.mask_logits),
        "transition_difference": (run.transitions - expected.transitions).abs().max().item(),
    }


def rounding_effects(scorer: OptimisedScorer, reference: OptimisedScorer, true_scores: Tensor) -> dict[str, float]:
    """Greatest change of the exemplars' scores (points) and transitions (frames) by a lower precision."""
    scores = (scorer.exemplar_scores(true_scores) - reference.exemplar_scores(true_scores)).abs()
    transitions = (scorer.bank.transitions - reference.bank.transitions).abs()
    return {
        "compared_dives": len(scores),
        "max_score_change": scores.max().item(),
        "max_transition_change": transitions.max().item(),
    }


def count_operations(network: AnyNetwork, clip: Tensor) -> int:
    """Multiplications and additions for encoding a clip, both counted.

    The first layers are counted as convolutions over single columns: the surplus of computing them over pairs is not
    part of the task.
    """
    plain = plain_stems(network)
    with FlopCounterMode(display=False) as counter:
        plain.encode(network_input(plain, clip))
    return counter.get_total_flops()


def randomise_weights(network: nn.Module, seed: int) -> None:
    """Sample weights, in place, that preserve the variance of signals, as trained weights do.

    With PyTorch's default initialisation the signal fades in a network of this depth, and any error with it.
    """
    generator = torch.Generator().manual_seed(seed)

    def noise(tensor: Tensor) -> Tensor:
        return torch.randn(tensor.shape, generator=generator)

    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            module.running_mean.copy_(0.1 * noise(module.running_mean))
            module.running_var.copy_(1 + 0.1 * noise(module.running_var).abs())
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.ndim > 1:
                parameter.copy_(noise(parameter) * np.sqrt(2 / np.prod(parameter.shape[1:])))
            else:
                parameter.copy_(0.1 * noise(parameter) + (name == "weight"))


def table(result: dict[str, Any]) -> str:
    """The numbers of `measure` as a Markdown table."""
    lines = [
        "| network | way to score a dive | seconds | times as fast | times the minimum | score difference "
        "| mask logit difference | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, numbers in result["networks"].items():
        published = numbers["published"]
        lines.append(
            f"| {name} | published protocol | {published['fastest_seconds']:.1f} | 1 | | | "
            f"| {_gigabytes(published['peak_memory'])} |"
        )
        for precision in PRECISIONS:
            if precision in numbers:
                optimised = numbers[precision]
                lines.append(
                    f"| {name} | this implementation, {precision} | {optimised['seconds']:.2f} "
                    f"| {optimised['ratio']:.0f} | {optimised['times_minimum']:.2f} "
                    f"| {optimised['relative_score_difference']:.1e} "
                    f"| {optimised['relative_mask_logit_difference']:.1e} | {_gigabytes(optimised['peak_memory'])} |"
                )
    for name, numbers in result["networks"].items():
        if "bf16" in numbers:
            effects = numbers["bf16"]
            lines.append(
                f"\n{name}: bf16 changes the scores of {effects['compared_dives']} dives by at most "
                f"{effects['max_score_change']:.3f} points and their transitions by at most "
                f"{effects['max_transition_change']} frames."
            )
    return "\n".join(lines)


def _network(name: str, seed: int) -> AnyNetwork:
    network: AnyNetwork
    if name == "paper":
        network = FineParser(FineParserConfig())
    elif name == "compact":
        network = CompactFineParser(CompactConfig())
    elif name == "tiny":
        network = FineParser(FineParserConfig.tiny())
    else:
        return load_network(name)
    randomise_weights(network, seed)
    return network.eval()


def _is_supported(precision: str) -> bool:
    return precision == "float32" or has_bfloat16()


def _peak(work: Callable[[], object]) -> int | None:
    reset_peak_memory()
    work()
    return peak_memory()


def _gigabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e9:.2f} GB"
