"""The little of a face that a picture of a diver shows: eyes, brows and mouth."""

import numpy as np

SMALLEST = 5.0  # pixels of a head's radius below which no feature shows
# up from the chin end of the face and to the side, half height, half width (all metres), darkness, redness
_FEATURES = (
    (0.048, 0.031, 0.008, 0.014, 0.7, 0.0),
    (0.068, 0.031, 0.005, 0.02, 0.55, 0.0),
    (-0.022, 0.0, 0.006, 0.024, 0.4, 0.5),
)


def draw_face(colours, up, side, front):
    """Darken eyes, brows and mouth on a face.

    Args:
        colours: [n, 3] RGB of points of the face, changed in place.
        up: [n] metres above the start of the face along its axis.
        side: [n] metres to its left.
        front: [n] how much the surface looks forward, -1 to 1.
    """
    shown = np.clip(3 * front, 0, 1)
    for height, apart, tall, wide, dark, red in _FEATURES:
        offset = (np.abs(side) - apart) / wide if apart else side / wide
        strength = dark * shown * np.exp(-(((up - height) / tall) ** 2) - offset**2)
        tint = np.array([1 - red, 1.0, 1.0])
        colours *= 1 - strength[:, None] * tint
