"""Exemplars out of the simulator, encoded by a network: graded dives of any number, on the spot."""

from collections.abc import Iterable

import numpy as np
import torch

from fineparser.exemplars.exemplar import SIMULATED
from fineparser.exemplars.exemplar_bank import BankError, ExemplarBank
from fineparser.exemplars.graded_dives import exemplar_id, graded_dive, recipes
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.phases import Transitions
from fineparser.model.encoding import ClipEncoding
from fineparser.model.fineparser import FineParser
from fineparser.model.pictures import normalise


def simulated_bank(
    model: FineParser, wanted: Iterable[tuple[DiveCode, float]], count: int, seed: int = 0
) -> ExemplarBank:
    """A bank of simulated dives, encoded by a network; without clips.

    Args:
        model: in eval mode, on any device.
        wanted: dive numbers and heights.
        count: exemplars for each of them, of graded quality.
        seed: the same seed gives the same dives.
    """
    exemplars, encodings = [], []
    for code, height in wanted:
        for number, recipe in enumerate(recipes(code, height, count, seed)):
            dive = graded_dive(exemplar_id(code, height, number), code, height, recipe, model.config.picture_size)
            exemplars.append(dive.exemplar)
            encodings.append(encode_frames(model, dive.frames, dive.transitions))
    if not exemplars:
        raise BankError("no dive was asked for, so the bank would be empty")
    return ExemplarBank(tuple(exemplars), ClipEncoding.concatenate(encodings), model.fingerprint(), SIMULATED)


def encode_frames(model: FineParser, frames: np.ndarray, transitions: Transitions | None = None) -> ClipEncoding:
    """The encoding of one clip, without masks, on the processor.

    Args:
        model: in eval mode.
        frames: uint8 [96, 112, 112, 3], or as large as the network sees them.
        transitions: true ones to pool at, where they are known.
    """
    device = next(model.parameters()).device
    clip = normalise(frames)[None].to(device)
    known = None
    if transitions is not None:
        known = torch.tensor([[transitions.flight, transitions.entry]], device=device)
    with torch.inference_mode():
        return model.encode(clip, known, masks=False).to("cpu")
