"""Pseudo-labels: transitions and masks that a network predicts for dives without labels."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from fineparser.atomic import atomic_write
from fineparser.data.clip_files import MASK_KEY
from fineparser.data.clip_input import network_input
from fineparser.data.datasets import load_clip
from fineparser.data.dives import Dive
from fineparser.data.transforms import ClipTransform
from fineparser.model.protocol import Network
from fineparser.training.encoded_dives import resize_batch
from fineparser.video.framing import Framing


@dataclass(frozen=True)
class PseudoLabels:
    """Predicted labels of one dive."""

    flight_frame: int
    """First frame of the flight, in the numbering of the source of the dive."""
    entry_frame: int
    """First frame of the entry."""
    confidence: tuple[float, float]
    """Confidence of either transition."""
    frame_numbers: np.ndarray
    """[96] source numbers of the sampled frames."""
    masks: np.ndarray
    """bool [96, S, S], in the size of the network's masks and in the centre crop of the loader."""

    def mask_at(self, number: int, width: int, height: int) -> np.ndarray:
        """Mask of a whole frame, bool [height, width], from the nearest sampled frame."""
        index = int(np.abs(self.frame_numbers - number).argmin())
        # The loader does not crop frames that have the size of a clip.
        framing = Framing.default(width, height)
        return framing.mask_to_source(self.masks[index], 0, width, height, longest_side=None)


def predict_labels(network: Network, dive: Dive) -> PseudoLabels:
    """Predict the labels of a dive; DataError if its frames cannot be read."""
    batch = load_clip(dive, ClipTransform(scale=network.config.input_scale), np.random.default_rng(0))
    with torch.inference_mode():
        clips = resize_batch(batch.to(network.device), network.config).clips
        encoding, diagnostics = network.encode_with_diagnostics(network_input(network, clips))
    numbers = batch.frame_numbers[0].cpu().numpy()
    flight, entry = sorted(int(numbers[index]) for index in encoding.transitions[0].tolist())
    flight_confidence, entry_confidence = encoding.transition_confidence[0].tolist()
    masks = (diagnostics.masks[0] >= 0.5).cpu().numpy()
    return PseudoLabels(flight, entry, (flight_confidence, entry_confidence), numbers, masks)


def write_masks(labels: PseudoLabels, dive: Dive, path: Path) -> None:
    """Write the masks of every frame of a dive in the format of `dives.csv`, a frame at a time, atomically."""
    (frame,) = dive.read([dive.first_frame])
    height, width = frame.shape[:2]
    header = {"descr": "|b1", "fortran_order": False, "shape": (dive.frame_count, height, width)}

    def write(part: Path) -> None:
        with (
            zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(f"{MASK_KEY}.npy", "w", force_zip64=True) as file,
        ):
            np.lib.format.write_array_header_1_0(file, header)
            for number in range(dive.first_frame, dive.last_frame + 1):
                file.write(np.ascontiguousarray(labels.mask_at(number, width, height)).tobytes())

    atomic_write(path, write)
