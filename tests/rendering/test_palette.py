from itertools import combinations

import numpy as np
import pytest

from fineparser.rendering.palette import BLACK, DARK, HEATMAP, LIGHT, NEUTRAL, PHASE_COLOURS, WHITE, Colour, heatmap

# How colours look to people who lack one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1.0),
# on linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def seen(colour: Colour, blindness: str) -> np.ndarray:
    """CIE L*a*b* of a colour as a person perceives it."""
    share = np.array(colour.rgb) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    x, y, z = XYZ @ np.clip(BLINDNESS[blindness] @ linear, 0, 1) / [0.9505, 1, 1.089]
    fx, fy, fz = (np.cbrt(one) if one > 0.008856 else 7.787 * one + 16 / 116 for one in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_phases_are_distinguishable_for_colour_blind_people(blindness):
    for one, other in combinations(PHASE_COLOURS.values(), 2):
        # 2.3 is the least difference that is noticed side by side; large areas far apart want several times that.
        assert np.linalg.norm(seen(one, blindness) - seen(other, blindness)) > 15


def test_contrast_is_that_of_wcag():
    assert BLACK.contrast(WHITE) == 21
    assert Colour(119, 119, 119).contrast(WHITE) == pytest.approx(
        4.48, abs=0.005
    )  # the well-known #777 that just fails


def test_text_is_legible():
    for theme in (LIGHT, DARK):
        assert theme.text.contrast(theme.page) > 7
        assert theme.muted.contrast(theme.page) > 4.5
    assert min(NEUTRAL.text.contrast(ground.page) for ground in (LIGHT, DARK)) > 4.3
    assert min(colour.contrast(BLACK) for colour in PHASE_COLOURS.values()) > 4.5  # labels on the bands are black


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_the_heatmap_becomes_lighter_for_everyone(blindness):
    lightness = [seen(colour, blindness)[0] for colour in HEATMAP]
    assert np.diff(lightness).min() > 4


def test_the_heatmap_takes_any_shape_and_clips_values():
    shares = np.array([[-0.2, 0.0, 1 / 9], [0.5, 1.0, 1.7]], np.float16)
    picture = heatmap(shares)
    assert (picture.shape, picture.dtype) == ((2, 3, 3), np.uint8)
    assert picture[0, 0].tolist() == picture[0, 1].tolist() == list(HEATMAP[0].rgb)
    assert picture[1, 1].tolist() == picture[1, 2].tolist() == list(HEATMAP[-1].rgb)
    assert np.abs(picture[0, 2].astype(int) - HEATMAP[1].rgb).max() <= 2
