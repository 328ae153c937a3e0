from dataclasses import replace

import cv2
import numpy as np
import pytest

from fineparser.analysis.report import Transition
from fineparser.domain.phases import Phase
from fineparser.rendering.key_frames import (
    as_jpeg,
    diver_boxes,
    fault_key_frames,
    find_key_frames,
    key_frame_images,
    mask_elongation,
    opening_index,
    splash_index,
)
from fineparser.rendering.mask_track import MaskTrack
from fineparser.video.framing import Framing


def test_key_frame_images_show_the_diver(report):
    images = list(key_frame_images(report, find_key_frames(report)))
    assert [key_frame.name for key_frame, _ in images] == [key_frame.name for key_frame in find_key_frames(report)]
    for _, image in images:
        assert image.dtype == np.uint8
        assert image.shape == images[0][1].shape
        height, width = image.shape[:2]
        # The bright block is in the middle.
        assert image[height // 2, width // 2, 0] > 180


def test_boxes_stay_in_the_frame_and_contain_the_mask(report):
    key_frames = find_key_frames(report)
    masks = [MaskTrack(report).at(key_frame.frame) for key_frame in key_frames]
    boxes = diver_boxes(report, key_frames, masks)
    assert len({(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes}) == 1
    for (x0, y0, x1, y1), mask in zip(boxes, masks, strict=True):
        assert 0 <= x0 < x1 <= 160
        assert 0 <= y0 < y1 <= 96
        assert mask[y0:y1, x0:x1].sum() == mask.sum()


def test_without_a_mask_the_boxes_are_the_crop(report):
    lost = replace(report, mask_probability=np.zeros_like(report.mask_probability))
    key_frames = find_key_frames(lost)
    boxes = diver_boxes(lost, key_frames, [np.zeros((96, 160), bool)] * len(key_frames))
    assert set(boxes) == {(32, 0, 128, 96)}  # the middle of the image, as high as it is


def test_jpeg_keeps_the_colours():
    image = np.zeros((32, 32, 3), np.uint8)
    image[...] = (200, 40, 90)
    back = cv2.imdecode(np.frombuffer(as_jpeg(image), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(back.astype(int) - image).max() < 12


def with_masks(report, probability):
    return replace(report, mask_probability=probability, framing=Framing.full_frame(160, 96))


def test_phases_start_with_their_transitions(report):
    assert [report.phase_at(number) for number in (2, 17, 18, 40, 41, 55)] == [0, 0, 1, 1, 2, 2]


def test_key_frames_are_in_order(report):
    key_frames = find_key_frames(report)
    assert [key_frame.name for key_frame in key_frames] == [
        "stance",
        "take-off",
        "mid-flight",
        "opening",
        "entry",
        "splash",
    ]
    assert [key_frame.frame for key_frame in key_frames] == sorted(key_frame.frame for key_frame in key_frames)
    by_name = {key_frame.name: key_frame for key_frame in key_frames}
    assert (by_name["stance"].frame, by_name["stance"].seconds) == (2, 0.08)
    assert by_name["take-off"].frame == report.flight.frame
    assert by_name["mid-flight"].index == 50
    assert by_name["entry"].frame == report.entry.frame
    assert by_name["opening"].phase is Phase.FLIGHT


def test_key_frames_on_one_frame_are_named_together(report):
    early = replace(report, flight=Transition(2, 0.08, 0.5, 0))
    assert find_key_frames(early)[0].name == "stance, take-off"


def test_elongation_of_a_bar_is_its_length_over_its_width(report):
    """The standard deviations of a rectangle are proportional to its sides. The crop of the whole 160x96 frame is
    squeezed: 28 columns are 40 source pixels, 35 rows are 30."""
    probability = np.zeros((96, 112, 112), np.float32)
    probability[0, 20:55, 30:58] = 1
    assert mask_elongation(with_masks(report, probability), 0) == pytest.approx(40 / 30, rel=0.01)
    assert np.isnan(mask_elongation(with_masks(report, probability), 1))


def test_the_opening_is_where_the_mask_becomes_long(report):
    """A tucked block up to sample 61, a long bar from sample 62 on; sample 56 is lost to a bad mask."""
    probability = np.zeros((96, 112, 112), np.float32)
    probability[:62, 40:60, 40:52] = 1
    probability[62:, 20:90, 40:52] = 1
    probability[56] = 0
    probability[56, 10:100, 40:46] = 1
    index, how = opening_index(with_masks(report, probability))
    assert (index, how) == (62, "from the mask")


def test_without_an_opening_the_default_is_used(report):
    assert opening_index(report) == (62, "about: 4/5 of the flight")  # 30 + 0.8 x 40
    nothing = np.zeros((96, 112, 112), np.float32)
    assert opening_index(with_masks(report, nothing))[0] == 62


def test_the_splash_is_the_largest_mask_after_the_entry(report):
    probability = np.zeros((96, 112, 112), np.float32)
    probability[10, :, :] = 1
    probability[75, :20] = 1
    probability[83, :30] = 1
    assert splash_index(with_masks(report, probability)) == 83
    assert splash_index(with_masks(report, np.zeros_like(probability))) == 82  # half-way from 70 to 95


def test_phases_that_are_not_in_the_clip_have_no_key_frames(report):
    late = replace(report, missing_phases=(Phase.TAKE_OFF,))
    assert [one.name for one in find_key_frames(late)] == ["mid-flight", "opening", "entry", "splash"]
    cut = replace(report, missing_phases=(Phase.ENTRY,))
    assert [one.name for one in find_key_frames(cut)] == ["stance", "take-off", "mid-flight", "opening"]


def test_the_frames_of_faults_are_named_after_them(judged):
    key_frames = fault_key_frames(judged)
    assert [one.frame for one in key_frames] == [26, 30, 41, 47]
    assert key_frames[2].name == "8\u00b0 over, hips bent 14\u00b0 at the entry"
    assert [int(one.phase) for one in key_frames] == [1, 1, 2, 2]
    for one in key_frames:
        assert abs(int(judged.frame_numbers[one.index]) - one.frame) <= 1
    images = list(key_frame_images(judged, key_frames, longest_side=50))
    assert [one.frame for one, _ in images] == [26, 30, 41, 47]
    assert all(max(image.shape) <= 50 for _, image in images)


def test_without_a_judgement_there_are_no_frames_of_faults(report):
    assert fault_key_frames(report) == []
    assert list(key_frame_images(report, [])) == []
