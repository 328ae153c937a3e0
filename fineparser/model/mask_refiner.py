"""Optional post-processing of masks: refinement by the background behind the diver."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from fineparser.model.background import FRAME_OFFSETS, Background
from fineparser.model.chunks import REFINER_CHANNELS, chunks
from fineparser.model.config import CompactConfig
from fineparser.model.crop_track import CropTrack
from fineparser.model.crop_unet import CropUNet
from fineparser.model.protocol import ClipInput, pixel_values

DIFFERENCE_UNIT, SPREAD_UNIT = 32, 16
"""Levels of 255 that count 1: of the difference from the background, and of the background's spread."""
MIN_PROBABILITY = 0.003
"""Probabilities nearer to 0 or 1 count as this far off: a wrong mask must be within the refiner's reach."""


class MaskRefiner(nn.Module):
    """Refines the masks of crops by their `Background` (not in the paper).

    crop [10, 96, 96] -- CropUNet --> 1/2 -- 3x3, pixels of 2 x 2 --> change of the mask's logits [96, 96]

    A background estimated from other frames separates the diver from static clutter, such as a post behind a limb. It
    cannot separate the diver from spray or glitter; that is what the refiner learns. The score does not depend on it.
    """

    def __init__(self, config: CompactConfig) -> None:
        super().__init__()
        self.unet = CropUNet(REFINER_CHANNELS, config.refiner_channels, extra_convolutions=1)
        self.crop_size = config.crop_size
        self.change = nn.Conv2d(config.refiner_channels[0], 4, 3, padding=1)
        # Untrained, it leaves the masks as they are.
        for parameter in self.change.parameters():
            nn.init.zeros_(parameter)

    def forward(self, crops: Tensor) -> Tensor:
        """Crops [N, 10, S, S], see `channels`, -> logits of their masks [N, S, S]."""
        logits = crops[:, -1].float().add(1).div(2).clamp(MIN_PROBABILITY, 1 - MIN_PROBABILITY).logit()
        finest = self.unet(crops, self.change.weight.dtype)[-1]
        return logits + functional.pixel_shuffle(self.change(finest).float(), 2)[:, 0]

    @staticmethod
    def channels(background: Background, window_masks: Tensor, masks: Tensor) -> Tensor:
        """Input of the refiner for N crops, float32 [N, 10, S, S], each channel about -1 to 1.

        Args:
            background: of the N crops.
            window_masks: [N, S, S], probabilities of the spatial parser's masks in the crops.
            masks: [N, S, S], of the masks that are to be refined.
        """
        single = [
            background.spread / SPREAD_UNIT,
            background.count * (2 / len(FRAME_OFFSETS)) - 1,
            window_masks * 2 - 1,
            masks * 2 - 1,
        ]
        crops = background.crops.float()
        difference = (crops - background.background) / DIFFERENCE_UNIT
        return torch.cat([crops / 127.5 - 1, difference, torch.stack(single, dim=1)], dim=1)

    def refine(self, clip: ClipInput, window_masks: Tensor, masks: Tensor, chunk: int | None = None) -> Tensor:
        """Refine the masks of whole clips.

        Args:
            clip: B clips, with their camera motion.
            window_masks: [B, 96, 112, 112], probabilities of the spatial parser's masks.
            masks: [B, 96, 112, 112], of the masks that are to be refined.
            chunk: crops that are computed at once; None: all.

        Returns:
            Probabilities [B, 96, 112, 112]; outside the crops those of `masks`.
        """
        track = CropTrack.from_masks(masks.detach())
        backgrounds = [
            background_of(one, mask, crops, self.crop_size)
            for one, mask, crops in zip(clip, masks.detach(), track, strict=True)
        ]
        both = (track.crop(some[:, None], self.crop_size)[:, 0] for some in (window_masks.detach(), masks))
        crops = self.channels(concatenate(backgrounds), *both)
        logits = torch.cat([self(some) for some in chunks(crops, chunk)])
        # Pasted as logits: a mean of probabilities would thin what is thinner than a pixel.
        outside = masks.clamp(MIN_PROBABILITY, 1 - MIN_PROBABILITY).logit()
        return track.paste(logits.unflatten(0, masks.shape[:2]), outside).sigmoid()


def background_of(
    clip: ClipInput, masks: Tensor, crops: CropTrack, size: int, frames: list[int] | None = None
) -> Background:
    """Background of one clip.

    Args:
        clip: a batch of one, with its camera motion.
        masks: [96, h, h], probabilities of the diver.
        crops: of T frames, a batch of one.
        size: height and width of the crops.
        frames: indices of the T frames; None: all.
    """
    motions, shots = clip.require_camera_motion()
    pixels = pixel_values(clip.frames[0].transpose(0, 1)).transpose(0, 1)
    return Background.from_clip(pixels, masks.float(), crops, (motions[0], shots[0]), size, frames)


def concatenate(backgrounds: list[Background]) -> Background:
    """The crops of several clips as one batch."""
    return Background(
        *(torch.cat([getattr(b, name) for b in backgrounds]) for name in ("crops", "background", "spread", "count"))
    )
