"""What the network knows of a clip by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

NEAR = 2
"""Frames off that still count as the place where a transition was put."""
LEAST_SURE = 1e-4
"""Probabilities nearer to 0 or 1 count as this far off, where logits are made of them."""
PICTURED = ("mask_logits", "outlines", "side_logits", "entry_shown", "entry_layers")
"""Fields with a value a pixel."""
NO_SIDES = "this encoding has no side outputs: call encode(..., side_outputs=True)"


@dataclass(frozen=True)
class ClipEncoding:
    """Everything about B clips that does not depend on their partners.

    An exemplar is its encoding plus its score.
    """

    dynamic: Tensor
    """[B, 9, 1024]: gated feature of each window; of a diver's track [B, 3, 4, 64]: tokens by phase of what moves."""
    transition_probabilities: Tensor
    """[B, 96, 2]: column 0 the first flight frame, column 1 the first entry frame."""
    transitions: Tensor
    """[B, 2] int64: those the static tokens were pooled at: given ones, else decoded from the probabilities."""
    static: Tensor | None = None
    """[B, 3, 4, 64]: static tokens by phase; None with the static branch off."""
    entry: Tensor | None = None
    """[B, 14]: what `EntryReader` reads of the drawn entry; None without `entry_channels`."""
    entry_shown: Tensor | None = None
    """[B, 16, 3, 96, 96], 0 to 1: what the squares over the water show, at `fineparser.model.entry_scene.OFFSETS`."""
    entry_layers: Tensor | None = None
    """[B, 16, 3, 48, 48], 0 to 1: body, flying water and foam as they are drawn in them. Both where side outputs were
    asked for."""
    frames: Tensor | None = None
    """[B, L, 96, 512] (of a diver's track [B, L, 96, 649]): what the static tokens were made of, in one look or, with
    `second_look`, two; None unless asked for."""
    mask_logits: Tensor | None = None
    """[B, 9, 16, 112, 112]: the fused mask of each window; None once dropped to save memory."""
    outlines: Tensor | None = None
    """[B, 96, 112, 112]: probabilities of the masks as they were drawn anew around the diver (`focus_outlines`) and,
    with `refiner_channels`, once more before the scenery."""
    side_logits: Tensor | None = None
    """[B, 9, 4, 16, 112, 112]: the mask of each depth, where side outputs were asked for."""
    window_starts: tuple[int, ...] = ()
    """First frame of each window."""

    def __len__(self) -> int:
        return len(self.dynamic)

    @property
    def mask_probability(self) -> Tensor:
        """[B, 96, 112, 112]: probability that a pixel shows the diver: as drawn anew, or averaged over the windows.

        Raises:
            ValueError: where the masks were dropped.
        """
        if self.outlines is not None:
            return self.outlines
        if self.mask_logits is None:
            raise ValueError("this encoding has no masks: it was made or stored without them; encode the clip again")
        return frame_probability(self.mask_logits, self.window_starts)

    @property
    def transition_confidence(self) -> Tensor:
        """[B, 2]: probability that each transition is within two frames of where it was put, at most 1.

        Labels are no more exact than that, and a network spreads what it knows over neighbours.
        """
        return confidence(self.transition_probabilities, self.transitions)

    @property
    def side_probability(self) -> Tensor:
        """[B, 4, 96, 112, 112]: the same of each side output.

        Raises:
            ValueError: where the side outputs were not asked for.
        """
        if self.side_logits is None:
            raise ValueError(NO_SIDES)
        return torch.stack([frame_probability(side, self.window_starts) for side in self.side_logits.unbind(2)], dim=1)

    @property
    def outline_logits(self) -> Tensor:
        """[B, 96, 112, 112]: logits of `outlines`, of a network that draws masks anew."""
        return self.outlines.clamp(LEAST_SURE, 1 - LEAST_SURE).logit()

    @property
    def mask_outputs(self) -> list[Tensor]:
        """Tensors [B * 9, 1, 16, 112, 112] as the mask loss sums them: four side outputs, the fused mask and, where
        masks were drawn anew, the logits of those.

        Raises:
            ValueError: where the side outputs were not asked for.
        """
        if self.side_logits is None or self.mask_logits is None:
            raise ValueError(NO_SIDES)
        sides = self.side_logits.flatten(0, 1).split(1, dim=1)
        outputs = [*sides, self.mask_logits.flatten(0, 1)[:, None]]
        if self.outlines is not None:
            outputs.append(self.windows_of(self.outline_logits[:, None]))
        return outputs

    def windows_of(self, per_frame: Tensor) -> Tensor:
        """A tensor [B, C, 96, H, W], such as true masks, cut like `mask_outputs`: [B * 9, C, 16, H, W]."""
        length = per_frame.shape[2] - self.window_starts[-1]
        windows = [per_frame[:, :, start : start + length] for start in self.window_starts]
        return torch.stack(windows, dim=1).flatten(0, 1)

    def without_masks(self) -> "ClipEncoding":
        """The same without masks, side outputs and drawings: what a bank keeps."""
        return replace(self, **dict.fromkeys(PICTURED))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """What a bank keeps, without torch: arrays by the names of the fields, floating point ones in 32 bits."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "window_starts"}
        return {
            name: (tensor.float() if tensor.is_floating_point() else tensor).cpu().numpy()
            for name, tensor in tensors.items()
            if tensor is not None and name not in ("frames", *PICTURED)
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray], window_starts: tuple[int, ...]) -> "ClipEncoding":
        """The encoding that `to_arrays` took apart."""
        return cls(**{name: torch.from_numpy(array) for name, array in arrays.items()}, window_starts=window_starts)

    def select(self, index: Tensor | slice | list[int]) -> "ClipEncoding":
        """Some of the clips, in the order of the index; an index may repeat."""
        return self._map(lambda tensor: tensor[index])

    def expand(self, count: int) -> "ClipEncoding":
        """One clip as a batch of `count`, sharing its memory.

        Raises:
            ValueError: for a batch of another size than 1.
        """
        if len(self) != 1:
            raise ValueError(f"only a single clip can stand for {count}, this encoding has {len(self)}")
        return self._map(lambda tensor: tensor.expand(count, *tensor.shape[1:]))

    def to(self, *args: object, **kwargs: object) -> "ClipEncoding":
        """On another device, or with floating point tensors of another dtype; the transitions stay whole numbers."""
        moved = self._map(lambda tensor: tensor.to(*args, **kwargs))
        return replace(moved, transitions=moved.transitions.long())

    def detach(self) -> "ClipEncoding":
        """Cut from the graph that made it."""
        return self._map(Tensor.detach)

    @staticmethod
    def concatenate(encodings: Sequence["ClipEncoding"]) -> "ClipEncoding":
        """Several batches as one; what one of them lacks, the whole lacks."""
        values = {}
        for field in fields(ClipEncoding):
            parts = [getattr(encoding, field.name) for encoding in encodings]
            if field.name == "window_starts":
                values[field.name] = parts[0]
            else:
                values[field.name] = None if any(part is None for part in parts) else torch.cat(parts)
        return ClipEncoding(**values)

    def _map(self, change) -> "ClipEncoding":
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "window_starts"}
        return replace(self, **{name: change(t) for name, t in tensors.items() if t is not None})


def confidence(probabilities: Tensor, transitions: Tensor) -> Tensor:
    """What the probabilities [B, T, 2] give to the frames around transitions [B, 2], each [B, 2] and at most 1."""
    frames = torch.arange(probabilities.shape[1], device=transitions.device)
    near = (frames[None, :, None] - transitions[:, None]).abs() <= NEAR  # [B, T, 2]
    return (probabilities * near).sum(1).clamp(max=1)


def frame_probability(logits: Tensor, window_starts: Sequence[int]) -> Tensor:
    """Logits of windows [B, 9, 16, H, W] to probabilities of frames [B, 96, H, W]: means over the windows of each."""
    batch, _, length, height, width = logits.shape
    frames = window_starts[-1] + length
    total = logits.new_zeros((batch, frames, height, width), dtype=torch.float32)
    seen = total.new_zeros(frames)
    for window, start in enumerate(window_starts):
        total[:, start : start + length] += torch.sigmoid(logits[:, window].float())
        seen[start : start + length] += 1
    return total / seen[:, None, None]
