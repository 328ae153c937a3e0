"""Calibration of the mask threshold."""

import pytest
import torch

from fineparser.data.readers.syndive import SynDives
from fineparser.data.simulated_datasets import PoseDataset
from fineparser.model.compact import CompactFineParser
from fineparser.model.protocol import ClipInput
from fineparser.training.encoded_dives import resize_batch
from fineparser.training.mask_threshold import THRESHOLDS, calibrate_mask_bias


def test_the_offset_has_the_best_mean_iou(smallest):
    torch.manual_seed(0)
    model, clips = CompactFineParser(smallest).eval(), PoseDataset(SynDives(2, seed=3, width="full"))
    before = model.crop_decoder.mask.bias.clone()
    truths, logits = [], []
    for index in range(2):
        batch = resize_batch(clips[index].clips, model.config)
        with torch.no_grad():
            logits.append(model.encode_with_diagnostics(ClipInput(batch.clips))[1].masks.logit())
        truths.append(batch.masks[:, 0])
    scores = []
    for offset in THRESHOLDS:
        masks = [values + offset > 0 for values in logits]
        ious = [(a & b).sum() / max(int((a | b).sum()), 1) for a, b in zip(masks, truths, strict=True)]
        scores.append(float(sum(ious)))
    offset = calibrate_mask_bias(model, clips, model.crop_decoder.mask)
    assert scores[THRESHOLDS.index(offset)] == pytest.approx(max(scores))
    torch.testing.assert_close(model.crop_decoder.mask.bias, before + offset)
