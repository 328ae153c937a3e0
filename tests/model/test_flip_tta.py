"""Flip test-time augmentation: means over a clip and its mirror image."""

import torch

from fineparser.model.crop_track import CropTrack


def test_the_second_pass_is_mirrored_and_follows_the_masks_of_the_first(tiny):
    frames, masks = torch.randn(2, 3, 96, 32, 32), torch.rand(2, 96, 32, 32)
    transitions = torch.tensor([[20, 60], [30, 80]])
    with torch.inference_mode():
        both = tiny.track_features(frames, masks)
        first = tiny.crop_pass(frames, masks, CropTrack.from_masks(masks))
        guide = ((masks + first.masks) / 2).flip(-1)
        second = tiny.crop_pass(frames.flip(-1), guide, CropTrack.from_masks(first.masks.flip(-1)))
        tokens = [tiny.phase_tokens(one.track[:, None], transitions)["static"] for one in (first, second)]
        mean = tiny.phase_tokens(both.tracks, transitions)["static"]
        cached = tiny.temporal_from_cache(both.tracks)
    torch.testing.assert_close(both.tracks, torch.stack([first.track, second.track], dim=1))
    torch.testing.assert_close(both.probabilities, (first.probabilities + second.probabilities) / 2)
    torch.testing.assert_close(both.masks, (first.masks + second.masks.flip(-1)) / 2)
    torch.testing.assert_close(mean, sum(tokens) / 2)
    torch.testing.assert_close(cached, (both.tracks, both.probabilities))
