"""Set-ups that tests of several packages share: clips, tiny networks, banks of noise, and simulated dives on disk."""

import csv
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import torch
from torch import Tensor

from fineparser.domain.difficulty import difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig
from fineparser.model.protocol import ClipInput, Encoding
from fineparser.simulator.dive import simulate
from fineparser.simulator.plan import DiveRequest
from fineparser.video.writer import write_video

FPS = 25.0
BLOCK_ROWS, BLOCK_COLUMNS = 20, slice(70, 90)
"""Height in pixels and columns of the block in `block_frames`."""
SIMULATED_DIVES = (("405B", 3, 0.3), ("405B", 3, 0.9), ("107B", 3, 0.4), ("107B", 3, 0.8))
"""Number, height and level of the divers of `simulated_clip_folder`."""
BANK_DIVES = (("207C", 10, 60.0), ("207C", 10, 80.0), ("207C", 10, 95.0), ("107B", 3, 70.0), ("205B", 10, 66.0))
"""Number, height and score of the exemplars of `noise_bank`."""


def block_frames(tops: Sequence[int], height: int = 96, width: int = 160) -> np.ndarray:
    """Grey frames uint8 [T, height, width, 3] with a bright block, whose upper edge is at `tops[t]` in frame t."""
    frames = np.full((len(tops), height, width, 3), 90, np.uint8)
    for frame, top in zip(frames, tops, strict=True):
        frame[top : top + BLOCK_ROWS, BLOCK_COLUMNS] = (230, 190, 160)
    return frames


def falling_block_clip(path: Path, frames: int = 50, fps: float = FPS, height: int = 96, width: int = 160) -> Path:
    """A clip of a block that falls one pixel a frame, from row 5 on."""
    return write_video(path, block_frames([number + 5 for number in range(frames)], height, width), fps, quality=10)


def tiny_compact(seed: int = 0, image_size: int = 112) -> CompactFineParser:
    """The tiny network of this project with random weights, in eval mode, for clips of that many pixels."""
    torch.manual_seed(seed)
    return CompactFineParser(replace(CompactConfig.tiny(), image_size=image_size)).eval()


def still_camera(clips: Tensor) -> ClipInput:
    """Clips [B, 3, T, H, W] of a camera that does not move."""
    motion = torch.eye(3, dtype=torch.float64).expand(len(clips), clips.shape[2], 3, 3)
    return ClipInput(clips, motion, torch.zeros(clips.shape[0], clips.shape[2], dtype=torch.int64))


def noise_encodings(model: CompactFineParser, count: int) -> Encoding:
    """Encodings of clips of noise."""
    size = model.config.input_size
    clips = torch.randn(count, 3, 96, size, size, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return Encoding.concatenate([model.encode(still_camera(clip[None])) for clip in clips])


def noise_bank(model: CompactFineParser, encodings: Encoding) -> ExemplarBank:
    """A bank of `BANK_DIVES` with the first encodings."""
    exemplars = tuple(
        Exemplar(f"dive-{number}", DiveCode.parse(code), height, difficulty(code, height), score, "SynDive")
        for number, (code, height, score) in enumerate(BANK_DIVES)
    )
    return ExemplarBank(exemplars, encodings.select(list(range(len(exemplars)))), model.fingerprint())


def generated_weight(key: str, shape: Sequence[int]) -> np.ndarray:
    """An entry of a state dict from the generator that its own name seeds, see tests/parity/README.md."""
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "num_batches_tracked":
        return np.zeros(shape, np.int64)
    drawn = rng.standard_normal(shape).astype(np.float32)
    if leaf == "running_mean":
        return 0.1 * drawn
    if leaf == "running_var":
        return 1 + 0.1 * np.abs(drawn)
    if len(shape) == 1:
        return 1 + 0.1 * drawn if leaf == "weight" else 0.1 * drawn
    return drawn * np.float32(np.sqrt(2 / np.prod(shape[1:])))


def simulated_clip_folder(root: Path, suffix: str = ".jpg") -> Path:
    """A labelled clip folder of `SIMULATED_DIVES`; the score follows from the diver's level.

    Args:
        root: existing folder that is filled.
        suffix: format of the frames; ".png" loses nothing.
    """
    rows = []
    for number, (code, height, level) in enumerate(SIMULATED_DIVES):
        dive = simulate(100 + number, DiveRequest(code=code, height=height, level=level, synchro=False))
        clip = root / f"dive{number}"
        clip.mkdir()
        for index, frame in enumerate(dive.frames):
            cv2.imwrite(str(clip / f"{index:05d}{suffix}"), frame[..., ::-1])
        np.savez_compressed(root / f"dive{number}.npz", mask=dive.masks)
        labels = {"clip": clip.name, "dive_code": code, "height": height, "difficulty": dive.difficulty}
        labels |= {"score": round(30 * level * dive.difficulty, 2), "start_frame": 0, "end_frame": 95}
        labels |= {"flight_frame": dive.transitions.flight, "entry_frame": dive.transitions.entry}
        rows.append(labels | {"mask": f"dive{number}.npz"})
    write_table(root, rows)
    return root


def write_workbook(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    """An Excel workbook of one sheet, with these values in its cells."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


def write_table(root: Path, rows: list[dict]) -> None:
    """dives.csv of a clip folder."""
    with (root / "dives.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
