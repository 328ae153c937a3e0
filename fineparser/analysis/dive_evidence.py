"""Evidence that a clip shows a dive: a diver, a fall as free as gravity makes it, and both transitions."""

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.crop_choice import CropChoice
from fineparser.domain.phases import Phase
from fineparser.quality_warning import QualityWarning, Value

MIN_PIXELS = 8.0
"""Least sum of mask probabilities of a diver, pixels of the network's input."""

BODY_QUANTILE = 0.75
"""Quantile of the extents of the diver's mask that counts as the body's length: tucked frames are shorter."""

MIN_DIVER_SHARE = 0.5
"""Share of the flight's frames in which the diver must be detected."""

MIN_DROP = 0.5
"""Least fall of a dive, body lengths."""

MIN_TRANSITION_CONFIDENCE = 0.15
"""Confidence below which a transition counts as not found."""

MIN_DIVE_CONFIDENCE = 0.3
"""Confidence from which something counts as a dive."""

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
class DiverTrack:
    """The diver's mask in n frames: centre and extent, in heights of the frame; NaN where there is none."""

    centres: np.ndarray
    """float64 [n, 2], x and y, with the camera motion compensated: in the coordinates of the first frame."""
    extents: np.ndarray
    """float64 [n]: diagonal of the bounding box."""

    @classmethod
    def from_masks(cls, masks: np.ndarray, scan: ClipScan, crop: CropChoice, numbers: np.ndarray) -> "DiverTrack":
        """Track the largest component of each mask.

        Args:
            masks: float [n, h, h], of the crop.
            scan: of the clip.
            crop: that the masks cover.
            numbers: [n] source frame numbers.
        """
        framing = crop.framing(numbers)
        places = np.full((len(masks), 3), np.nan)
        for index, mask in enumerate(masks):
            box = framing.box_at(index)
            pixel = (box[2:] - box[:2]) / mask.shape[-1]
            binary = (mask >= 0.5).astype(np.uint8)
            count, labels, stats, centres = cv2.connectedComponentsWithStats(
                cv2.dilate(binary, np.ones((3, 3), np.uint8))
            )
            if count < 2:
                continue
            weights = np.bincount(labels.ravel(), (mask * binary).ravel(), count)
            label = int(weights[1:].argmax()) + 1
            if weights[label] < MIN_PIXELS:
                continue
            sides = stats[label, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]] * pixel
            places[index] = *(box[:2] + (centres[label] + 0.5) * pixel), np.hypot(*sides)
        places /= scan.info.height
        motion = scan.motion.select(numbers - scan.info.first_number)
        return cls(centres=motion.to_first_frame(places[:, :2]), extents=places[:, 2])

    @property
    def is_detected(self) -> np.ndarray:
        """bool [n]: True where there is a mask."""
        return np.isfinite(self.extents)

    @cached_property
    def body(self) -> float:
        """Length of the body, heights of the frame; NaN without any mask."""
        found = self.extents[self.is_detected]
        return float(np.quantile(found, BODY_QUANTILE)) if len(found) else np.nan


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
    drop: float
    """Fall of the diver from the highest position of the flight to the entry, body lengths."""
    acceleration: float
    """Downward acceleration in the flight, body lengths / s^2: 4 to 6 in real time, less in slow motion; 0 where it
    cannot be measured."""
    fit: float
    """Share of the variance of the diver's height in the flight that a parabola explains, 0 to 1."""
    begins_in_air: bool = False
    ends_in_air: bool = False

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
        track = DiverTrack.from_masks(prediction.masks, scan, crop, numbers)
        flight = slice(prediction.flight, prediction.entry + 1)
        seconds = scan.seconds[numbers - scan.info.first_number]
        drop, acceleration, fit = _fall(track, seconds, flight)
        return cls(
            flight_frame=int(numbers[prediction.flight]),
            entry_frame=int(numbers[prediction.entry]),
            flight_confidence=prediction.flight_confidence,
            entry_confidence=prediction.entry_confidence,
            diver_share=float(track.is_detected[flight].mean()),
            drop=drop,
            acceleration=acceleration,
            fit=fit,
        )

    @property
    def confidence(self) -> float:
        """Confidence that this is a dive, 0 to 1."""
        return self.flight_confidence

    @property
    def is_dive(self) -> bool:
        """True where the evidence suffices for a dive, complete or not."""
        return self.confidence >= MIN_DIVE_CONFIDENCE

    @property
    def no_score(self) -> tuple[QualityWarning, ...]:
        """Reasons why the dive gets no score, the most telling one first."""
        reasons = []
        if self.diver_share < MIN_DIVER_SHARE:
            reasons.append(QualityWarning("no_diver", {"share": round(self.diver_share, 3)}))
        elif self.drop < MIN_DROP:
            reasons.append(QualityWarning("no_fall", {"drop": round(self.drop, 2)}))
        if self.ends_in_air:
            reasons.append(QualityWarning("ends_in_air", {"frame": self.entry_frame}))
        for phase, confidence in ((Phase.FLIGHT, self.flight_confidence), (Phase.ENTRY, self.entry_confidence)):
            if confidence < MIN_TRANSITION_CONFIDENCE:
                values: dict[str, Value] = {"phase": phase.label, "confidence": round(confidence, 3)}
                reasons.append(QualityWarning("no_transition", values))
        return tuple(reasons)

    @property
    def unseen_phases(self) -> tuple[Phase, ...]:
        """Phases that are not in the clip."""
        return tuple(
            phase
            for phase, is_unseen in ((Phase.TAKE_OFF, self.begins_in_air), (Phase.ENTRY, self.ends_in_air))
            if is_unseen
        )


def _fall(track: DiverTrack, seconds: np.ndarray, flight: slice) -> tuple[float, float, float]:
    """Drop, acceleration and fit of the flight, see `DiveEvidence`; zeros where too few frames have a mask."""
    detected = track.is_detected[flight]
    times = seconds[flight][detected]
    heights = track.centres[flight, 1][detected] / track.body
    if len(np.unique(times)) < MIN_FIT_FRAMES:
        return 0.0, 0.0, 0.0
    parabola = np.polynomial.Polynomial.fit(times, heights, 2)
    variance = float(heights.var())
    fit = 1 - float(np.mean((heights - parabola(times)) ** 2)) / max(variance, 1e-9)
    return float(heights[-3:].mean() - heights.min()), float(parabola.deriv(2)(times[0])), max(fit, 0.0)
