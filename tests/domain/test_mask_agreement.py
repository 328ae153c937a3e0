"""Agreement of masks against scikit-learn, values by hand, and the S-measure's procedure written out plainly."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score as sklearn_f1
from sklearn.metrics import fbeta_score, jaccard_score

from fineparser.domain.mask_agreement import (
    f1_score,
    f_beta,
    intersection_over_union,
    mean_absolute_error,
    pixel_counts,
    s_measure,
)


@pytest.fixture
def clip():
    rng = np.random.default_rng(0)
    truth = np.zeros((4, 20, 30), bool)
    truth[:3, 5:14, 8:17] = True
    probability = np.clip(0.7 * truth + rng.uniform(0, 0.5, truth.shape), 0, 1)
    return probability, truth


def test_iou_and_f1_are_scikit_learns(clip):
    probability, truth = clip
    result, flat = (probability >= 0.5).ravel(), truth.ravel()
    counts = pixel_counts(probability, truth)
    assert float(intersection_over_union(counts)) == pytest.approx(jaccard_score(flat, result))
    assert float(f1_score(counts)) == pytest.approx(sklearn_f1(flat, result))


def test_probability_one_half_counts_as_found():
    truth = np.array([[[True, False]]])
    assert pixel_counts(np.array([[[0.5, 0.4999]]]), truth).tolist() == [1, 0, 0]


def test_an_empty_mask_found_empty_is_right():
    empty, full = np.zeros((1, 2, 2), bool), np.ones((1, 2, 2))
    nothing, wrong = pixel_counts(np.zeros((1, 2, 2)), empty), pixel_counts(full, empty)
    assert (intersection_over_union(nothing), f1_score(nothing)) == (1, 1)
    assert (intersection_over_union(wrong), f1_score(wrong)) == (0, 0)


def test_mean_absolute_error_by_hand():
    probability, truth = np.array([[[0.25, 0.5], [1.0, 0.0]]]), np.array([[[False, True], [True, True]]])
    assert mean_absolute_error(probability, truth) == pytest.approx((0.25 + 0.5 + 0 + 1) / 4)


def test_f_beta_is_scikit_learns_at_the_adaptive_threshold(clip):
    probability, truth = clip
    expected = [
        fbeta_score(true.ravel(), (frame >= 2 * frame.mean()).ravel(), beta=math.sqrt(0.3))
        for frame, true in zip(probability[:3], truth[:3], strict=True)
    ]
    assert f_beta(probability, truth) == pytest.approx(np.mean(expected))  # the fourth frame has no diver


def test_the_adaptive_threshold_stops_at_one():
    probability = np.full((1, 2, 2), 0.9)
    probability[0, 0] = 1.0
    truth = probability == 1.0
    assert f_beta(probability, truth) == pytest.approx(1.0)


def test_f_beta_of_nothing():
    truth = np.zeros((2, 3, 3), bool)
    truth[0, 1, 1] = True
    assert f_beta(np.zeros((2, 3, 3)), truth) == 0.0
    assert np.isnan(f_beta(np.ones((2, 3, 3)), np.zeros((2, 3, 3), bool)))


def plain_s_measure(picture, true):
    """The authors' procedure (Fan et al. 2017), pixel by pixel and with their 1-based centroid."""
    height, width = true.shape
    cells = [(i, j) for i in range(height) for j in range(width)]
    inside, outside = [c for c in cells if true[c]], [c for c in cells if not true[c]]
    if not inside:
        return 1 - sum(picture[c] for c in cells) / len(cells)
    if not outside:
        return sum(picture[c] for c in cells) / len(cells)

    def score(values):
        mean = sum(values) / len(values)
        deviation = math.sqrt(sum((v - mean) ** 2 for v in values) / max(len(values) - 1, 1))
        return 2 * mean / (mean**2 + 1 + deviation)

    share = len(inside) / len(cells)
    objects = share * score([picture[c] for c in inside]) + (1 - share) * score([1 - picture[c] for c in outside])
    y = math.floor(sum(i + 1 for i, _ in inside) / len(inside) + 0.5)
    x = math.floor(sum(j + 1 for _, j in inside) / len(inside) + 0.5)
    regions = 0.0
    for up in (True, False):
        for left in (True, False):
            block = [(i, j) for i, j in cells if (i + 1 <= y) == up and (j + 1 <= x) == left]
            if not block:
                continue
            p, g = [picture[c] for c in block], [float(true[c]) for c in block]
            n, mp, mg = len(block), sum(p) / len(block), sum(g) / len(block)
            divide = n - 1 if n > 1 else np.finfo(float).eps
            vp, vg = sum((v - mp) ** 2 for v in p) / divide, sum((v - mg) ** 2 for v in g) / divide
            both = sum((a - mp) * (b - mg) for a, b in zip(p, g, strict=True)) / divide
            above, below = 4 * mp * mg * both, (mp**2 + mg**2) * (vp + vg)
            similarity = above / below if above else float(below == 0)
            regions += similarity * n / len(cells)
    return max(0.5 * objects + 0.5 * regions, 0.0)


@pytest.mark.parametrize("seed", range(6))
def test_s_measure_follows_the_authors_procedure(seed):
    rng = np.random.default_rng(seed)
    truth = np.zeros((1, 9, 13), bool)
    top, left = rng.integers(0, 5), rng.integers(0, 8)
    truth[0, top : top + rng.integers(1, 5), left : left + rng.integers(1, 6)] = True
    probability = np.clip(rng.normal(truth * 0.6 + 0.2, 0.2), 0, 1)
    assert s_measure(probability, truth) == pytest.approx(plain_s_measure(probability[0], truth[0]), abs=1e-9)


def test_s_measure_of_a_perfect_and_of_an_inverted_mask():
    truth = np.zeros((1, 10, 10), bool)
    truth[0, 2:7, 3:8] = True
    assert s_measure(truth.astype(float), truth) == pytest.approx(1.0)
    assert s_measure(1.0 - truth, truth) == 0.0


def test_s_measure_by_hand():
    """Half the frame is diver, all of it predicted with probability 1/2.

    Object: 2 * 0.5 / (0.25 + 1) = 0.8 inside and outside. Region: no block has any covariance, so a block
    counts 1 where its truth is even and 0 elsewhere; the centroid's blocks hold 1 + 2 columns of the 4 and
    are even throughout the right one. Columns 0-1 are diver: centroid column 1.5 of 1..4, rounded to 2.
    """
    truth = np.zeros((1, 4, 4), bool)
    truth[0, :, :2] = True
    assert s_measure(np.full((1, 4, 4), 0.5), truth) == pytest.approx(0.5 * 0.8 + 0.5 * 1.0)


def test_s_measure_of_empty_and_full_masks():
    probability = np.full((1, 3, 3), 0.25)
    assert s_measure(probability, np.zeros((1, 3, 3), bool)) == pytest.approx(0.75)
    assert s_measure(probability, np.ones((1, 3, 3), bool)) == pytest.approx(0.25)


def test_other_arrays_are_rejected():
    with pytest.raises(ValueError, match=r"both \[T, H, W\]"):
        mean_absolute_error(np.zeros((2, 3, 3)), np.zeros((1, 3, 3), bool))
    with pytest.raises(ValueError, match="boolean, not uint8"):
        s_measure(np.zeros((1, 3, 3)), np.zeros((1, 3, 3), np.uint8))
