"""Does SynDive transfer? A small network learns to outline divers from simulated clips alone and meets real ones.

It is a yardstick for the simulator, not part of FineParser: small enough that half an hour on two cores decides
whether a change to the simulator helps on footage that it never saw.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from fineparser.data.clip_folder import read_clip_folder
from fineparser.data.dives import Dive
from fineparser.data.transforms import ClipTransform
from fineparser.domain.mask_agreement import THRESHOLD, intersection_over_union, pixel_counts
from fineparser.domain.phases import CLIP_FRAMES
from fineparser.model.pictures import normalise
from fineparser.simulator.plan import plan_dive
from fineparser.training.losses import outline_loss
from fineparser.training.machine import beside
from fineparser.training.schedule import learning_rate_factor
from fineparser.video.sampling import sample_frames

NEIGHBOUR = 2
"""The network sees a frame between those so many sampled frames before and after it."""
RUNS_A_CLIP, RUN_LENGTH = 2, 9
"""Of a simulated clip so many runs are drawn, of so many sampled frames each, NEIGHBOUR apart."""
CHANNELS = (48, 96, 128, 160)
SQUARE = 2


@dataclass(frozen=True)
class TransferOptions:
    """How long and on what the small network learns."""

    minutes: float = 30.0
    """Of training, whatever the machine reaches in them."""
    real: Path = Path("../shared/real")
    """Labelled clip folder whose masks it is measured against."""
    batch: int = 16
    """Frames in a step."""
    rate: float = 2e-3
    """Highest learning rate."""
    workers: int = 1
    """Processes that simulate."""
    pool: int = 256
    """Frames among which a batch is drawn, so that those of one clip do not make it up."""
    unseen: int = 24
    """Simulated clips of the test split that it is measured on, too."""
    seed: int = 0
    wishes: dict = field(default_factory=dict)
    """Given to every `plan_dive`, such as {"camera": "broadcast"}."""


@dataclass(frozen=True)
class TransferResult:
    """What the small network reached."""

    iou: dict[str, float]
    """By clip with masks: mean IoU over its frames at probability 0.5."""
    pooled_iou: dict[str, float]
    """By clip: IoU of all its pixels together."""
    simulated_iou: float
    """Mean IoU over the frames of unseen simulated clips."""
    steps: int
    frames: int
    minutes: float

    @property
    def mean_iou(self) -> float:
        """Mean over the real clips."""
        return float(np.mean(list(self.iou.values())))

    def to_json(self) -> dict:
        """Plain values."""
        return {"mean_iou": self.mean_iou, **self.__dict__}


class SmallUNet(nn.Module):
    """Three neighbouring frames [B, 9, 112, 112] to the logits of the middle one's mask [B, 112, 112].

    It works at half size, with the four pixels of each square as channels: most of the time that full size takes
    would go into moving memory about.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (9 * SQUARE**2, *CHANNELS)
        self.down = nn.ModuleList(_block(before, width) for before, width in pairwise(widths))
        self.up = nn.ModuleList(_block(a + b, a) for a, b in zip(CHANNELS[-2::-1], CHANNELS[:0:-1], strict=True))
        self.head = nn.Conv2d(CHANNELS[0], SQUARE**2, 1)

    def forward(self, frames: Tensor) -> Tensor:
        x = functional.pixel_unshuffle(frames, SQUARE)
        levels = []
        for number, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if number else x)
            levels.append(x)
        for block, level in zip(self.up, levels[-2::-1], strict=True):
            x = block(torch.cat([level, functional.interpolate(x, scale_factor=2.0)], dim=1))
        return functional.pixel_shuffle(self.head(x), SQUARE)[:, 0]


def _block(before: int, width: int) -> nn.Sequential:
    layers = []
    for channels in (before, width):
        layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*layers)


class SimulatedFrames(IterableDataset):
    """Endless frames of simulated clips with their neighbours: normalised [9, 112, 112] and mask [112, 112].

    Frames pass through a pool, so that those of one clip do not make up a whole batch.
    """

    def __init__(self, options: TransferOptions) -> None:
        self.options = options

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(1)
        worker = get_worker_info()
        number, step = (worker.id, worker.num_workers) if worker else (0, 1)
        options = self.options
        rng = np.random.default_rng([options.seed, number])
        pool: list[tuple[Tensor, Tensor]] = []
        while True:
            pool += _frames_of_clip(options.seed * 10_000_000 + number, "train", options.wishes, rng)
            number += step
            while len(pool) > options.pool:
                yield pool.pop(int(rng.integers(len(pool))))


def _frames_of_clip(seed: int, split: str, wishes: dict, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Some frames of one clip, each with its neighbours: drawing in runs lets neighbours serve several frames."""
    plan = plan_dive(seed, split=split, **wishes)
    source = sample_frames(0, len(plan.times) - 1)
    starts = rng.integers(0, CLIP_FRAMES - NEIGHBOUR * (RUN_LENGTH + 1), RUNS_A_CLIP)
    runs = starts[:, None] + NEIGHBOUR * np.arange(RUN_LENGTH + 2)
    needed, place = np.unique(source[runs], return_inverse=True)
    frames, masks = plan.film(frame_numbers=needed)
    for run in place.reshape(runs.shape):
        for triple in sliding_window_view(run, 3):
            picture, mask = frames[triple], masks[triple[1]]
            if split == "train" and rng.random() < 0.5:
                picture, mask = picture[:, :, ::-1], mask[:, ::-1]
            yield normalise(picture).transpose(0, 1).flatten(0, 1), torch.from_numpy(mask.copy())


def transfer(options: TransferOptions, told: Callable[[str], None] = print) -> TransferResult:
    """Trains the small network on simulated frames for so many minutes, then measures it on real clips.

    Raises:
        ValueError: where the folder of real clips has no masks.
    """
    real = [dive for dive in read_clip_folder(options.real).dives if dive.has_masks]
    if not real:
        raise ValueError(f"no clip of {options.real} has a mask to measure against")
    with beside(options.workers):
        return _transfer(options, real, told)


def _transfer(options: TransferOptions, real: list[Dive], told: Callable[[str], None]) -> TransferResult:
    torch.manual_seed(options.seed)
    network = SmallUNet().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=1e-3)
    loader = DataLoader(
        SimulatedFrames(options),
        options.batch,
        num_workers=options.workers,
        prefetch_factor=8 if options.workers else None,
    )
    start = time.monotonic()
    steps, spoken, mean = 0, 0.0, 0.0
    for pictures, masks in loader:
        spent = (time.monotonic() - start) / (60 * options.minutes)
        if spent >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = options.rate * learning_rate_factor(int(1000 * spent), warmup_steps=20, total_steps=1000)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(pictures.contiguous(memory_format=torch.channels_last))
        loss = outline_loss([logits[:, None]], masks[:, None])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        steps += 1
        mean = loss.item() if steps == 1 else 0.98 * mean + 0.02 * loss.item()
        if spent - spoken > 0.05:
            spoken = spent
            told(f"{spent:4.0%}  step {steps}  loss {mean:.4f}")
    network.eval()
    per_frame, pooled = {}, {}
    for dive in real:
        numbers = dive.sample()
        clip, masks = ClipTransform()(dive.read(numbers), dive.read_masks(numbers), np.random.default_rng(0))
        per_frame[dive.id], pooled[dive.id] = _measure(network, clip, masks)
    return TransferResult(
        iou=per_frame,
        pooled_iou=pooled,
        simulated_iou=_simulated_iou(network, options),
        steps=steps,
        frames=steps * options.batch,
        minutes=(time.monotonic() - start) / 60,
    )


def _predict(network: SmallUNet, clip: Tensor) -> np.ndarray:
    """clip [3, 96, 112, 112], normalised -> probabilities [96, 112, 112]."""
    index = torch.arange(clip.shape[1])
    around = [(index + shift).clamp(0, clip.shape[1] - 1) for shift in (-NEIGHBOUR, 0, NEIGHBOUR)]
    pictures = torch.cat([clip[:, frames] for frames in around]).transpose(0, 1)  # [96, 9, 112, 112]
    with torch.inference_mode():
        return torch.cat([network(part).sigmoid() for part in pictures.split(16)]).numpy()


def _measure(network: SmallUNet, clip: Tensor, masks: Tensor) -> tuple[float, float]:
    """IoU at probability 0.5: mean over the frames with a diver, and of all pixels together."""
    probability, truth = _predict(network, clip), masks[0].numpy()
    counts = np.stack([pixel_counts(p[None], t[None]) for p, t in zip(probability, truth, strict=True)])
    shown = truth.any(axis=(1, 2))
    return float(intersection_over_union(counts[shown]).mean()), float(intersection_over_union(counts.sum(0)))


def _simulated_iou(network: SmallUNet, options: TransferOptions) -> float:
    rng = np.random.default_rng(0)
    values = []
    for seed in range(options.unseen):
        for picture, mask in _frames_of_clip(seed, "test", options.wishes, rng):
            if mask.any():
                with torch.inference_mode():
                    found = network(picture[None]).sigmoid()[0].numpy() >= THRESHOLD
                truth = mask.numpy()
                values.append((found & truth).sum() / (found | truth).sum())
    return float(np.mean(values))
