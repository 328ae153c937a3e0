"""Labels that a network proposes for dives that lack them: the two step switches and the masks."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fineparser.data.clip_folder import MASK_KEY
from fineparser.data.dives import Dive
from fineparser.data.pairs import load_clip
from fineparser.data.transforms import ClipTransform
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import at_size
from fineparser.video.framing import Framing


@dataclass(frozen=True)
class Proposal:
    """What a network finds in one dive."""

    flight_frame: int
    """First frame of the flight, as the dive's source counts."""
    entry_frame: int
    """First frame of the entry."""
    confidence: tuple[float, float]
    """Probability of either."""
    frame_numbers: np.ndarray
    """[96] source numbers of the frames that were looked at."""
    masks: np.ndarray
    """bool [96, S, S], at the network's size, in the middle of the picture as the loader crops it."""

    def mask_at(self, number: int, width: int, height: int) -> np.ndarray:
        """The mask laid over a whole frame, bool [height, width], from the nearest frame that was looked at."""
        index = int(np.abs(self.frame_numbers - number).argmin())
        # The loader takes a picture of a clip's size for one that is cropped already.
        framing = Framing.middle(width, height)
        return framing.mask_to_source(self.masks[index], 0, width, height, longest_side=None)


def propose(network: FineParser, dive: Dive) -> Proposal:
    """What the network finds in a dive; DataError where its pictures are broken."""
    batch = load_clip(dive, ClipTransform(detail=network.config.focus_detail), np.random.default_rng(0))
    device = next(network.parameters()).device
    with torch.inference_mode():
        encoding = network.encode(at_size(batch.to(device), network.config).clips)
    numbers = batch.frame_numbers[0].cpu().numpy()
    flight, entry = sorted(int(numbers[place]) for place in encoding.transitions[0].tolist())
    sure = tuple(encoding.transition_confidence[0].tolist())
    return Proposal(flight, entry, sure, numbers, (encoding.mask_probability[0] >= 0.5).cpu().numpy())


def write_masks(proposal: Proposal, dive: Dive, path: Path) -> None:
    """Writes the masks of every frame of a dive as `dives.csv` takes them: a frame at a time, whole or not at all."""
    (picture,) = dive.read([dive.first_frame])
    height, width = picture.shape[:2]
    head = {"descr": "|b1", "fortran_order": False, "shape": (dive.frame_count, height, width)}
    part = path.with_name(f".{path.name}.part")
    try:
        with (
            zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(f"{MASK_KEY}.npy", "w", force_zip64=True) as file,
        ):
            np.lib.format.write_array_header_1_0(file, head)
            for number in range(dive.first_frame, dive.last_frame + 1):
                file.write(np.ascontiguousarray(proposal.mask_at(number, width, height)).tobytes())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
