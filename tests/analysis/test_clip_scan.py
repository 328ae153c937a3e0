import numpy as np
import pytest

from fineparser.analysis.clip_scan import ClipScan, MotionAccumulator, MotionEnergy
from fineparser.video.decoder import Decoder
from fineparser.video.info import VideoError
from fineparser.video.limits import Limits
from fineparser.video.reader import open_source, probe, reopen
from fineparser.video.writer import write_video
from tests.analysis.moving_pictures import render_clip
from tests.video.clips import write_folder

COUNT = 12


def scanned(frames) -> MotionEnergy:
    accumulator = MotionAccumulator()
    for frame in frames:
        accumulator.add(frame)
    return accumulator.result()


@pytest.fixture(scope="module")
def panned() -> MotionEnergy:
    """The camera pans 4 pixels to the right and 3 down each frame; the disc stays where it is in the frame."""
    steps = np.arange(COUNT)[:, None] * [4, 3]
    return scanned(render_clip(np.array([120, 60]) + steps, np.array([0, 0]) + steps))


def test_camera_motion_is_estimated(panned):
    corner = panned.to_first_frame(np.zeros((COUNT, 2))) * 180
    assert corner == pytest.approx(np.arange(COUNT)[:, None] * [4.0, 3.0], abs=1.0)


def test_transforms_are_inverse(panned):
    points = np.random.default_rng(0).uniform(0, 1, (COUNT, 2))
    assert panned.from_first_frame(panned.to_first_frame(points)) == pytest.approx(points)


def test_the_disc_moves_in_front_of_a_panned_wall(panned):
    middle = panned.centroids()[1:] * 180
    assert np.linalg.norm(middle - [120, 60], axis=1).max() < 25
    assert panned.aspect == pytest.approx(240 / 180)


def test_there_is_no_centroid_without_motion():
    still = scanned(render_clip(np.full((4, 2), 100.0), np.zeros((4, 2), int)))
    assert np.isnan(still.centroids()).all()
    assert still.camera == pytest.approx(np.broadcast_to(np.eye(3), (4, 3, 3)), abs=1e-3)


def test_a_selection_starts_from_its_own_first_frame(panned):
    part = panned.select(np.arange(5, COUNT))
    assert part.camera[0] == pytest.approx(np.eye(3))
    assert part.to_first_frame(np.zeros((COUNT - 5, 2)))[-1] * 180 == pytest.approx([24, 18], abs=1.0)


@pytest.mark.parametrize("frame", [np.zeros((40, 60, 3), np.uint8), np.full((16, 300, 3), 200, np.uint8)])
def test_an_empty_frame_has_no_motion(frame):
    motion = scanned([frame, frame, frame])
    assert motion.camera == pytest.approx(np.broadcast_to(np.eye(3), (3, 3, 3)))
    assert motion.energy.max() == 0


def test_flicker_of_the_whole_frame_is_no_motion():
    frames = render_clip(np.full((6, 2), 100.0), np.zeros((6, 2), int)).astype(int)
    frames[::2] += 12
    assert scanned(np.clip(frames, 0, 255).astype(np.uint8)).energy.mean() < 0.2


@pytest.fixture
def frames() -> np.ndarray:
    """Two shots of 20 frames of a bright block that falls before a texture."""
    random = np.random.default_rng(0)
    shots = []
    for colour in ((150, 60, 60), (60, 150, 60)):
        texture = np.array(colour) + random.integers(-50, 51, (30, 40, 1))
        shot = np.repeat(texture.repeat(8, axis=0).repeat(8, axis=1)[None], 20, axis=0)
        for number, frame in enumerate(shot):
            frame[20 + 8 * number : 50 + 8 * number, 150:180] = 250
        shots.append(shot)
    return np.concatenate(shots).astype(np.uint8)


def test_a_file_is_scanned_in_one_pass(frames, tmp_path, monkeypatch):
    path = write_video(tmp_path / "clip.mp4", frames, 25.0)
    opened = []
    original = Decoder.__init__
    monkeypatch.setattr(
        Decoder, "__init__", lambda self, *args, **kwargs: [opened.append(1), original(self, *args, **kwargs)][-1]
    )
    scan = ClipScan.from_file(path)
    assert len(opened) == 1
    assert scan.cuts == (20,)
    assert scan.info == probe(path)
    with open_source(path) as source:
        expected = scanned(frame for _, frame in source.stream())
    assert scan.motion.energy.shape == expected.energy.shape
    np.testing.assert_allclose(scan.motion.energy, expected.energy, atol=0.1 * expected.energy.max())
    rows = scan.motion.centroids()[1:20, 1]
    assert np.polyfit(np.arange(19), rows, 1)[0] == pytest.approx(8 / 240, rel=0.1)
    with reopen(scan.info) as source:
        assert source.frame(39).shape == (240, 320, 3)


def test_a_folder_is_scanned(frames, tmp_path):
    scan = ClipScan.from_file(write_folder(tmp_path / "frames", frames, first=100))
    assert scan.cuts == (120,)
    assert scan.info.first_number == 100


def test_limits_hold_during_the_scan(frames, tmp_path):
    path = write_video(tmp_path / "clip.mp4", frames, 25.0)
    with pytest.raises(VideoError, match="more than the limit"):
        ClipScan.from_file(path, Limits(max_pixels=1000))
