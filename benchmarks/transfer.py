"""Transfer of the simulator to real clips: mask IoU of a small network that is trained on simulated clips alone.

It measures the simulator, not FineParser: the network is small enough that half an hour on two cores shows if a change
of the simulator helps on real clips.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.data.transforms import ClipTransform
from fineparser.domain.clip_geometry import CLIP_FRAMES, sample_frames
from fineparser.domain.mask_agreement import THRESHOLD, intersection_over_union, pixel_counts
from fineparser.model.protocol import normalise
from fineparser.simulator.plan import DiveRequest, plan_dive
from fineparser.training.devices import reserve_cores
from fineparser.training.losses import dice_mask_loss
from fineparser.training.trainer import learning_rate_factor

NEIGHBOUR = 2
"""Distance of the neighbouring frames that the network gets with each frame, sampled frames."""
RUNS_PER_CLIP, RUN_LENGTH = 2, 9
"""Runs of frames rendered of a simulated clip, and frames of a run, which are `NEIGHBOUR` sampled frames apart."""
CHANNELS = (48, 96, 128, 160)
BLOCK = 2
"""Side of the blocks of pixels that become channels."""


@dataclass(frozen=True, kw_only=True)
class TransferBenchmark:
    """Data and length of the training."""

    minutes: float = 30.0
    """Length of the training."""
    real: Path = Path("../shared/real")
    """Labelled clip folder with masks to evaluate on."""
    batch: int = 16
    """Frames in a step."""
    rate: float = 2e-3
    """Highest learning rate."""
    workers: int = 1
    """Processes that simulate."""
    pool: int = 256
    """Frames from which batches are sampled, so that a batch mixes clips."""
    test_clips: int = 24
    """Simulated clips of the test split to evaluate on."""
    seed: int = 0
    """Seed of weights and simulated clips."""
    camera: str | None = None
    """Kind of camera of all simulated clips; None: sampled."""

    @property
    def request(self) -> DiveRequest:
        """Request for every simulated dive."""
        return DiveRequest(camera=self.camera)


OPTIONS = TransferBenchmark


@dataclass(frozen=True)
class TransferResult:
    """Mask IoU of the small network."""

    iou: dict[str, float]
    """By clip with masks: mean IoU over its frames at probability 0.5."""
    pooled_iou: dict[str, float]
    """By clip: IoU of all its pixels together."""
    simulated_iou: float
    """Mean IoU over the frames of unseen simulated clips."""
    steps: int
    frames: int
    """Training frames."""
    minutes: float
    """Training and evaluation."""

    @property
    def mean_iou(self) -> float:
        """Mean over the real clips."""
        return float(np.mean(list(self.iou.values())))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"mean_iou": self.mean_iou, **self.__dict__}


class SmallUNet(nn.Module):
    """Three neighbouring frames [B, 9, 112, 112] to the logits of the middle one's mask [B, 112, 112].

    It works at half size, with the four pixels of each block as channels: at full size most of the time goes into
    memory traffic.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (9 * BLOCK**2, *CHANNELS)
        self.down = nn.ModuleList(_block(before, width) for before, width in pairwise(widths))
        self.up = nn.ModuleList(_block(a + b, a) for a, b in zip(CHANNELS[-2::-1], CHANNELS[:0:-1], strict=True))
        self.head = nn.Conv2d(CHANNELS[0], BLOCK**2, 1)

    def forward(self, frames: Tensor) -> Tensor:
        x = functional.pixel_unshuffle(frames, BLOCK)
        levels = []
        for number, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if number else x)
            levels.append(x)
        for block, level in zip(self.up, levels[-2::-1], strict=True):
            x = block(torch.cat([level, functional.interpolate(x, scale_factor=2.0)], dim=1))
        return functional.pixel_shuffle(self.head(x), BLOCK)[:, 0]


def _block(before: int, width: int) -> nn.Sequential:
    layers = []
    for channels in (before, width):
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers)


class FrameStream(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless stream of frames of simulated clips with their neighbours: normalised [9, 112, 112] and mask [112, 112].

    Frames pass through a pool, so that a batch mixes clips.
    """

    def __init__(self, options: TransferBenchmark) -> None:
        self.options = options

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(1)
        worker = get_worker_info()
        number, step = (worker.id, worker.num_workers) if worker else (0, 1)
        options = self.options
        rng = np.random.default_rng([options.seed, number])
        pool: list[tuple[Tensor, Tensor]] = []
        while True:
            pool += _frames_of_clip(options.seed * 10_000_000 + number, "train", options.request, rng)
            number += step
            while len(pool) > options.pool:
                yield pool.pop(int(rng.integers(len(pool))))


def _frames_of_clip(
    seed: int, split: str, request: DiveRequest, rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Some frames of one clip, each with its neighbours; in a run, frames share their neighbours."""
    plan = plan_dive(seed, request, split=split)
    source = sample_frames(0, len(plan.times) - 1)
    starts = rng.integers(0, CLIP_FRAMES - NEIGHBOUR * (RUN_LENGTH + 1), RUNS_PER_CLIP)
    runs = starts[:, None] + NEIGHBOUR * np.arange(RUN_LENGTH + 2)
    distinct, index = np.unique(source[runs], return_inverse=True)
    frames, masks = plan.render(frame_numbers=distinct)
    for run in index.reshape(runs.shape):
        for triple in sliding_window_view(run, 3):
            image, mask = frames[triple], masks[triple[1]]
            if split == "train" and rng.random() < 0.5:
                image, mask = image[:, :, ::-1], mask[:, ::-1]
            yield normalise(image).transpose(0, 1).flatten(0, 1), torch.from_numpy(mask.copy())


def measure(options: TransferBenchmark, report: Callable[[str], None] = print) -> dict[str, Any]:
    """Train the small network on simulated frames and evaluate it, see `TransferResult`; in plain values."""
    return train_and_evaluate(options, report).to_json()


def train_and_evaluate(options: TransferBenchmark, report: Callable[[str], None] = print) -> TransferResult:
    """Train the small network on simulated frames, then evaluate it on real and on unseen simulated clips.

    Raises:
        ValueError: if the folder of real clips has no masks.
    """
    real = [dive for dive in read_clip_folder(options.real).dives if dive.has_masks]
    if not real:
        raise ValueError(f"no clip of {options.real} has a mask to evaluate on")
    start = time.monotonic()
    with reserve_cores(options.workers):
        network, steps = _train(options, report)
        per_frame, pooled = {}, {}
        for dive in real:
            numbers = dive.sample()
            clip, masks = ClipTransform()(dive.read(numbers), dive.read_masks(numbers), np.random.default_rng(0))
            per_frame[dive.id], pooled[dive.id] = _clip_iou(network, clip, masks)
        return TransferResult(
            iou=per_frame,
            pooled_iou=pooled,
            simulated_iou=_simulated_iou(network, options),
            steps=steps,
            frames=steps * options.batch,
            minutes=(time.monotonic() - start) / 60,
        )


def _train(options: TransferBenchmark, report: Callable[[str], None]) -> tuple[SmallUNet, int]:
    """The trained network in evaluation mode, and its number of steps."""
    torch.manual_seed(options.seed)
    network = SmallUNet().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-3)
    loader = DataLoader(
        FrameStream(options),
        options.batch,
        num_workers=options.workers,
        prefetch_factor=8 if options.workers else None,
    )
    start = time.monotonic()
    steps, reported, mean = 0, 0.0, 0.0
    for images, masks in loader:
        spent = (time.monotonic() - start) / (60 * options.minutes)
        if spent >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = options.rate * learning_rate_factor(int(1000 * spent), warmup_steps=20, total_steps=1000)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(images.contiguous(memory_format=torch.channels_last))
        loss = dice_mask_loss([logits[:, None]], masks[:, None])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        steps += 1
        mean = loss.item() if steps == 1 else 0.98 * mean + 0.02 * loss.item()
        if spent - reported > 0.05:
            reported = spent
            report(f"{spent:4.0%}  step {steps}  loss {mean:.4f}")
    return network.eval(), steps


def _predict(network: SmallUNet, clip: Tensor) -> np.ndarray:
    """Mask probabilities [96, 112, 112] of a normalised clip [3, 96, 112, 112]."""
    index = torch.arange(clip.shape[1])
    neighbours = [(index + shift).clamp(0, clip.shape[1] - 1) for shift in (-NEIGHBOUR, 0, NEIGHBOUR)]
    images = torch.cat([clip[:, frames] for frames in neighbours]).transpose(0, 1)  # [96, 9, 112, 112]
    with torch.inference_mode():
        return torch.cat([network(part).sigmoid() for part in images.split(16)]).numpy()


def _clip_iou(network: SmallUNet, clip: Tensor, masks: Tensor) -> tuple[float, float]:
    """IoU at probability 0.5: mean over the frames with a diver, and of all pixels together."""
    probability, truth = _predict(network, clip), masks[0].numpy()
    counts = np.stack([pixel_counts(p[None], t[None]) for p, t in zip(probability, truth, strict=True)])
    with_diver = truth.any(axis=(1, 2))
    return float(intersection_over_union(counts[with_diver]).mean()), float(intersection_over_union(counts.sum(0)))


def _simulated_iou(network: SmallUNet, options: TransferBenchmark) -> float:
    rng = np.random.default_rng(0)
    values = []
    for seed in range(options.test_clips):
        for image, mask in _frames_of_clip(seed, "test", options.request, rng):
            if mask.any():
                with torch.inference_mode():
                    predicted = network(image[None]).sigmoid()[0].numpy() >= THRESHOLD
                truth = mask.numpy()
                values.append((predicted & truth).sum() / (predicted | truth).sum())
    return float(np.mean(values))
