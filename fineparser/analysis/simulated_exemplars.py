"""Exemplars out of the simulator: graded dives of any number, for a bank or on the spot."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from fineparser.analysis.exemplar_bank import BankError, Exemplar, ExemplarBank
from fineparser.data.transforms import normalise
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import Transitions
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.simulator.dive import simulate

SIMULATED = "SynDive"
"""Source of exemplars that the simulator made."""


def simulated_bank(
    model: FineParser, wanted: Iterable[tuple[DiveCode, float]], count: int, seed: int = 0
) -> ExemplarBank:
    """A bank of simulated dives, encoded by a network.

    Args:
        model: in eval mode, on any device.
        wanted: dive numbers and heights.
        count: exemplars for each of them, of graded quality: their levels spread evenly over the judges' range.
        seed: the same seed gives the same dives.
    """
    exemplars, encodings = [], []
    for code, height in wanted:
        for number, level in enumerate(graded_levels(count)):
            drawn = np.random.SeedSequence([seed, number, *f"{code} {height}".encode()]).generate_state(1)[0]
            dive = simulate(int(drawn), split="train", code=code, height=height, level=level)
            name = f"{code}-{height:g}m-{number + 1:02d}"
            exemplars.append(Exemplar(name, dive.code, dive.height, dive.difficulty, dive.score, SIMULATED))
            encodings.append(encode_frames(model, dive.frames, dive.transitions))
    if not exemplars:
        raise BankError("no dive was asked for, so the bank would be empty")
    return ExemplarBank(tuple(exemplars), ClipEncoding.concatenate(encodings), model.fingerprint(), SIMULATED)


def graded_levels(count: int) -> Sequence[float]:
    """`count` levels of divers from weak to excellent, the middles of equal shares of the scale 0 to 1."""
    return [(number + 0.5) / count for number in range(count)]


def encode_frames(model: FineParser, frames: np.ndarray, transitions: Transitions | None = None) -> ClipEncoding:
    """The encoding of one clip, without masks, on the processor.

    Args:
        model: in eval mode.
        frames: uint8 [96, 112, 112, 3].
        transitions: true ones to pool at, where they are known.
    """
    device = next(model.parameters()).device
    clip = normalise(frames)[None].to(device)
    known = None
    if transitions is not None:
        known = torch.tensor([[transitions.flight, transitions.entry]], device=device)
    with torch.inference_mode():
        return model.encode(clip, known).without_masks().to("cpu")
