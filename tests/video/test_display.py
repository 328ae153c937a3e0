"""Display matrices and the conversion to RGB."""

import numpy as np
import pytest

from fineparser.video.display import Orientation


def matrix(a: float, b: float, c: float, d: float) -> np.ndarray:
    return (np.array([a, b, 0, c, d, 0, 0, 0, 2**14]) * 2**16).astype(np.int64).astype(np.int32)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_matrix_moves_points_as_it_says(rotation, mirrored):
    """The bright corner of a stored frame ends where the matrix sends it."""
    turn = np.deg2rad(rotation)
    linear = np.round([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    if mirrored:
        linear = linear @ np.diag([-1, 1])
    (a, c), (b, d) = linear
    orientation = Orientation.from_matrix(matrix(a, b, c, d))
    assert orientation == Orientation(rotation, mirrored)
    stored = np.zeros((4, 6, 3), np.uint8)
    stored[0, 5] = 255  # at the top right
    shown = orientation.apply(stored)
    assert shown.shape == ((6, 4, 3) if orientation.is_sideways else (4, 6, 3))
    x, y = linear @ [1, -1]  # seen from the centre
    assert shown[-1 if y > 0 else 0, -1 if x > 0 else 0].min() == 255


def test_other_angles_are_rounded_and_empty_matrices_passed_over():
    turn = np.deg2rad(80)
    assert Orientation.from_matrix(matrix(np.cos(turn), np.sin(turn), -np.sin(turn), np.cos(turn))) == Orientation(90)
    assert Orientation.from_matrix(np.zeros(9, np.int32)) == Orientation()
    assert Orientation.from_matrix(matrix(-0.999, 0, 0, -0.999)) == Orientation(180)
