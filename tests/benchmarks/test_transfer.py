import numpy as np
import pytest
import torch

from benchmarks.transfer import SmallUNet, TransferBenchmark, train_and_evaluate
from fineparser.video.writer import write_video

pytestmark = pytest.mark.slow


@pytest.fixture
def real(tmp_path):
    """A labelled clip folder with one clip that has masks and one that has none."""
    frames = np.full((40, 112, 200, 3), 80, np.uint8)
    mask = np.zeros((40, 112, 200), bool)
    mask[:, 30:80, 90:110] = True
    frames[mask] = (210, 160, 130)
    write_video(tmp_path / "dive.mp4", frames, 25.0)
    write_video(tmp_path / "other.mp4", frames[:, ::-1], 25.0)
    np.savez_compressed(tmp_path / "dive.npz", mask=mask)
    (tmp_path / "dives.csv").write_text("clip,mask\ndive.mp4,dive.npz\nother.mp4,\n")
    return tmp_path


def test_the_network_is_trained_on_simulated_frames_and_evaluated_on_real_ones(real):
    lines = []
    threads = torch.get_num_threads()
    options = TransferBenchmark(minutes=0.1, real=real, batch=4, workers=0, pool=8, test_clips=2)
    result = train_and_evaluate(options, lines.append)
    assert torch.get_num_threads() == threads
    assert result.steps >= 1
    assert result.frames == 4 * result.steps
    assert len(result.iou) == len(result.pooled_iou) == 1
    assert all(0 <= value <= 1 for value in (*result.iou.values(), *result.pooled_iou.values(), result.simulated_iou))
    assert result.to_json()["mean_iou"] == result.mean_iou


def test_a_folder_without_masks_is_refused(real):
    (real / "dives.csv").write_text("clip\ndive.mp4\n")
    with pytest.raises(ValueError, match=r"no clip of .* has a mask"):
        train_and_evaluate(TransferBenchmark(real=real))


def test_the_network_keeps_the_size():
    with torch.inference_mode():
        assert SmallUNet().eval()(torch.zeros(2, 9, 112, 112)).shape == (2, 112, 112)
