"""The dives of a recording: where each one is, with its trim and crop."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fineparser.analysis.auto_trim import TrimPredictors, TrimProposal, trim_to_fall, trim_to_flight
from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.crop_choice import CropChoice
from fineparser.analysis.dive_evidence import DiveEvidence
from fineparser.analysis.fall_detection import Fall, detect_falls
from fineparser.progress import Progress, no_progress
from fineparser.video.limits import Limits

HURDLE_SECONDS, SPLASH_SECONDS = 1.5, 1.0
"""Seconds before the flight and after the entry in which a fall belongs to the dive."""

MORE_SECONDS = 1.5
"""Seconds by which a trim that starts or ends in the air is widened."""

REPLAY_SECONDS = 60.0
"""Seconds from the entry of a live dive within which its replays start their flight."""

SLOW_SHARE = 0.6
"""Share of the live dive's acceleration (body lengths / s^2) below which a fall is a slow replay: 1.3 times slower."""

MIN_FALL_STRENGTH = 0.5
"""Least strength of a fall whose acceleration and transitions are trusted."""

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
    """Find every dive of a recording, in order of time; none without a network that predicts transitions.

    Args:
        scan: of the recording.
        crop: the user's crop; None: proposed for each dive.
        predictors: of a network.
        progress: called for each candidate.

    Raises:
        VideoError: if the recording cannot be read any more.
    """
    segments: list[DiveSegment] = []
    candidates = [] if predictors.transitions is None else _candidates(scan)
    for index, (fall, shot) in enumerate(candidates):
        progress(f"Looking at fall {index + 1} of {len(candidates)}", index / len(candidates))
        bounds = _bounds(fall, shot, segments, scan)
        if bounds is None:
            continue
        segment = _segment(scan, fall, bounds, crop, predictors)
        if segment is not None and not any(_overlap(segment.evidence, other.evidence) for other in segments):
            segments.append(segment)
    segments.sort(key=lambda segment: segment.flight_frame)
    numbered: list[DiveSegment] = []
    for number, segment in enumerate(segments, 1):
        proposal = replace(segment.proposal, dive=number, dives=len(segments))
        live = next((other for other in reversed(numbered) if _is_replay(segment, other)), None)
        replay_of = None if live is None else live.number
        numbered.append(replace(segment, number=number, proposal=proposal, replay_of=replay_of))
    return tuple(numbered)


def _candidates(scan: ClipScan) -> list[tuple[Fall | None, tuple[int, int]]]:
    """Falls of all shots with their shots, the steepest first; a short shot without a fall as a whole."""
    offset = scan.info.first_number
    falls: list[tuple[Fall | None, tuple[int, int]]] = []
    for shot in scan.shots:
        in_shot = detect_falls(scan.motion, scan.seconds, shot[0] - offset, shot[1] - offset)
        falls += [(fall, shot) for fall in in_shot]
        length = scan.seconds[shot[1] - offset] - scan.seconds[shot[0] - offset]
        if not in_shot and MIN_SHOT_SECONDS <= length <= MAX_SHOT_SECONDS:
            falls.append((None, shot))
    return falls


def _bounds(
    fall: Fall | None, shot: tuple[int, int], segments: Sequence[DiveSegment], scan: ClipScan
) -> tuple[int, int] | None:
    """Frames between the dives that were found before and after a fall; None where it belongs to one of them: as the
    hurdle or the splash."""
    if fall is None:
        return shot
    offset = scan.info.first_number
    (first, last), top, entry = shot, fall.top + offset, fall.entry + offset
    for other in segments:
        start, end = other.flight_frame, other.entry_frame
        is_near = (
            scan.info.seconds(start) - scan.info.seconds(entry) < HURDLE_SECONDS
            and scan.info.seconds(top) - scan.info.seconds(end) < SPLASH_SECONDS
        )
        if is_near:
            return None
        if end < top:
            first = max(first, end + 1)
        else:
            last = min(last, start - 1)
    return (first, last) if last - first + 1 >= Limits.min_frames else None


def _segment(
    scan: ClipScan,
    fall: Fall | None,
    bounds: tuple[int, int],
    crop: CropChoice | None,
    predictors: TrimPredictors,
) -> DiveSegment | None:
    """A candidate with its evidence; None where that does not suffice.

    A trim that starts or ends in the air is widened once.
    """
    assert predictors.transitions is not None
    info, shot = scan.info, scan.shot_at(bounds[0])
    for widened in (False, True):
        proposal = trim_to_fall(scan, fall, bounds, crop, predict_masks=predictors.masks)
        prediction = predictors.transitions(proposal)
        numbers = proposal.frame_numbers
        evidence = DiveEvidence.from_prediction(prediction, scan, proposal.crop, numbers)
        if not evidence.may_be_dive:
            break
        first, last = int(numbers[0]), int(numbers[-1])
        is_late = evidence.begins_in_air and first > bounds[0]
        is_early = evidence.ends_in_air and last < bounds[1]
        if widened or not (is_late or is_early):
            # Only the edge of a shot can cut a dive: otherwise it is a hurdle or a jump beside another dive.
            is_cut = (evidence.begins_in_air and first > shot[0]) or (evidence.ends_in_air and last < shot[1])
            if is_cut or not evidence.is_dive:
                break
            # Where the diver falls freely in it, the predicted flight is right, and the trim can follow it.
            if evidence.fall.strength >= MIN_FALL_STRENGTH:
                proposal = trim_to_flight(proposal, prediction)
            return DiveSegment(number=0, proposal=proposal, evidence=evidence)
        fall = None
        start, end = info.seconds(first) - is_late * MORE_SECONDS, info.seconds(last) + is_early * MORE_SECONDS
        bounds = max(bounds[0], info.number_at(start)), min(bounds[1], info.number_at(end))
    return None


def _is_replay(segment: DiveSegment, live: DiveSegment) -> bool:
    """True if a dive in a later shot falls so much more slowly than a live one that it is its replay."""
    scan = segment.proposal.scan
    if live.replay_of is not None or scan.shot_at(segment.first) == scan.shot_at(live.first):
        return False
    seconds = scan.info.seconds(segment.flight_frame) - scan.info.seconds(live.entry_frame)
    rates = segment.evidence.fall, live.evidence.fall
    if seconds > REPLAY_SECONDS or min(rate.strength for rate in rates) < MIN_FALL_STRENGTH:
        return False
    return rates[0].acceleration < SLOW_SHARE * rates[1].acceleration


def _overlap(one: DiveEvidence, other: DiveEvidence) -> bool:
    return one.flight_frame <= other.entry_frame and other.flight_frame <= one.entry_frame


def live_dives(segments: Sequence[DiveSegment]) -> list[DiveSegment]:
    """The dives without replays."""
    return [segment for segment in segments if segment.replay_of is None]


def dive_of_number(segments: Sequence[DiveSegment], number: int) -> DiveSegment:
    """The dive of a number; ValueError if the recording has none."""
    for segment in segments:
        if segment.number == number:
            return segment
    raise ValueError(f"there is no dive {number}: {len(segments)} were found in the recording")


def best_dive(segments: Sequence[DiveSegment]) -> DiveSegment | None:
    """The live dive with the highest confidence, complete ones first; None without a dive."""
    return max(
        segments,
        key=lambda segment: (segment.replay_of is None, not segment.ends_in_air, segment.confidence),
        default=None,
    )
