"""Evidence that a clip shows a dive: a diver, a fall as free as gravity makes it, and both transitions."""

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.ndimage import median_filter

from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.crop_choice import CropChoice
from fineparser.analysis.diver_search import (
    best_chain,
    compensated_points,
    diver_candidates,
    least_energy,
    smooth_energy,
    weighted_by_motion,
)
from fineparser.domain.phases import Phase
from fineparser.quality_warning import QualityWarning, Value

JUMP_SCALE = 0.12
"""Heights of the frame by which a diver moves between two sampled frames, the camera motion compensated."""

BODY_QUANTILE = 0.75
"""Quantile of the extents of the diver's mask that counts as the body's length: tucked frames are shorter."""

MIN_DIVER_SHARE = 0.5
"""Share of the flight's frames in which the diver must be detected."""

MIN_FLIGHT_CONFIDENCE, MIN_ENTRY_CONFIDENCE = 0.25, 0.12
"""Confidences below which a transition counts as not found."""

CONFIDENT_TRANSITION = 0.6
"""Confidence of a transition from which it is certainly in the clip."""

CONFIDENT_FLIGHT = (0.5, 1.0)
"""Confidence of the start of the flight that alone counts nothing, and that alone suffices for a dive."""

LONG_DROPS = (0.9, 2.4)
LONG_FITS = (0.8, 0.98)
"""Drop (body lengths) and fit of a fall that alone counts nothing, and that alone suffices for a dive: nobody falls
four metres otherwise."""

MIN_DIVE_CONFIDENCE, MIN_SCORE_CONFIDENCE = 0.58, 0.5
"""Confidence from which something is found as a dive, and from which the analysed frames are scored. The first lies
between the real dives and the stretches without a dive that docs/experiments.md lists; the second is a little lower,
since a dive that was found should not lose its score to a slightly different crop."""

HURDLE_CONFIDENCE, HURDLE_DROP = 0.75, 1.5
"""Confidence of the start of the flight, and drop in body lengths, below both of which a fall to the last frame is a
hurdle."""

AIR_TOLERANCE = 0.25
"""Distance from the parabola of the flight, body lengths, up to which the diver is in the air."""

NEARLY_DOWN = 0.9
"""Share of the drop after which the fall counts as over: below, the water slows the diver down."""

ACCELERATIONS = (0.2, 12.0)
"""Least and greatest acceleration of a fall, body lengths / s^2. Gravity is 4 to 6.5 in real time; slow motion by a
factor of 4 is a sixteenth of that, and a body that is seen from above or in a tuck appears shorter."""

DROPS = (0.3, 0.9)
FITS = (0.2, 0.8)
"""Drop (body lengths) and fit up to which a fall does not count, and from which it counts in full."""

MIN_FIT_FRAMES = 5
"""Least number of different frames to which a parabola is fitted."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PhasePrediction:
    """Masks and transitions that a network predicts for the 96 sampled frames of a clip."""

    masks: np.ndarray
    """float [96, 112, 112]: probability that a pixel shows the diver."""
    probabilities: np.ndarray
    """float [96, 2]: that each transition is at each frame."""
    flight: int
    """Sampled frame at which the flight begins."""
    entry: int
    """Sampled frame at which the entry begins."""
    flight_confidence: float
    entry_confidence: float
    """Probabilities that the transitions are within two frames of these."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DiverPath:
    """Path of the diver through n frames, in heights of the frame; NaN where they have no mask."""

    centres: np.ndarray
    """float64 [n, 2], x and y, with the camera motion compensated: in the coordinates of the first frame."""
    extents: np.ndarray
    """float64 [n]: diagonal of the bounding box."""

    @classmethod
    def from_masks(cls, masks: np.ndarray, scan: ClipScan, crop: CropChoice, numbers: np.ndarray) -> "DiverPath":
        """Follow the chain of mask components that are large, move and do not jump.

        Args:
            masks: float [n, h, h], of the crop.
            scan: of the clip.
            crop: that the masks cover.
            numbers: [n] source frame numbers.
        """
        info, framing = scan.info, crop.framing(numbers)
        motion = scan.motion.select(numbers - info.first_number)
        energy, least = smooth_energy(motion), least_energy(motion)
        candidates = [
            [
                weighted_by_motion(candidate, energy[index], info.width, info.height, least)
                for candidate in diver_candidates(mask, framing.box_at(index))
            ]
            for index, mask in enumerate(masks)
        ]
        detected = [index for index, frame in enumerate(candidates) if frame]
        places = np.full((len(masks), 3), np.nan)
        if detected:
            points = [compensated_points(candidates[index], motion.camera[index], info.height) for index in detected]
            chain = best_chain([candidates[index] for index in detected], points, JUMP_SCALE)
            for index, choice, point in zip(detected, chain, points, strict=True):
                places[index] = *point[choice], candidates[index][choice].extent / info.height
        return cls(centres=places[:, :2], extents=places[:, 2])

    @property
    def is_detected(self) -> np.ndarray:
        """bool [n]: True where there is a mask."""
        return np.isfinite(self.extents)

    @cached_property
    def body(self) -> float:
        """Length of the body, heights of the frame; NaN without any mask."""
        extents = self.extents[self.is_detected]
        return float(np.quantile(extents, BODY_QUANTILE)) if len(extents) else np.nan


@dataclass(frozen=True, kw_only=True)
class FreeFall:
    """A fall of the diver, and the parabola that their height follows in it."""

    drop: float = 0.0
    """From the highest to the lowest position, body lengths."""
    acceleration: float = 0.0
    """Downwards, body lengths / s^2; 0 where it cannot be measured."""
    fit: float = 0.0
    """Share of the variance of the height that the parabola explains, 0 to 1."""
    height_before: float = np.nan
    """Height of the parabola at the first frame of the clip above the diver's, body lengths: near 0 for a clip that
    begins in the air, below it for a diver who stands on a board before the flight."""
    height_after: float = np.nan
    """Height of the parabola at the last frame in which the diver is visible above the diver's, body lengths."""

    @classmethod
    def from_heights(cls, heights: np.ndarray, seconds: np.ndarray, start: int, stop: int) -> "FreeFall":
        """Find the largest fall in some frames and fit a parabola to the frames up to its end.

        Args:
            heights: [n] of the diver, downwards, body lengths; NaN where there is no diver.
            seconds: [n] times.
            start, stop: frames, without the last one.
        """
        visible = np.flatnonzero(np.isfinite(heights))
        frames = visible[(visible >= start) & (visible < stop)]
        if len(frames) < MIN_FIT_FRAMES:
            return cls()
        # A mask that jumps to something else for a frame is no fall.
        smooth = median_filter(heights[frames], size=3, mode="nearest")
        fallen = smooth - np.minimum.accumulate(smooth)
        drop = float(fallen.max())
        used = frames[: int(np.flatnonzero(fallen >= NEARLY_DOWN * drop)[0]) + 1]
        return replace(cls.from_parabola(heights, seconds, used), drop=drop)

    @classmethod
    def from_parabola(cls, heights: np.ndarray, seconds: np.ndarray, used: np.ndarray) -> "FreeFall":
        """Fit a parabola to the frames `used`; without a drop."""
        if len(np.unique(seconds[used])) < MIN_FIT_FRAMES:
            return cls()
        parabola = np.polynomial.Polynomial.fit(seconds[used], heights[used], 2)
        variance = float(heights[used].var())
        unexplained = float(np.mean((heights[used] - parabola(seconds[used])) ** 2))
        first, last = np.flatnonzero(np.isfinite(heights))[[0, -1]]
        return cls(
            acceleration=float(parabola.deriv(2)(0.0)),
            fit=max(1 - unexplained / max(variance, 1e-9), 0.0),
            height_before=float(heights[first] - parabola(seconds[first])),
            height_after=float(heights[last] - parabola(seconds[last])),
        )

    @property
    def is_free(self) -> bool:
        """True for an acceleration that gravity can cause."""
        low, high = ACCELERATIONS
        return low <= self.acceleration <= high

    @property
    def strength(self) -> float:
        """Resemblance to a dive, 0 to 1: a fall by a body length or so, as free as gravity makes it."""
        return ramp(self.drop, *DROPS) * ramp(self.fit, *FITS) if self.is_free else 0.0


def ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, linear between them.

    >>> ramp(0.5, 0.25, 0.75), ramp(2.0, 0.25, 0.75)
    (0.5, 1.0)
    """
    return float(np.clip((value - low) / (high - low), 0, 1))


@dataclass(frozen=True, kw_only=True)
class DiveEvidence:
    """What speaks for a dive in the sampled frames of a clip."""

    flight_frame: int
    """Source frame number at which the flight begins."""
    entry_frame: int
    """Source frame number at which the entry begins."""
    flight_confidence: float
    entry_confidence: float
    """Probabilities that these are within two of the sampled frames, 0 to 1."""
    diver_share: float
    """Share of the flight's frames in which a diver is detected."""
    fall: FreeFall
    """Of the diver, from the start of the flight on."""
    begins_in_air: bool
    """True if the clip begins after the take-off."""
    ends_in_air: bool
    """True if the clip ends before the entry."""

    @classmethod
    def from_prediction(
        cls, prediction: PhasePrediction, scan: ClipScan, crop: CropChoice, numbers: np.ndarray
    ) -> "DiveEvidence":
        """Weigh a prediction.

        Args:
            prediction: for the sampled frames.
            scan: of the clip.
            crop: of the sampled frames.
            numbers: [96] their source frame numbers.
        """
        track = DiverPath.from_masks(prediction.masks, scan, crop, numbers)
        seconds = scan.seconds[numbers - scan.info.first_number]
        heights = track.centres[:, 1] / track.body
        flight, stop = prediction.flight, prediction.entry + 1
        # The entry may be predicted too early as well as too late.
        falls = [FreeFall.from_heights(heights, seconds, flight, end) for end in (stop, len(seconds))]
        fall = max(falls, key=lambda fall: fall.strength)
        return cls(
            flight_frame=int(numbers[flight]),
            entry_frame=int(numbers[prediction.entry]),
            flight_confidence=prediction.flight_confidence,
            entry_confidence=prediction.entry_confidence,
            diver_share=float(track.is_detected[flight:stop].mean()),
            fall=fall,
            begins_in_air=_begins_in_air(prediction, fall),
            ends_in_air=_ends_in_air(prediction, heights, seconds),
        )

    @property
    def confidence(self) -> float:
        """Confidence that this is a dive, 0 to 1."""
        transitions = math.sqrt(self.flight_confidence * self.entry_confidence)
        return max(
            math.sqrt(transitions * self.fall.strength),
            # A confident take-off suffices: a mask may be lost to a spectator.
            ramp(self.flight_confidence, *CONFIDENT_FLIGHT),
            # And so does a long free fall, of which the clip may lack the beginning and the end.
            ramp(self.fall.drop, *LONG_DROPS) * ramp(self.fall.fit, *LONG_FITS) * self.fall.is_free,
        )

    @property
    def may_be_dive(self) -> bool:
        """True for a dive, or a hurdle at the end of the frames that may go on as one."""
        return self.diver_share >= MIN_DIVER_SHARE and self.confidence >= MIN_DIVE_CONFIDENCE

    @property
    def is_dive(self) -> bool:
        """True where the evidence suffices for a dive, complete or not."""
        # The hurdle of an approach is a free fall, too, and ends on the board: cut there, it looks like a dive.
        is_hurdle = self.ends_in_air and self.flight_confidence < HURDLE_CONFIDENCE and self.fall.drop < HURDLE_DROP
        return self.may_be_dive and not is_hurdle

    @property
    def shows_fall(self) -> bool:
        """True where the frames show a diver who falls, complete or not: only then there is something to measure."""
        return self.diver_share >= MIN_DIVER_SHARE and self.confidence >= MIN_SCORE_CONFIDENCE

    @property
    def no_score(self) -> tuple[QualityWarning, ...]:
        """Reasons why the dive gets no score, the most telling one first."""
        if self.diver_share < MIN_DIVER_SHARE:
            return (QualityWarning("no_diver", {"share": round(self.diver_share, 3)}),)
        if self.confidence < MIN_SCORE_CONFIDENCE:
            return (QualityWarning("no_fall", {"drop": round(self.fall.drop, 2)}),)
        if self.ends_in_air:
            return (QualityWarning("ends_in_air", {"frame": self.entry_frame}),)
        reasons = []
        for phase, confidence, least in (
            (Phase.FLIGHT, self.flight_confidence, 0.0 if self.begins_in_air else MIN_FLIGHT_CONFIDENCE),
            (Phase.ENTRY, self.entry_confidence, MIN_ENTRY_CONFIDENCE),
        ):
            if confidence < least:
                values: dict[str, Value] = {"phase": phase.label, "confidence": round(confidence, 3)}
                reasons.append(QualityWarning("no_transition", values))
        return tuple(reasons)

    @property
    def missing_phases(self) -> tuple[Phase, ...]:
        """Phases that are not in the clip."""
        phases = ((Phase.TAKE_OFF, self.begins_in_air), (Phase.ENTRY, self.ends_in_air))
        return tuple(phase for phase, is_missing in phases if is_missing)


def _begins_in_air(prediction: PhasePrediction, fall: FreeFall) -> bool:
    """True if the diver is on the parabola of the flight from the first frame on."""
    if prediction.flight_confidence >= CONFIDENT_TRANSITION:
        return False
    return fall.strength > 0.5 and abs(fall.height_before) < AIR_TOLERANCE


def _ends_in_air(prediction: PhasePrediction, heights: np.ndarray, seconds: np.ndarray) -> bool:
    """True if the diver is on the parabola of the flight to the last frame."""
    if prediction.entry_confidence >= CONFIDENT_TRANSITION:
        return False
    visible = np.flatnonzero(np.isfinite(heights))
    if not len(visible) or visible[-1] < len(heights) - 2:
        return False
    fall = FreeFall.from_parabola(heights, seconds, visible[visible >= prediction.flight])
    return fall.is_free and fall.fit >= FITS[1] and abs(fall.height_after) < AIR_TOLERANCE
