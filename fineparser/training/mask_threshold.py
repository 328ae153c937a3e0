"""Threshold of the masks: the logit at which their IoU is best."""

import torch
from torch import nn

from fineparser.data.clip_input import network_input
from fineparser.data.simulated_datasets import PoseDataset
from fineparser.model.compact import CompactFineParser
from fineparser.training.encoded_dives import evaluation_mode, resize_batch

CALIBRATION_CLIPS = 64
"""Clips on which the threshold is chosen."""
THRESHOLDS = tuple(step / 20 for step in range(-40, 41))
"""Candidates: offsets that are added to the logits."""


@torch.no_grad()
def calibrate_mask_bias(model: CompactFineParser, clips: PoseDataset, output: nn.Conv2d) -> float:
    """Add the offset with the best mean IoU to the bias of a mask output, in place; return it.

    A probability of one half is not the best threshold: thin arms are uncertain, and true masks are slightly wide,
    since a pixel belongs to the diver from half covered on. Whole clips are used, since crops show neither.

    Args:
        model: network with the output.
        clips: training clips with masks, of which the first `CALIBRATION_CLIPS` are used.
        output: last layer of the masks.
    """
    offsets, device = torch.tensor(THRESHOLDS), model.device
    scores = []
    with evaluation_mode(model):
        for index in range(min(len(clips), CALIBRATION_CLIPS)):
            batch = resize_batch(clips[index].clips.to(device), model.config)
            _, diagnostics = model.encode_with_diagnostics(network_input(model, batch.clips))
            assert batch.masks is not None  # PoseDataset refuses dives without masks
            logits, truth = diagnostics.crop_mask_logits.flatten().cpu(), batch.masks.flatten().cpu()
            # Counts of pixels at or above each threshold, from two sorted lists.
            below = [torch.searchsorted(values.sort().values, -offsets) for values in (logits, logits[truth])]
            predicted, intersection = len(logits) - below[0], int(truth.sum()) - below[1]
            scores.append(intersection / (predicted + truth.sum() - intersection).clamp_min(1))
    best = THRESHOLDS[int(torch.stack(scores).mean(0).argmax())]
    assert output.bias is not None
    output.bias += best
    return best
