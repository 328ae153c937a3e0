import torch
from torchvision.models import resnet34

from fineparser.model.static_visual_encoder import FrameResNet


def test_at_the_published_widths_it_is_torchvisions_resnet34():
    torch.manual_seed(0)
    theirs = resnet34(weights=None).eval()
    ours = FrameResNet((3, 4, 6, 3), (64, 128, 256, 512)).eval()
    state = {name: value for name, value in theirs.state_dict().items() if not name.startswith("fc.")}
    ours.load_state_dict(state, strict=True)
    theirs.fc = torch.nn.Identity()
    frames = torch.randn(2, 3, 112, 112)
    with torch.inference_mode():
        expected = theirs(frames)
        assert (ours(frames) - expected).abs().max() <= 1e-4 * expected.abs().max()
