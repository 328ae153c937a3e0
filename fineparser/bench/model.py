"""How fast a dive is scored: the published protocol against ours, on the same weights, clips and machine.

The two take turns, so that what else the machine does slows both, and what counts is the quickest of each.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fineparser.bench.machine import CLOCKS, describe, forget_peak_memory, matrix_rate, peak_memory
from fineparser.bench.published_protocol import plain_network, plain_stems, published_vote
from fineparser.model.config import FineParserConfig
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.model.inference import optimise
from fineparser.model.pictures import normalise
from fineparser.model.precision import has_bfloat16
from fineparser.simulator.dive import simulate

Clock = Callable[[], float]
PRECISIONS = {"float32": torch.float32, "bf16": torch.bfloat16}
EXEMPLAR_SCORES = (50.0, 95.0)
"""The exemplars' scores lie evenly between these: they move no time and no difference between two ways to score."""
TURNS_A_PASS = 2
"""Times that ours scores the dive between two passes of the published protocol."""


@dataclass(frozen=True)
class ModelBenchOptions:
    """What to measure."""

    networks: tuple[str, ...] = ("paper", "compact")
    """Names of configurations, with weights drawn from the seed, or checkpoint folders."""
    votes: int = 10
    """Exemplars; the published protocol makes a pass for each."""
    seed: int = 0
    """Of the weights and of the simulated dives."""
    clock: str = "wall"
    """"wall", or "processor" for processor seconds a thread where the machine has other work, too."""

    def __post_init__(self) -> None:
        if self.clock not in CLOCKS:
            raise ValueError(f"the clock is one of {', '.join(CLOCKS)}, not {self.clock!r}")
        if self.votes < 1:
            raise ValueError(f"at least one exemplar has to vote, not {self.votes}")


@dataclass(frozen=True)
class Scoring:
    """What one way to score the dive found, and in how many seconds."""

    seconds: float
    score: float
    """Mean of the votes."""
    deltas: Tensor
    """[votes]"""
    mask_logits: Tensor
    """[1, 9, 16, 112, 112] of the query."""
    transitions: Tensor
    """[1, 2] of the query."""


@dataclass(frozen=True)
class Shortcut:
    """Ours at one precision: exemplars come encoded, the query is encoded once, all votes are one batch."""

    name: str
    model: FineParser
    bank: ClipEncoding

    @classmethod
    def of(cls, model: FineParser, name: str, exemplars: list[Tensor]) -> "Shortcut":
        """The network optimised at that precision, and the exemplars as it encodes them."""
        fast = optimise(model, PRECISIONS[name])
        return cls(name, fast, ClipEncoding.concatenate([fast.encode(clip).without_masks() for clip in exemplars]))

    def score(self, query: Tensor, exemplar_scores: Tensor, clock: Clock) -> Scoring:
        """Scores a clip [1, 3, 96, 112, 112], or as large as its network sees it."""
        start = clock()
        encoding = self.model.encode(query)
        deltas = self.model.compare(encoding, self.bank).delta
        score = (exemplar_scores + deltas).mean().item()
        seconds = clock() - start
        return Scoring(seconds, score, deltas, encoding.mask_logits, encoding.transitions)

    def judged(self, exemplar_scores: Tensor) -> Tensor:
        """Scores [votes] of the exemplars themselves, each by all of them."""
        return torch.stack(
            [
                (exemplar_scores + self.model.compare(self.bank.select([place]), self.bank).delta).mean()
                for place in range(len(self.bank))
            ]
        )


def bench_model(options: ModelBenchOptions, told: Callable[[str], None] = lambda text: None) -> dict:
    """Seconds, ratios, differences, operations and memory of both ways to score a dive, as plain values.

    Args:
        options: what to measure.
        told: gets a line of progress now and then, and a table at the end.

    Raises:
        ValueError: for a network that is neither a configuration nor a checkpoint.
    """
    result = {"machine": describe(), "clock": options.clock, "votes": options.votes, "networks": {}}
    with torch.inference_mode():
        for name in options.networks:
            network = _network(name, options.seed)
            lines = network.config.picture_size
            clips = [
                normalise(simulate(options.seed + number, split="test", lines=lines).frames)[None]
                for number in range(options.votes + 1)
            ]
            result["networks"][name] = _measure(network, name, clips, CLOCKS[options.clock], told)
    told(table(result))
    return result


def _measure(model: FineParser, name: str, clips: list[Tensor], clock: Clock, told: Callable[[str], None]) -> dict:
    query, *exemplars = clips
    exemplar_scores = torch.linspace(*EXEMPLAR_SCORES, len(exemplars))
    plain = plain_network(model)
    ours = [Shortcut.of(model, precision, exemplars) for precision in PRECISIONS if _has(precision)]
    best: dict[str, Scoring] = {}
    rates: dict[str, float] = {}
    passes, deltas, logits = [], [], None
    for number, exemplar in enumerate(exemplars):
        for shortcut in ours:
            rates[shortcut.name] = max(rates.get(shortcut.name, 0), matrix_rate(PRECISIONS[shortcut.name], clock))
            for _ in range(TURNS_A_PASS):
                scoring = shortcut.score(query, exemplar_scores, clock)
                if shortcut.name not in best or scoring.seconds < best[shortcut.name].seconds:
                    best[shortcut.name] = scoring
        start = clock()
        delta, logits = published_vote(plain, query, exemplar)
        passes.append(clock() - start)
        deltas.append(delta)
        told(f"{name}: pass {number + 1} of {len(exemplars)}, {passes[-1]:.1f} s")
    transitions = plain.encode(query).transitions
    published = Scoring(
        seconds=sum(passes),
        score=(exemplar_scores + torch.cat(deltas)).mean().item(),
        deltas=torch.cat(deltas),
        mask_logits=logits,
        transitions=transitions,
    )
    operations = count_operations(model, query)
    fastest = len(passes) * min(passes)
    return {
        "operations": operations,
        "published": {
            "seconds": published.seconds,
            "seconds_at_best": fastest,
            "score": published.score,
            "peak_memory": _peak(lambda: published_vote(plain, query, exemplars[0])),
        },
        **{
            shortcut.name: {
                "seconds": best[shortcut.name].seconds,
                "ratio": fastest / best[shortcut.name].seconds,
                "matrix_rate": rates[shortcut.name],
                "times_operations_over_rate": best[shortcut.name].seconds * rates[shortcut.name] / operations,
                **differences(best[shortcut.name], published),
                **moves(shortcut, ours[0], exemplar_scores),
                "peak_memory": _peak(lambda shortcut=shortcut: shortcut.score(query, exemplar_scores, clock)),
            }
            for shortcut in ours
        },
    }


def differences(found: Scoring, expected: Scoring) -> dict:
    """How far two ways to score are apart: in points, in frames, and relative to the greatest value."""

    def relative(name: str) -> float:
        ours, theirs = getattr(found, name), getattr(expected, name)
        return ((ours - theirs).abs().max() / theirs.abs().max()).item()

    return {
        "score_difference": found.score - expected.score,
        "relative_score_difference": abs(found.score - expected.score) / abs(expected.score),
        "relative_delta_difference": relative("deltas"),
        "relative_mask_logit_difference": relative("mask_logits"),
        "transition_difference": (found.transitions - expected.transitions).abs().max().item(),
    }


def moves(found: Shortcut, finest: Shortcut, exemplar_scores: Tensor) -> dict:
    """How far a precision moves what the finest says of the exemplars: points and frames at most, and of how many."""
    scores = (found.judged(exemplar_scores) - finest.judged(exemplar_scores)).abs()
    switches = (found.bank.transitions - finest.bank.transitions).abs()
    return {
        "moved_dives": len(scores),
        "greatest_score_move": scores.max().item(),
        "greatest_transition_move": switches.max().item(),
    }


def count_operations(model: FineParser, clip: Tensor) -> int:
    """Multiplications and additions that encoding a clip takes, both counted.

    Counted with the first layers over single columns, as they are defined: what computing them over pairs adds is
    no part of the task.
    """
    with FlopCounterMode(display=False) as counter:
        plain_stems(model).encode(clip)
    return counter.get_total_flops()


def lively_weights(model: FineParser, seed: int) -> None:
    """Draws weights, in place, through which a signal keeps its strength, as through trained ones.

    PyTorch's own first weights let it fade in a network as deep as this, and any error with it.
    """
    generator = torch.Generator().manual_seed(seed)

    def noise(tensor: Tensor) -> Tensor:
        return torch.randn(tensor.shape, generator=generator)

    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
            module.running_mean.copy_(0.1 * noise(module.running_mean))
            module.running_var.copy_(1 + 0.1 * noise(module.running_var).abs())
        for name, parameter in module.named_parameters(recurse=False):
            if parameter.ndim > 1:
                parameter.copy_(noise(parameter) * np.sqrt(2 / np.prod(parameter.shape[1:])))
            else:
                parameter.copy_(0.1 * noise(parameter) + (name == "weight"))


def table(result: dict) -> str:
    """The figures of `bench_model` in Markdown."""
    lines = [
        "| network | way to score a dive | seconds | times as fast | of the least possible | score off by "
        "| mask logits off by | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, figures in result["networks"].items():
        published = figures["published"]
        lines.append(
            f"| {name} | published protocol | {published['seconds_at_best']:.1f} | 1 | | | "
            f"| {_gigabytes(published['peak_memory'])} |"
        )
        for precision in PRECISIONS:
            if precision in figures:
                ours = figures[precision]
                lines.append(
                    f"| {name} | ours, {precision} | {ours['seconds']:.2f} | {ours['ratio']:.0f} "
                    f"| {ours['times_operations_over_rate']:.2f} | {ours['relative_score_difference']:.1e} "
                    f"| {ours['relative_mask_logit_difference']:.1e} | {_gigabytes(ours['peak_memory'])} |"
                )
    for name, figures in result["networks"].items():
        if "bf16" in figures:
            coarse = figures["bf16"]
            lines.append(
                f"\n{name}: bf16 moves no score of {coarse['moved_dives']} dives by more than "
                f"{coarse['greatest_score_move']:.3f} points and no switch by more than "
                f"{coarse['greatest_transition_move']} frames."
            )
    return "\n".join(lines)


def _network(name: str, seed: int) -> FineParser:
    presets = {"paper": FineParserConfig.paper, "compact": FineParserConfig.compact, "tiny": FineParserConfig.tiny}
    if name not in presets:
        return FineParser.from_pretrained(name)
    model = FineParser(presets[name]()).eval()
    lively_weights(model, seed)
    return model


def _has(precision: str) -> bool:
    return precision == "float32" or has_bfloat16()


def _peak(work: Callable[[], object]) -> int | None:
    forget_peak_memory()
    work()
    return peak_memory()


def _gigabytes(count: int | None) -> str:
    return "" if count is None else f"{count / 1e9:.2f} GB"
