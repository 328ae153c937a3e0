"""What an encoding says of itself."""

import torch

from fineparser.model.encoding import ClipEncoding


def test_confidence_is_what_lies_within_two_frames():
    probabilities = torch.zeros(1, 20, 2)
    probabilities[0, 3:9, 0] = torch.tensor([0.1, 0.2, 0.3, 0.2, 0.1, 0.1])
    probabilities[0, 19, 1] = probabilities[0, 18, 1] = 0.7  # each by itself, as the paper's network may say
    encoding = ClipEncoding(torch.zeros(1, 9, 8), probabilities, torch.tensor([[5, 19]]))
    torch.testing.assert_close(encoding.transition_confidence, torch.tensor([[0.9, 1.0]]))
