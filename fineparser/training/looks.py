"""Looks at divers, kept on disk: the squares that a network's own masks lead through clips, and what is true in them.

FOLDER/
  squares.npy    uint8 [N, 96, 5, 120, 120]: red, green, blue, the mask that led there, the true mask
  postures.npy   float32 [N, 96, 25]
  landmarks.npy  float32 [N, 96, 7, 2]: right and down, -1 to 1 from edge to edge of the square that is looked at
  outlined.npy   uint8 [N, 96, 112, 112]: the masks that led there, of the whole pictures
  places.npy     float32 [N, 96, 3]: centre and reach of the square that is looked at, see `DiverFocus`
  labels.npy     float32 [N, 16]: transitions, a noiseless judge's award, what each fault cost

What looks along the diver's track learns from them for as long as it wants; the network that made the masks is asked
once. The squares reach a quarter further than what is looked at: learning shifts and scales them. 1,000 dives take
8.2 GB.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from fineparser.data.batches import TensorBatch
from fineparser.data.posed_clips import PosedBatch, PosedClips, mirror
from fineparser.data.transforms import jitter_colours
from fineparser.domain.phases import CLIP_FRAMES
from fineparser.model.diver_focus import DiverFocus
from fineparser.model.encoding import frame_probability
from fineparser.model.fineparser import FineParser
from fineparser.model.pictures import denormalise, normalise
from fineparser.simulator.judges import PRICES
from fineparser.simulator.posture import LANDMARKS, POSTURE
from fineparser.training.encoding import pictures_of
from fineparser.training.kept import KeptDataset, keep

MARGIN = 1.25
"""Half side of a kept square over that of the square that is looked at."""
STRIDE = 8
"""Frames from one that is taken to the next: neighbours show nearly the same."""
NEARER, FARTHER = 0.8, 1.2
"""Sizes of the squares that are learnt from, over that of the square that is looked at."""
WITHHELD = 0.2
"""How often the mask that led to the squares of a clip is not shown."""
_CHANNELS = 5


@dataclass(frozen=True)
class LookBatch(TensorBatch):
    """F frames each of B clips, seen through squares."""

    squares: Tensor
    """float32 [B, F, 10, 96, 96]: the picture, normalised as clips are, the mask that led there, 0 to 1, and the
    pictures before and after, where the network looks at neighbours."""

    truth: Tensor
    """bool [B, F, 96, 96]: the true mask in the square."""

    postures: Tensor
    """float32 [B, F, 25], see `fineparser.simulator.posture.POSTURE`; NaN where a number is not known."""

    landmarks: Tensor
    """float32 [B, F, 7, 2]: right and down, -1 to 1 from edge to edge; NaN where they are not known or not inside."""

    def __len__(self) -> int:
        return len(self.squares)


@dataclass(frozen=True)
class TrackBatch(LookBatch):
    """All 96 frames of B clips, with what is known of the whole dives."""

    outlined: Tensor
    """float32 [B, 96, 112, 112]: the masks that led there, 0 to 1, of the whole pictures."""

    places: Tensor
    """float32 [B, 96, 3]: centre and reach of the squares, see `DiverFocus`."""

    labels: Tensor
    """float32 [B, 16]: transitions, a noiseless judge's award, what each fault cost; NaN where they are not known."""

    @property
    def transitions(self) -> Tensor:
        """[B, 2]"""
        return self.labels[:, :2]

    @property
    def award(self) -> Tensor:
        """[B]"""
        return self.labels[:, 2]

    @property
    def deductions(self) -> Tensor:
        """[B, 13]"""
        return self.labels[:, 3:]


class KeptLooks(KeptDataset):
    """What is learnt of each kept clip, another size and place and colour of the squares each time.

    Of some clips the mask that led there is withheld: where it has missed the diver, he has to be found without it.
    """

    def __init__(
        self, folder: Path, size: int, colour_jitter: float = 0.0, neighbours: bool = False, seed: int = 0
    ) -> None:
        super().__init__(folder, size, colour_jitter, seed=seed)
        self._neighbours = neighbours

    def _look(self, index: int, picked: np.ndarray, rng: np.random.Generator) -> tuple[LookBatch, "_Variation"]:
        """Some frames of a clip in their squares, and how these lie to the kept ones."""
        squares, postures, landmarks = (self._kept(name, index) for name in ("squares", "postures", "landmarks"))
        postures, landmarks = postures[picked], landmarks[picked]
        if self._neighbours:
            beside = (squares[np.clip(picked + step, 0, len(squares) - 1), :3] for step in (-1, 1))
            squares = np.concatenate([squares[picked], *beside], axis=1)
        else:
            squares = squares[picked]
        varied = _Variation.drawn(squares.shape[-1], rng)
        frames = varied.of(squares, self._size)
        landmarks = varied.of_points(landmarks)
        if varied.mirrored:
            mirror(postures, landmarks)
        colours = (0, *range(_CHANNELS, frames.shape[-1], 3))  # of the frame, and of the ones beside it
        pictures = np.concatenate([frames[..., first : first + 3] for first in colours])
        if self._colour_jitter:
            pictures = jitter_colours(pictures, rng, self._colour_jitter)
        own, *beside = normalise(pictures).split(len(picked), dim=1)
        led, truth = torch.from_numpy(frames[..., 3:_CHANNELS].transpose(3, 0, 1, 2) / np.float32(255))
        if rng.random() < WITHHELD:
            led = torch.zeros_like(led)
        look = LookBatch(
            torch.cat([own, led[None], *beside]).transpose(0, 1)[None],
            (truth >= 0.5)[None],
            torch.from_numpy(postures)[None],
            torch.from_numpy(landmarks)[None],
        )
        return look, varied


class Looks(KeptLooks):
    """Every eighth frame of each kept clip, from another one on each time. Join samples with `LookBatch.stack`."""

    def __getitem__(self, index: int) -> LookBatch:
        rng = self._draws(index)
        return self._look(index, np.arange(int(rng.integers(STRIDE)), CLIP_FRAMES, STRIDE), rng)[0]


class Tracks(KeptLooks):
    """Each kept clip from end to end. Join samples with `TrackBatch.stack`."""

    def __getitem__(self, index: int) -> TrackBatch:
        look, varied = self._look(index, np.arange(CLIP_FRAMES), self._draws(index, 1))  # not those of `Looks`
        outlined, places, labels = (self._kept(name, index) for name in ("outlined", "places", "labels"))
        outlined, places = outlined / np.float32(255), varied.of_places(places)
        if varied.mirrored:
            outlined = outlined[..., ::-1]
        return TrackBatch(
            **vars(look),
            outlined=torch.from_numpy(np.ascontiguousarray(outlined))[None],
            places=torch.from_numpy(places)[None],
            labels=torch.from_numpy(labels.copy())[None],
        )


@dataclass(frozen=True)
class _Variation:
    """A square inside the kept ones, in their pixels, or its mirror image."""

    kept: int
    left: int
    top: int
    side: int
    mirrored: bool

    @classmethod
    def drawn(cls, kept: int, rng: np.random.Generator) -> "_Variation":
        side = int(np.clip(round(kept / MARGIN * rng.uniform(NEARER, FARTHER)), 8, kept))
        left, top = rng.integers(0, kept - side + 1, 2)
        return cls(kept, int(left), int(top), side, bool(rng.random() < 0.5))

    def of(self, squares: np.ndarray, size: int) -> np.ndarray:
        """What it shows of kept squares [F, C, K, K]: [F, size, size, C]."""
        inside = np.s_[..., self.top : self.top + self.side, self.left : self.left + self.side]
        frames = squares[inside].transpose(0, 2, 3, 1)
        frames = np.stack([cv2.resize(np.ascontiguousarray(frame), (size, size)) for frame in frames])
        return frames[:, :, ::-1] if self.mirrored else frames

    def of_points(self, points: np.ndarray) -> np.ndarray:
        """Points [..., 2] of the squares that are looked at in this one, not mirrored; NaN where they are outside."""
        corner = np.array([self.left, self.top])
        points = (((points / MARGIN + 1) / 2 * self.kept - corner) / self.side * 2 - 1).astype(np.float32)
        points[(np.abs(points) > 1).any(-1)] = np.nan
        return points

    def of_places(self, places: np.ndarray) -> np.ndarray:
        """Centre and reach [F, 3] of this one, from those of the squares that are looked at; in the mirror, too."""
        centre, reach = places[:, :2], places[:, 2:] * MARGIN
        middle = (np.array([self.left, self.top]) + self.side / 2) / self.kept * 2 - 1
        centre = (centre + reach * middle) * ((-1, 1) if self.mirrored else (1, 1))
        return np.concatenate([centre, reach * self.side / self.kept], axis=1).astype(np.float32)


def keep_looks(
    model: FineParser,
    clips: PosedClips,
    folder: Path,
    accelerator: Accelerator,
    *,
    workers: int = 0,
    on_done: Callable[[int, int], None] = lambda done, of: None,
) -> None:
    """Lets a network with a diver's track outline the clips and keeps what its squares show; as `keep` does."""
    config = model.config
    side, whole_side, frames = round(config.focus_size * MARGIN), config.image_size, config.clip_frames
    arrays = {
        "squares": ((frames, _CHANNELS, side, side), np.uint8),
        "postures": ((frames, len(POSTURE)), np.float32),
        "landmarks": ((frames, len(LANDMARKS), 2), np.float32),
        "outlined": ((frames, whole_side, whole_side), np.uint8),
        "places": ((frames, 3), np.float32),
        "labels": ((3 + len(PRICES),), np.float32),
    }
    keep(model, clips, folder, accelerator, arrays, look_at, workers=workers, on_done=on_done)


def look_at(model: FineParser, batch: PosedBatch) -> tuple[np.ndarray, ...]:
    """What is kept of B clips, in the order of the files."""
    clips = pictures_of(batch.clips.clips, model.config.picture_size)
    outlined = frame_probability(model.outline(clips), model.config.window_starts)
    focus = DiverFocus.of(outlined)
    known, whole = batch.clips, (outlined * 255).round().byte()
    moments = known.transitions.float().where(known.has_transitions[:, None], torch.nan)
    places = torch.cat([focus.centre, focus.reach[..., None]], dim=-1)
    labels = torch.cat([moments, known.deserved[:, None].float(), known.deductions], dim=-1)
    seen = look_through(focus, outlined, clips, batch, model.config.focus_size)
    return *seen, *(values.cpu().numpy() for values in (whole, places, labels))


def look_through(
    focus: DiverFocus, outlined: Tensor, clips: Tensor, batch: PosedBatch, size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the squares of a focus show of clips [B, 3, 96, H, W] with found and true masks, [B, 96, 5, 120, 120];
    postures [B, 96, 25] and landmarks [B, 96, 7, 2], as they are kept."""
    wide = DiverFocus(focus.centre, focus.reach * MARGIN)
    # Each is cut out of what there is of it: the found masks are coarser than the pictures and the true ones.
    shown = (clips.float(), outlined[:, None].float(), batch.clips.masks.float())
    pictures = torch.cat([wide.cut(pictures, round(size * MARGIN)) for pictures in shown], dim=1)
    pictures = pictures.unflatten(0, outlined.shape[:2])
    pictures[:, :, :3] = denormalise(pictures[:, :, :3])
    squares = (pictures * 255).round().clamp(0, 255).byte()
    landmarks = (batch.landmarks - focus.centre[:, :, None]) / focus.reach[:, :, None, None]
    return tuple(values.cpu().numpy() for values in (squares, batch.postures, landmarks))
