"""Line of the body at the touch of the water: its angle from the vertical, and how far hips and knees are still bent.

Two sources, combined by their errors: a line of two segments that is fitted to the body layer of the entry, and the
keypoints. Angles are those in the picture, of these lines (labels of real clips: `whole_angle_signed` and
`trunk_angle_signed`):

| quantity | head first | feet first |
|---|---|---|
| `entry_angle`, the whole body | toes to fingertips | toes to shoulders |
| `trunk_angle`, the part that enters first but for the legs | hips to fingertips | hips to shoulders |

The label `entry_sense` (short, vertical, over) is that of the trunk. Of a pair of divers one is measured.

Angles are negative where the body had still to rotate to be vertical (short), positive where it has rotated past the
vertical (over). Segments that are far out of the plane of the picture look shorter, and angles smaller or larger: they
are measured only where the rotation is visible from the side.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage, optimize

from fineparser.domain.clip_geometry import ANKLES, KNEES, NECK, PELVIS, TOES, WRISTS
from fineparser.kinematics.kinematics import EntryPicture
from fineparser.kinematics.observation import BODY_LAYER, DiveObservation, EntryObservation
from fineparser.kinematics.quantity import Quantity
from fineparser.kinematics.splash import SplashMeasurement, water_rows

End = Literal["hands", "feet"]
"""End of the body that enters first."""

HIPS_SHARE = {"hands": 0.5, "feet": 0.53}
"""Share of the length of the body layer between the end that enters first and the hips. Of 24 real entries with raised
arms the median is 0.54 by hand; thin hands fade in the layer. Trunk angles of real entries fit best with 0.5, and
hardly worse with 0.46 or 0.54. Feet first, from toes to hips, of the length to the crown."""
HAND_SHARE = 0.33
"""Length of a hand over the distance from shoulder to wrist: keypoints end at the wrists, lines at the fingertips."""

FRAMES_BEFORE, FRAMES_AFTER = 3, 1
"""Sampled frames around the touch whose angles are used; the angle at the touch is taken from the line through them."""
TOUCH_OFFSET = -0.5
"""The touch lies between the first frame with the hands in the water and the one before it."""
TOUCH_ERROR = 0.7
"""Standard error of the touch, sampled frames."""

MIN_COVERAGE = 0.15
"""Share of a pixel from which on it counts as body."""
SOLID_COVERAGE = 0.4
"""Share of a pixel from which on the fitted line may run through it."""
MIN_BODY_PIXELS = 8
"""Pixels of the body layer without which no line is fitted to it."""
BODY_GAP = 2
"""Half the gap, in pixels, that parts of one body may have between them: a dark suit, a bend hidden by an arm."""
LINE_SAMPLES = 24
"""Points along the line that must lie on the body."""
START_BENDS = (-1.2, -0.8, -0.4, 0.0, 0.4, 0.8, 1.2)
"""Bends of the hips, radians; the fit starts from that which is nearest to the body."""

LAYER_ERROR = 5.0
"""Standard error of an angle of a line that is fitted well, degrees."""
GOOD_MISFIT = 0.04
"""Root mean square distance of body pixels from a line that fits well, as a share of its length; errors grow with it in
proportion."""
OUTLIER = 3.0
"""Standard errors beyond which a line of keypoints contradicts the body layer and is left out."""
SLOPE = 8.0
"""Degrees a sampled frame by which lines turn near the touch: standard deviation, for clips with few frames there."""
SHARED_ERRORS = 3.0, 3.0, 3.0, 8.0
"""Degrees by which all lines of one dive, and the bends of their hips, are off together."""
KNEE_ERROR_SHARE = 0.2
"""Error of the bend of the knees over that of independent keypoints: neighbouring ones are off together."""
SUBMERSION_FRAMES = 2, 4
"""Sampled frames after the touch in which the body passes the surface."""
MIN_AGREEMENT = 0.8
"""Length of the mean of the lines of these frames as unit vectors, below which they contradict each other."""
SUBMERSION_ERROR = 5.0
"""Standard error of the line of a body that is half under water, degrees."""
VERTICAL_ERROR = 2.0
"""Degrees by which the picture is tilted where its vertical is not known."""


@dataclass(frozen=True, eq=False)
class BodyLine:
    """A body of two straight segments that meet at the hips."""

    corners: np.ndarray
    """float64 [3, 2]: the end that enters first (fingertips, or toes), hips, and the other end (toes, or crown), in
    source pixels."""
    misfit: float
    """Root mean square distance of the body's pixels, and of points of the line from the body, over its length."""


@dataclass(frozen=True, eq=False, kw_only=True)
class EntryMeasurement:
    """Quantities of `Kinematics` that belong to the entry, and the line that a picture draws."""

    entry_angle: Quantity
    trunk_angle: Quantity
    entry_lean: Quantity
    entry_hip_bend: Quantity
    entry_knee_bend: Quantity
    underwater_angle: Quantity
    body_line: np.ndarray
    """float64 [2, 2]: upper and lower end of the body's line, source pixels of the frame of the touch; NaN where
    unknown."""


def line_angle(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Degrees clockwise from straight down, in the picture, of lines between points [..., 2].

    >>> float(line_angle(np.array([0.0, 0.0]), np.array([-1.0, 1.0])))
    45.0
    """
    across, down = np.moveaxis(np.asarray(lower) - np.asarray(upper), -1, 0)
    return np.degrees(np.arctan2(-across, down))


def fit_body_line(layer: np.ndarray, box: np.ndarray, hips_share: float) -> BodyLine | None:
    """Fit a line of two segments to the body in a crop.

    Each pixel of the body is to be near the line, and each point of the line on the body.

    Args:
        layer: [S, S], 0 to 1: body in each pixel.
        box: left, top, right, bottom edge of the crop in source pixels.
        hips_share: of the line's length, between its lower end and the hips.

    Returns:
        None where hardly any body is visible.
    """
    weights = _largest_body(layer)
    if np.count_nonzero(weights) < MIN_BODY_PIXELS:
        return None
    # In units of the height of a pixel; pixels need not be square.
    pixel = (np.asarray(box[2:]) - box[:2]) / layer.shape[::-1]
    aspect = pixel[0] / pixel[1]
    rows, columns = np.nonzero(weights)
    places = np.stack([(columns + 0.5) * aspect, rows + 0.5], axis=1)
    share = weights[rows, columns] / weights.sum()
    solid = weights >= min(SOLID_COVERAGE, weights.max())
    outside = ndimage.distance_transform_edt(~solid, sampling=(1.0, aspect))

    def corners(parameters: np.ndarray) -> np.ndarray:
        """Lower end, hips and upper end [3, 2] of hips x, y, the angles of both segments, and the length."""
        hips, length = parameters[:2], parameters[4]
        direction = np.stack([-np.sin(parameters[2:4]), np.cos(parameters[2:4])], axis=1)
        return np.stack(
            [hips + hips_share * length * direction[0], hips, hips - (1 - hips_share) * length * direction[1]]
        )

    steps = (np.arange(LINE_SAMPLES) + 0.5) / LINE_SAMPLES

    def residuals(parameters: np.ndarray) -> np.ndarray:
        line = corners(parameters)
        away = np.minimum(_distance(places, line[0], line[1]), _distance(places, line[1], line[2]))
        along = [np.interp(steps, (0, hips_share, 1), line[:, axis]) for axis in (0, 1)]
        gaps = ndimage.map_coordinates(outside, [along[1] - 0.5, along[0] / aspect - 0.5], order=1, mode="nearest")
        return np.concatenate([np.sqrt(share) * away, gaps / np.sqrt(LINE_SAMPLES)])

    middle = share @ places
    values, vectors = np.linalg.eigh((places - middle).T @ (share[:, None] * (places - middle)))
    axis = vectors[:, 1] * (1 if vectors[1, 1] >= 0 else -1)
    direction, length = np.arctan2(-axis[0], axis[1]), np.sqrt(12 * max(values[1], 1e-6))
    starts = [
        np.array([*middle, direction + (1 - hips_share) * bend, direction - hips_share * bend, length])
        for bend in START_BENDS
    ]
    start = min(starts, key=lambda parameters: float(np.square(residuals(parameters)).sum()))
    best = optimize.least_squares(
        residuals, start, x_scale=[1, 1, 0.1, 0.1, 2], diff_step=[1e-3], ftol=1e-3, xtol=1e-3, max_nfev=25
    )
    return BodyLine(corners(best.x) * pixel[1] + box[:2], float(np.sqrt(2 * best.cost) / abs(best.x[4])))


def _largest_body(layer: np.ndarray) -> np.ndarray:
    """Body layer [S, S] without other people: the largest of the parts that are not near each other, 0 elsewhere."""
    weights = np.where(layer >= MIN_COVERAGE, layer, 0).astype(float)
    labels, count = ndimage.label(ndimage.binary_dilation(weights > 0, iterations=BODY_GAP))
    if count < 2:
        return weights
    amounts = ndimage.sum_labels(weights, labels, np.arange(1, count + 1))
    return np.where(labels == 1 + int(np.argmax(amounts)), weights, 0)


def _distance(points: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Distance [N] of points [N, 2] from a segment."""
    along = end - start
    share = np.clip((points - start) @ along / max(float(along @ along), 1e-9), 0, 1)
    away: np.ndarray = np.linalg.norm(points - start - share[:, None] * along, axis=1)
    return away


def measure_entry(
    observation: DiveObservation, entry: int, *, end: End, rotation: int | None, vertical: Quantity
) -> EntryMeasurement:
    """Measure the body at the touch.

    Args:
        observation: of the dive.
        entry: index of the sampled frame of the touch, the first with the body in the water.
        end: end of the body that enters first.
        rotation: sense of the somersault in the picture, 1 clockwise, -1 counterclockwise; None where the rotation is
            not visible from the side.
        vertical: degrees of the true vertical, clockwise from that of the picture.
    """
    numbers = (int(observation.numbers[entry]),)
    tilt, tilt_error = vertical.value or 0.0, VERTICAL_ERROR if vertical.error is None else vertical.error

    def from_vertical(angle: float, error: float) -> Quantity:
        turned = (rotation or 1) * float(_wrap(angle - tilt))
        return Quantity.measured(turned, np.hypot(error, tilt_error), "deg", numbers)

    no_side_view = Quantity.missing("deg", "side_view_needed")
    no_front_view = Quantity.missing("deg", "front_view_needed")
    submersion = _submersion_line(observation, entry, end)
    underwater = Quantity.missing("deg", "diver_not_visible") if submersion is None else from_vertical(*submersion)
    lines, corners = _lines_near_touch(observation, entry, end)
    (whole, below, above, bend), errors = lines.at_touch()
    trunk, trunk_error = (below, errors[1]) if end == "hands" else (above, errors[2])
    return EntryMeasurement(
        entry_angle=no_side_view if rotation is None else from_vertical(whole, errors[0]),
        trunk_angle=no_side_view if rotation is None else from_vertical(trunk, trunk_error),
        entry_lean=from_vertical(whole, errors[0]) if rotation is None else no_front_view,
        entry_hip_bend=Quantity.measured(abs(bend), errors[3], "deg", numbers),
        entry_knee_bend=_knee_bend(observation, entry),
        underwater_angle=no_side_view if rotation is None else underwater,
        body_line=_line_at_angle(corners, whole),
    )


@dataclass(frozen=True, eq=False)
class _Lines:
    """Lines of the body in N frames near the touch."""

    offsets: np.ndarray
    """[N] sampled frames after the touch."""
    angles: np.ndarray
    """[N, 4]: of `BodyLine.angles`, and the angle between both segments."""
    errors: np.ndarray
    """[N, 4] standard errors."""

    @classmethod
    def from_segments(cls, offsets: np.ndarray, angles: np.ndarray, errors: np.ndarray) -> "_Lines":
        """Of angles and errors [N, 3] of the whole line and of the segments."""
        bend = angles[:, 1] - angles[:, 2]
        bend_error = np.hypot(errors[:, 1], errors[:, 2])
        return cls(offsets, np.column_stack([angles, bend]), np.column_stack([errors, bend_error]))

    def without_outliers(self, reference: "_Lines") -> "_Lines":
        """Those that do not contradict other lines."""
        values, errors = reference.at_touch()
        near = np.abs(_wrap(self.angles - values)) < OUTLIER * np.hypot(self.errors, errors)
        keep = near[:, :3].all(1)
        return _Lines(self.offsets[keep], self.angles[keep], self.errors[keep])

    def join(self, other: "_Lines") -> "_Lines":
        """These lines and others."""
        return _Lines(
            np.concatenate([self.offsets, other.offsets]),
            np.concatenate([self.angles, other.angles]),
            np.concatenate([self.errors, other.errors]),
        )

    def at_touch(self) -> tuple[np.ndarray, np.ndarray]:
        """Angles [4] at the touch and their standard errors, from weighted regression over the frames; at least one
        line."""
        since = self.offsets - TOUCH_OFFSET
        design = np.stack([np.ones_like(since), since], axis=1)
        reference = self.angles[np.argmin(self.errors[:, 0])]
        angles = reference + _wrap(self.angles - reference)
        values, errors = np.empty(4), np.empty(4)
        for column, (some, spread) in enumerate(zip(angles.T, self.errors.T, strict=True)):
            weighted = design / spread[:, None] ** 2
            covariance = np.linalg.inv(weighted.T @ design + np.diag([0, SLOPE**-2]))
            values[column], slope = covariance @ (weighted.T @ some)
            errors[column] = np.sqrt(covariance[0, 0] + (slope * TOUCH_ERROR) ** 2 + SHARED_ERRORS[column] ** 2)
        return _wrap(values), errors


def _lines_near_touch(observation: DiveObservation, entry: int, end: End) -> tuple[_Lines, np.ndarray]:
    """Lines of body layer and keypoints; and lower end, hips and upper end [3, 2] in the frame of the touch."""
    window = np.array([index for index in observation.distinct if -FRAMES_BEFORE <= index - entry <= FRAMES_AFTER])
    if not len(window):
        window = np.array([entry])
    points = _keypoint_corners(observation, end)
    lines = _Lines.from_segments(window - entry, _angles(points[window]), _keypoint_errors(observation, end)[window])
    if observation.entry is None:
        return lines, points[entry]
    fits = _fits(observation.entry, window, end)
    if not fits:
        return lines, points[entry]
    frames = np.array(list(fits))
    misfit = np.array([fit.misfit for fit in fits.values()])
    errors = np.repeat(LAYER_ERROR * np.maximum(misfit / GOOD_MISFIT, 1)[:, None], 3, axis=1)
    corners = np.array([fit.corners for fit in fits.values()])
    of_layer = _Lines.from_segments(frames - entry, _angles(corners), errors)
    nearest = int(np.argmin(np.abs(frames - entry)))
    to_entry = np.linalg.inv(observation.camera[entry]) @ observation.camera[frames[nearest]]
    moved = np.concatenate([corners[nearest], np.ones((3, 1))], axis=1) @ to_entry.T
    return of_layer.join(lines.without_outliers(of_layer)), moved[:, :2] / moved[:, 2:]


def _fits(entry: EntryObservation, window: np.ndarray, end: End) -> dict[int, BodyLine]:
    """Lines that are fitted to the body layer, by index of the sampled frame."""
    fits = {}
    for crop, frame in enumerate(entry.frames):
        if entry.inside[crop] and frame in window and frame not in fits:
            line = fit_body_line(entry.layers[crop, BODY_LAYER], entry.boxes[crop], HIPS_SHARE[end])
            if line is not None:
                fits[int(frame)] = line
    return fits


def _angles(corners: np.ndarray) -> np.ndarray:
    """Degrees [N, 3] of the whole line and of the segments below and above the hips, of corners [N, 3, 2]."""
    lower, hips, upper = np.moveaxis(corners, -2, 0)
    return np.stack([line_angle(upper, lower), line_angle(hips, lower), line_angle(upper, hips)], axis=-1)


def _keypoint_corners(observation: DiveObservation, end: End) -> np.ndarray:
    """float64 [T, 3, 2]: fingertips, hips and toes; feet first, toes, hips and shoulders."""
    points = observation.points
    if end == "feet":
        return points[:, [TOES, PELVIS, NECK]]
    fingertips = points[:, WRISTS] + HAND_SHARE * (points[:, WRISTS] - points[:, NECK])
    return np.stack([fingertips, points[:, PELVIS], points[:, TOES]], axis=1)


def _keypoint_errors(observation: DiveObservation, end: End) -> np.ndarray:
    """float64 [T, 3]: standard errors of `_angles` of `_keypoint_corners`."""
    corners = _keypoint_corners(observation, end)
    points = [WRISTS, PELVIS, TOES] if end == "hands" else [TOES, PELVIS, NECK]
    errors = observation.point_errors[:, points]
    pairs = ((0, 2), (0, 1), (1, 2))
    lengths = np.stack([np.linalg.norm(corners[:, a] - corners[:, b], axis=-1) for a, b in pairs], axis=1)
    across = np.stack([np.hypot(errors[:, a], errors[:, b]) for a, b in pairs], axis=1)
    return np.degrees(np.arctan2(np.maximum(across, 1.0), lengths))


def _knee_bend(observation: DiveObservation, entry: int) -> Quantity:
    """Bend of the knees in the frames up to the touch."""
    frames = slice(max(entry - FRAMES_BEFORE, 0), entry + 1)
    points, errors = observation.points[frames], observation.point_errors[frames]
    thigh, shank = points[:, KNEES] - points[:, PELVIS], points[:, ANKLES] - points[:, KNEES]
    cross = thigh[:, 0] * shank[:, 1] - thigh[:, 1] * shank[:, 0]
    bends = np.abs(np.degrees(np.arctan2(cross, (thigh * shank).sum(-1))))
    lengths = np.minimum(np.linalg.norm(thigh, axis=-1), np.linalg.norm(shank, axis=-1))
    across = np.sqrt(errors[:, PELVIS] ** 2 + 4 * errors[:, KNEES] ** 2 + errors[:, ANKLES] ** 2)
    predicted = KNEE_ERROR_SHARE * np.median(np.degrees(np.arctan2(across, lengths)))
    error = np.hypot(predicted, bends.std())
    numbers = observation.numbers[frames]
    return Quantity.measured(np.median(bends), error, "deg", (int(numbers[0]), int(numbers[-1])))


def _submersion_line(observation: DiveObservation, entry: int, end: End) -> tuple[float, float] | None:
    """Degrees clockwise from straight down of the body's line while it passes the surface, and the standard error; None
    where keypoints do not show it.

    Keypoints under water exchange head and feet more than others, so lines count without their sense.
    """
    first, last = SUBMERSION_FRAMES
    frames = [index for index in observation.distinct if first <= index - entry <= last]
    if not frames:
        return None
    angles = np.radians(_angles(_keypoint_corners(observation, end)[frames])[:, 0])
    errors = _keypoint_errors(observation, end)[frames, 0]
    mean = np.average(np.exp(2j * angles), weights=errors**-2)
    if abs(mean) < MIN_AGREEMENT:
        return None
    spread = float(np.degrees(np.sqrt(-2 * np.log(min(abs(mean), 1.0)))) / 2)
    return float(np.degrees(np.angle(mean)) / 2), float(np.hypot(spread, SUBMERSION_ERROR))


def _line_at_angle(corners: np.ndarray, angle: float) -> np.ndarray:
    """Upper and lower end [2, 2] of a line through the middle of corners [3, 2], as long as they are apart."""
    lower, hips, upper = corners
    half = np.linalg.norm(upper - lower) / 2
    direction = np.array([-np.sin(np.radians(angle)), np.cos(np.radians(angle))])
    middle = (lower + 2 * hips + upper) / 4
    return np.stack([middle - half * direction, middle + half * direction])


def _wrap(degrees: np.ndarray | float) -> np.ndarray:
    """The same angles from -180 to 180."""
    return np.asarray((np.asarray(degrees) + 180) % 360 - 180)


def entry_picture(
    observation: DiveObservation, entry: int, body: EntryMeasurement, splash: SplashMeasurement
) -> EntryPicture:
    """What a picture of the entry draws."""
    level = np.nan
    if observation.entry is not None:
        crop = int(np.argmin(np.abs(observation.entry.frames - entry)))
        top, bottom = observation.entry.boxes[crop, [1, 3]]
        level = top + water_rows(observation.entry)[crop] / observation.entry.layers.shape[-1] * (bottom - top)
    return EntryPicture(
        frame=int(observation.numbers[entry]),
        body_line=body.body_line,
        water_level=float(level),
        splash_frame=splash.frame,
        splash_box=splash.box,
    )
