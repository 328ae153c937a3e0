from dataclasses import replace

import cv2
import numpy as np

from fineparser.rendering.key_frames import as_jpeg, diver_boxes, key_pictures
from fineparser.rendering.moments import key_moments


def test_key_pictures_show_the_diver(report):
    shown = list(key_pictures(report))
    assert [moment.name for moment, _ in shown] == [moment.name for moment in key_moments(report)]
    for _, picture in shown:
        assert picture.dtype == np.uint8
        assert picture.shape == shown[0][1].shape
        height, width = picture.shape[:2]
        # The bright block is in the middle.
        assert picture[height // 2, width // 2, 0] > 180


def test_boxes_stay_in_the_picture_and_hold_the_mask(report):
    moments = key_moments(report)
    masks = [report.full_size_mask(moment.index) for moment in moments]
    boxes = diver_boxes(report, moments, masks)
    assert len({(x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes}) == 1
    for (x0, y0, x1, y1), mask in zip(boxes, masks, strict=True):
        assert 0 <= x0 < x1 <= 160
        assert 0 <= y0 < y1 <= 96
        assert mask[y0:y1, x0:x1].sum() == mask.sum()


def test_without_a_mask_what_the_network_saw(report):
    lost = replace(report, mask_probability=np.zeros_like(report.mask_probability))
    moments = key_moments(lost)
    boxes = diver_boxes(lost, moments, [np.zeros((96, 160), bool)] * len(moments))
    assert set(boxes) == {(32, 0, 128, 96)}  # the middle of the picture, as high as it is


def test_jpeg_keeps_the_colours():
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[...] = (200, 40, 90)
    back = cv2.imdecode(np.frombuffer(as_jpeg(picture), np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    assert np.abs(back.astype(int) - picture).max() < 12
