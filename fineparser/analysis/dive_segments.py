"""The dives of a recording: where each one is, with its trim and crop."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fineparser.analysis.auto_trim import TrimPredictors, TrimProposal, trim_to_fall
from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.crop_choice import CropChoice
from fineparser.analysis.dive_evidence import DiveEvidence
from fineparser.analysis.fall_detection import Fall, detect_falls
from fineparser.progress import Progress, no_progress
from fineparser.video.limits import Limits

MIN_SHOT_SECONDS, MAX_SHOT_SECONDS = 0.6, 12.0
"""Durations of a shot that is looked at as a whole if nothing falls in it by its motion: a diver may be too small for
that, or fall where the camera follows exactly."""


@dataclass(frozen=True, eq=False, kw_only=True)
class DiveSegment:
    """A dive in a recording."""

    number: int
    """From 1 on, in order of time."""
    proposal: TrimProposal
    """Trim and crop for its analysis."""
    evidence: DiveEvidence
    """What speaks for a dive."""
    replay_of: int | None = None
    """Number of the live dive that this shot repeats; None for a live dive."""

    @property
    def first(self) -> int:
        """Source frame number of the first frame of the trim."""
        return self.proposal.first

    @property
    def last(self) -> int:
        """Source frame number of the last frame of the trim."""
        return self.proposal.last

    @property
    def flight_frame(self) -> int:
        """Source frame number at which the flight begins."""
        return self.evidence.flight_frame

    @property
    def entry_frame(self) -> int:
        """Source frame number at which the entry begins."""
        return self.evidence.entry_frame

    @property
    def confidence(self) -> float:
        """Confidence that this is a dive, 0 to 1."""
        return self.evidence.confidence

    @property
    def begins_in_air(self) -> bool:
        """True if the take-off is not in the shot."""
        return self.evidence.begins_in_air

    @property
    def ends_in_air(self) -> bool:
        """True if the shot ends before the entry."""
        return self.evidence.ends_in_air


def find_dives(
    scan: ClipScan,
    crop: CropChoice | None = None,
    *,
    predictors: TrimPredictors,
    progress: Progress = no_progress,
) -> tuple[DiveSegment, ...]:
    """Find every dive of a recording, in order of time.

    Args:
        scan: of the recording.
        crop: the user's crop; None: proposed for each dive.
        predictors: of a network.
        progress: called for each candidate.

    Raises:
        VideoError: if the recording cannot be read any more.
    """
    segments: list[DiveSegment] = []
    candidates = _candidates(scan)
    for index, (fall, shot) in enumerate(candidates):
        progress(f"Looking at fall {index + 1} of {len(candidates)}", index / len(candidates))
        bounds = _bounds(fall, shot, segments, scan)
        if bounds is None:
            continue
        proposal, prediction, numbers = trim_to_fall(scan, fall, shot, bounds, crop, predictors=predictors)
        assert prediction is not None
        # For the frames of the first pass, whose crop the proposal has.
        evidence = DiveEvidence.from_prediction(prediction, scan, proposal.crop, numbers)
        if evidence.is_dive and not any(_overlap(evidence, other.evidence) for other in segments):
            segments.append(DiveSegment(number=0, proposal=proposal, evidence=evidence))
    segments.sort(key=lambda segment: segment.flight_frame)
    return tuple(
        replace(
            segment,
            number=number,
            proposal=replace(segment.proposal, dive=number, dives=len(segments)),
        )
        for number, segment in enumerate(segments, 1)
    )


def _candidates(scan: ClipScan) -> list[tuple[Fall | None, tuple[int, int]]]:
    """Falls of all shots with their shots, the steepest first; a short shot without a fall as a whole."""
    offset = scan.info.first_number
    falls: list[tuple[Fall | None, tuple[int, int]]] = []
    for shot in scan.shots:
        found = detect_falls(scan.motion, scan.seconds, shot[0] - offset, shot[1] - offset)
        falls += [(fall, shot) for fall in found]
        length = scan.seconds[shot[1] - offset] - scan.seconds[shot[0] - offset]
        if not found and MIN_SHOT_SECONDS <= length <= MAX_SHOT_SECONDS:
            falls.append((None, shot))
    return falls


def _bounds(
    fall: Fall | None, shot: tuple[int, int], segments: Sequence[DiveSegment], scan: ClipScan
) -> tuple[int, int] | None:
    """Frames between the dives that were found before and after a fall; None where it belongs to one of them."""
    if fall is None:
        return shot
    offset = scan.info.first_number
    (first, last), top, entry = shot, fall.top + offset, fall.entry + offset
    for other in segments:
        start, end = other.flight_frame, other.entry_frame
        if start <= entry and top <= end:
            return None
        if end < top:
            first = max(first, end + 1)
        else:
            last = min(last, start - 1)
    return (first, last) if last - first + 1 >= Limits.min_frames else None


def _overlap(one: DiveEvidence, other: DiveEvidence) -> bool:
    return one.flight_frame <= other.entry_frame and other.flight_frame <= one.entry_frame


def best_dive(segments: Sequence[DiveSegment]) -> DiveSegment | None:
    """The live dive with the highest confidence, complete ones first; None without a dive."""
    return max(
        segments,
        key=lambda segment: (segment.replay_of is None, not segment.ends_in_air, segment.confidence),
        default=None,
    )
