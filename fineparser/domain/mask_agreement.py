"""Agreement of masks, by measures of segmentation and of salient object detection.

A prediction is the probability of each pixel, a true mask is boolean, both [T, H, W] for a clip of T frames. IoU and F1
count the pixels of a whole clip at probability 0.5. MAE, F-beta and S-measure are defined on single frames and averaged
over a clip.
"""

import numpy as np

THRESHOLD = 0.5
BETA_SQUARED = 0.3  # Achanta et al. 2009: precision counts more than recall
STRUCTURE_ALPHA = 0.5  # Fan et al. 2017: the object-aware and the region-aware part count alike
_TINY = np.finfo(np.float64).eps


def pixel_counts(probability: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """[3]: true positives, false positives and false negatives of a clip at probability 0.5."""
    _check(probability, truth)
    predicted = probability >= THRESHOLD
    both = np.count_nonzero(predicted & truth)
    return np.array([both, np.count_nonzero(predicted) - both, np.count_nonzero(truth) - both], dtype=np.float64)


def intersection_over_union(counts: np.ndarray) -> np.ndarray:
    """[..., 3] pixel counts to [...]; 1 where neither prediction nor truth holds a pixel.

    >>> float(intersection_over_union(np.array([2.0, 1.0, 1.0])))
    0.5
    """
    union = counts.sum(axis=-1)
    return np.where(union > 0, counts[..., 0] / np.where(union > 0, union, 1), 1.0)


def f1_score(counts: np.ndarray) -> np.ndarray:
    """[..., 3] pixel counts to [...], 2 TP / (2 TP + FP + FN); 1 where neither side holds a pixel.

    >>> float(f1_score(np.array([2.0, 1.0, 1.0])))
    0.6666666666666666
    """
    both = 2 * counts[..., 0] + counts[..., 1] + counts[..., 2]
    return np.where(both > 0, 2 * counts[..., 0] / np.where(both > 0, both, 1), 1.0)


def mean_absolute_error(probability: np.ndarray, truth: np.ndarray) -> float:
    """Mean of |probability - truth| over the pixels of a clip."""
    _check(probability, truth)
    return float(np.abs(probability.astype(np.float64) - truth).mean())


def f_beta(probability: np.ndarray, truth: np.ndarray) -> float:
    """F-beta (beta^2 = 0.3) at the adaptive threshold of Achanta et al. 2009, mean over a clip's frames.

    A pixel of a frame is predicted where its probability reaches twice the frame's mean (at most 1) and is not 0.
    Frames without a true pixel have no recall and are left out; NaN where a clip has nothing else.
    """
    _check(probability, truth)
    values = []
    for frame, true in zip(probability.astype(np.float64), truth, strict=True):
        if not true.any():
            continue
        predicted = (frame >= min(2 * frame.mean(), 1.0)) & (frame > 0)
        hits, size = np.count_nonzero(predicted & true), np.count_nonzero(true)
        # (1 + b) P R / (b P + R) with P = hits / predicted and R = hits / true, free of 0 / 0
        values.append((1 + BETA_SQUARED) * hits / (BETA_SQUARED * size + np.count_nonzero(predicted)))
    return float(np.mean(values)) if values else float("nan")


def s_measure(probability: np.ndarray, truth: np.ndarray) -> float:
    """Structure measure (Fan et al., ICCV 2017, alpha 0.5), mean over a clip's frames.

    A frame without a true pixel counts 1 - mean probability, a frame full of them the mean probability.
    """
    _check(probability, truth)
    frames = probability.astype(np.float64)
    return float(np.mean([_structure(frame, true) for frame, true in zip(frames, truth, strict=True)]))


def _structure(frame: np.ndarray, true: np.ndarray) -> float:
    """Structure measure of one frame, [H, W] and [H, W]."""
    share = true.mean()
    if share == 0:
        return 1 - frame.mean()
    if share == 1:
        return frame.mean()
    inside, outside = _object_similarity(frame[true]), _object_similarity(1 - frame[~true])
    object_aware = share * inside + (1 - share) * outside
    value = STRUCTURE_ALPHA * object_aware + (1 - STRUCTURE_ALPHA) * _region_similarity(frame, true)
    return max(value, 0.0)


def _object_similarity(values: np.ndarray) -> float:
    """Level and uniformity of the values within one region (equation 5 of the paper, lambda 0.5)."""
    mean = values.mean()
    spread = values.std(ddof=1) if len(values) > 1 else 0.0
    return 2 * mean / (mean**2 + 1 + spread + _TINY)


def _region_similarity(frame: np.ndarray, true: np.ndarray) -> float:
    """Similarity of the four blocks that meet at the true mask's centroid, each by its share of the area."""
    rows, columns = np.nonzero(true)
    # The authors' code counts pixels from 1 and puts the rounded centroid's pixel into the upper left block.
    row, column = int(np.floor(rows.mean() + 1.5)), int(np.floor(columns.mean() + 1.5))
    total = 0.0
    for vertical in (slice(None, row), slice(row, None)):
        for horizontal in (slice(None, column), slice(column, None)):
            block = frame[vertical, horizontal]
            if block.size:
                total += block.size / frame.size * _block_similarity(block, true[vertical, horizontal])
    return total


def _block_similarity(x: np.ndarray, y: np.ndarray) -> float:
    """Similarity of luminance, contrast and structure (SSIM without its constants) of two blocks."""
    y = y.astype(np.float64)
    mean_x, mean_y = x.mean(), y.mean()
    degrees = x.size - 1 + _TINY
    variances = (((x - mean_x) ** 2).sum() + ((y - mean_y) ** 2).sum()) / degrees
    covariance = ((x - mean_x) * (y - mean_y)).sum() / degrees
    above = 4 * mean_x * mean_y * covariance
    below = (mean_x**2 + mean_y**2) * variances
    if above != 0:
        return above / (below + _TINY)
    return 1.0 if below == 0 else 0.0


def _check(probability: np.ndarray, truth: np.ndarray) -> None:
    if probability.shape != truth.shape or probability.ndim != 3:
        raise ValueError(
            f"a clip's probabilities and truth are both [T, H, W], not {probability.shape} and {truth.shape}"
        )
    if truth.dtype != np.bool_:
        raise ValueError(f"a true mask is boolean, not {truth.dtype}")
