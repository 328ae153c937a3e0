"""The contact sheet has a tile for each frame, with the outline of its mask."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fineparser.data.dives import Dive, Location
from fineparser.rendering.contact_sheet import MAX_COLUMNS, MAX_FRAMES, TILE_HEIGHT, contact_sheet


class Grey:
    """Frame n is as bright as n."""

    def read(self, numbers):
        return np.broadcast_to(np.array(numbers, np.uint8)[:, None, None, None], (len(numbers), 90, 160, 3)).copy()

    def read_masks(self, numbers):
        raise AssertionError("there are none")


def dive(last: int) -> Dive:
    return Dive("a", "club", "train", Grey(), Location(Path("dives.csv")), 10, last)


def tile(sheet, index: int) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(sheet.jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]
    row, column = divmod(index, sheet.columns)
    return image[row * sheet.height : (row + 1) * sheet.height, column * sheet.width : (column + 1) * sheet.width]


def test_every_frame_has_its_tile():
    sheet = contact_sheet(dive(49))
    assert (sheet.width, sheet.height, sheet.columns) == (320, TILE_HEIGHT, MAX_COLUMNS)
    assert sheet.numbers == tuple(range(10, 50))
    for index in (0, 11, 12, 39):
        assert tile(sheet, index).mean() == pytest.approx(10 + index, abs=2)


def test_long_dives_are_thinned_from_end_to_end():
    sheet = contact_sheet(dive(255))
    assert len(sheet.numbers) == MAX_FRAMES
    assert (sheet.numbers[0], sheet.numbers[-1]) == (10, 255)


def test_masks_are_outlined():
    def read_mask(number, width, height):
        assert (width, height) == (160, 90)
        mask = np.zeros((height, width), bool)
        mask[20:70, 40:120] = number == 11
        return mask

    sheet = contact_sheet(dive(12), read_mask)
    plain, outlined = tile(sheet, 0), tile(sheet, 1)
    assert int(plain.max()) < 40
    edge = outlined[TILE_HEIGHT * 45 // 90, 320 * 40 // 160 - 2 : 320 * 40 // 160 + 3]
    assert edge[:, 0].max() > 120  # orange
    assert int(outlined[TILE_HEIGHT // 2, 160].max()) < 60  # nothing is filled
