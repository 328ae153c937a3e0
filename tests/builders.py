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

from fineparser.domain.clip_geometry import GRAVITY, LANDMARKS, sample_frames
from fineparser.domain.difficulty import difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.kinematics import Choice, EntryPicture, Kinematics, MotionSeries, Quantity
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


def sample_kinematics(
    numbers: np.ndarray | None = None, *, flight: int = 18, entry: int = 41, width: int = 160, height: int = 96
) -> Kinematics:
    """Kinematics of a forward 1 1/2 somersaults, pike, from 1 m, in closed form.

    The centre of mass falls freely from 2 m to 0.9 m above the water at 1 m/s away from the board, which the side of
    the picture shows; it turns clockwise. The camera does not move.

    Args:
        numbers: sampled frames; None: 96 of frames 2 to 55.
        flight, entry: frames of the last contact and of the touch, `FPS` a second.
        width, height: of the frames, pixels; a metre is 0.17 of the height.
    """
    numbers = sample_frames(2, 55) if numbers is None else numbers
    air_time, metre = (entry - flight) / FPS, 0.17 * height
    take_off_speed = (0.9 - 2.0) / air_time + GRAVITY * air_time / 2
    seconds = (numbers - flight) / FPS
    time = seconds.clip(0, air_time)
    share = time / air_time
    path = np.stack([0.2 + time, 2.0 + take_off_speed * time - GRAVITY * time**2 / 2], axis=-1)
    path[:, 1] -= 2.0 * (seconds - air_time).clip(0)  # slower under water
    centre = np.array([0.3 * width, 0.9 * height]) + metre * path * [1, -1]
    somersault = 540 * (share - 0.5 * np.sin(2 * np.pi * share) / (2 * np.pi))
    speed = np.where((seconds > 0) & (seconds < air_time), 540 / air_time * (1 - 0.5 * np.cos(2 * np.pi * share)), 0.0)
    trunk = (somersault + 180) % 360 - 180
    hip = 180 - 140 * np.sin(np.pi * share) ** 2

    def direction(degrees: np.ndarray) -> np.ndarray:
        return metre * np.stack([np.sin(np.radians(degrees)), -np.cos(np.radians(degrees))], axis=-1)

    up, legs = direction(somersault), direction(somersault + hip)
    body = {"head": 0.7 * up, "neck": 0.5 * up, "wrists": 1.1 * up, "pelvis": 0 * up}
    body |= {"knees": 0.45 * legs, "ankles": 0.9 * legs, "toes": 1.05 * legs}
    ends = (flight, entry)
    touch = int(np.flatnonzero(numbers >= entry)[0])
    splash_frame = int(numbers[min(touch + 8, len(numbers) - 1)])
    water, middle = 0.9 * height, float(centre[touch, 0])
    lean = np.array([np.sin(np.radians(6)), np.cos(np.radians(6))])
    touch_point = np.array([middle, water])
    return Kinematics(
        air_time=Quantity.measured(air_time, 0.034, "s", ends),
        take_off_speed=Quantity.measured(take_off_speed, 0.18, "m/s", ends),
        height_above_board=Quantity.measured(path[:, 1].max() - 1, 0.09, "m", (int(numbers[path[:, 1].argmax()]),)),
        closest_distance=Quantity.measured(0.62, 0.11, "m", (flight + 12,)),
        entry_distance=Quantity.measured(0.2 + air_time, 0.12, "m", (entry,)),
        half_somersaults=Choice.from_probabilities({"3": 0.97, "4": 0.02, "2": 0.01}, ends),
        half_twists=Choice.from_probabilities({"0": 0.94, "1": 0.06}, ends),
        direction=Choice.from_probabilities({"forward": 0.92, "inward": 0.08}, ends),
        start=Choice.from_probabilities({"feet": 1.0}, ends),
        peak_rotation=Quantity.measured(speed.max(), 42, "deg/s", (int(numbers[speed.argmax()]),)),
        mean_rotation=Quantity.measured(540 / air_time, 12, "deg/s", ends),
        position=Choice.from_probabilities({"B": 0.88, "C": 0.12}, ends),
        tightest_hip=Quantity.measured(hip.min(), 9, "deg", (int(numbers[hip.argmin()]),)),
        tightest_knee=Quantity.measured(172, 11, "deg", ends),
        opening_time=Quantity.measured(air_time / 4, 0.05, "s", (flight + 3 * (entry - flight) // 4,)),
        opening_height=Quantity.measured(1.9, 0.14, "m", (flight + 3 * (entry - flight) // 4,)),
        legs_apart=Quantity.missing("m", "too_small"),
        knee_bend=Quantity.measured(8, 6, "deg", ends),
        foot_bend=Quantity.missing("deg", "too_small"),
        entry_angle=Quantity.measured(-6, 2.4, "deg", (entry,)),
        trunk_angle=Quantity.measured(-1.5, 3.1, "deg", (entry,)),
        entry_lean=Quantity.missing("deg", "side_view_needed"),
        entry_hip_bend=Quantity.measured(14, 5, "deg", (entry,)),
        entry_knee_bend=Quantity.measured(3, 5, "deg", (entry,)),
        underwater_angle=Quantity.measured(11, 4, "deg", (entry, splash_frame)),
        splash_height=Quantity.measured(0.74, 0.08, "m", (splash_frame,)),
        splash_width=Quantity.measured(1.2, 0.1, "m", (splash_frame,)),
        splash_area=Quantity.measured(0.52, 0.06, "m2", (splash_frame,)),
        splash_time=Quantity.missing("s", "clip_ends"),
        scale=Quantity.measured(metre, 0.04 * metre, "px/m", ends),
        time_scale=Quantity.measured(1.01, 0.03, "", ends),
        vertical=Quantity.measured(-1.2, 0.6, "deg", ends),
        body_height=Quantity.measured(1.72 * metre, 0.1 * metre, "px", ends),
        dive_number=Choice.from_probabilities({"103B": 0.72, "403B": 0.12, "103C": 0.1, "104B": 0.04, "5132D": 0.02}),
        height=Choice.from_probabilities({"1": 0.9, "3": 0.1}, ends),
        series=MotionSeries(
            numbers=numbers,
            seconds=seconds,
            centre_of_mass=centre,
            path=path,
            somersault=somersault,
            rotation_speed=speed,
            twist=np.zeros(len(numbers)),
            trunk_angle=trunk,
            hip_angle=hip,
            knee_angle=np.full(len(numbers), 172.0),
            keypoints=np.stack([centre + body[name] for name in LANDMARKS], axis=1),
            camera=np.tile(np.eye(3), (len(numbers), 1, 1)),
        ),
        entry_picture=EntryPicture(
            frame=entry,
            body_line=np.stack([touch_point - 1.5 * metre * lean, touch_point]),
            water_level=water,
            splash_frame=splash_frame,
            splash_box=np.array([middle - 0.6 * metre, water - 0.74 * metre, middle + 0.6 * metre, water]),
        ),
    )
