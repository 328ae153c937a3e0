"""Automatic trim and crop of a clip, and the clip written that way."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from fineparser.analysis.clip_scan import ClipScan
from fineparser.analysis.crop_choice import CENTRE, CropChoice
from fineparser.analysis.dive_evidence import PhasePrediction
from fineparser.analysis.diver_search import DiverSearch, MaskPredictor
from fineparser.analysis.fall_detection import Fall, detect_falls
from fineparser.domain.clip_geometry import CLIP_SIDE, CROPPED_SIDES, sample_frames
from fineparser.quality_warning import QualityWarning
from fineparser.video.clip import Clip, check_range, read_clip
from fineparser.video.reader import reopen

SEARCH_SIDE = 640
"""Longer side to which frames are reduced for the search for the diver, pixels."""

LEAD, TAIL = 0.6, 0.5
"""Margins before the flight and after the entry, as shares of the flight's duration."""

MIN_LEAD, MIN_TAIL = 0.7, 0.6
"""The same margins in seconds, at least."""

MIN_CONFIDENCE = 0.3
"""Confidence from which the network's transitions may shorten the trim."""

TransitionPredictor = Callable[["TrimProposal"], PhasePrediction]
"""Predicts masks and transitions of the sampled frames of a proposal."""


@dataclass(frozen=True, eq=False)
class TrimProposal:
    """Trim and crop of a clip for an analysis, and how they came about."""

    scan: ClipScan
    first: int
    last: int
    """Source frame numbers of the first and the last frame."""
    crop: CropChoice
    notes: tuple[QualityWarning, ...] = ()
    """The steps that led to trim and crop."""
    warnings: tuple[QualityWarning, ...] = ()
    """Problems of the clip, which the report repeats."""
    dive: int | None = None
    """Number of the dive, from 1 on in order of time; None for a user's trim, or where no dive was found."""
    dives: int = 0
    """Number of dives that were found in the recording."""

    @property
    def frame_numbers(self) -> np.ndarray:
        """[96] source frame numbers that the network takes."""
        return sample_frames(self.first, self.last)

    def with_changes(
        self, first: int | None = None, last: int | None = None, crop: CropChoice | None = None
    ) -> "TrimProposal":
        """The proposal with a user's trim or crop, without the notes and warnings on its own; itself if unchanged."""
        is_trim_equal = first in (None, self.first) and last in (None, self.last)
        if is_trim_equal and crop is None:
            return self
        return replace(
            self,
            first=self.first if first is None else first,
            last=self.last if last is None else last,
            crop=crop or self.crop,
            notes=(),
            warnings=(),
        )

    def read(self, side: int = CLIP_SIDE) -> Clip:
        """Read the 96 frames, `side` pixels high and wide; VideoError where they cannot be read."""
        with reopen(self.scan.info) as source:
            return read_clip(source, self.first, self.last, self.crop.framing(self.frame_numbers), side)


@dataclass(frozen=True, kw_only=True)
class TrimPredictors:
    """The parts of a trained network that find the diver and the dive; None leaves out the step."""

    masks: MaskPredictor | None = None
    """Finds the diver, so that the crop can follow them; without it the crop is the centre of the frame."""
    transitions: TransitionPredictor | None = None
    """Finds the phases; without it no dive is found, and the trim follows the motion alone."""


def propose_trim(
    scan: ClipScan,
    first: int | None = None,
    last: int | None = None,
    crop: CropChoice | None = None,
    *,
    predict_masks: MaskPredictor | None = None,
) -> TrimProposal:
    """Propose trim and crop of a clip without a search for dives in it.

    The trim is the user's or, without one, around the steepest fall of the longest shot. The crop follows the diver,
    whom the network searches for in the whole frame.

    Args:
        scan: of the clip.
        first, last: the user's trim; None: proposed.
        crop: the user's crop; None: proposed.
        predict_masks: finds the diver; None: the crop is the centre.

    Raises:
        VideoError: if the clip cannot be read any more, or lacks these frames.
    """
    if first is None and last is None:
        shot, offset = scan.longest_shot, scan.info.first_number
        falls = detect_falls(scan.motion, scan.seconds, shot[0] - offset, shot[1] - offset)
        proposal = trim_to_fall(scan, falls[0] if falls else None, shot, crop, predict_masks=predict_masks)
        return proposal if falls else replace(proposal, warnings=(QualityWarning("no_fall"), *proposal.warnings))
    first = scan.info.first_number if first is None else first
    last = scan.info.last_number if last is None else last
    check_range(scan.info, first, last)
    return _with_crop(TrimProposal(scan, first, last, CropChoice.centre(scan.info)), crop, predict_masks)


def trim_to_fall(
    scan: ClipScan,
    fall: Fall | None,
    bounds: tuple[int, int],
    crop: CropChoice | None = None,
    *,
    predict_masks: MaskPredictor | None,
) -> TrimProposal:
    """Trim and crop around one fall of a clip.

    Args:
        scan: of the clip.
        fall: in one of its shots; None: the trim is as wide as the bounds.
        bounds: frames of this shot within which the trim lies.
        crop: the user's crop; None: proposed.
        predict_masks: finds the diver; None: the crop is the centre.

    Raises:
        VideoError: if the clip cannot be read any more.
    """
    offset, notes, warnings = scan.info.first_number, [], []
    first, last = bounds
    if scan.cuts:
        shot = scan.shot_at(first)
        warnings.append(QualityWarning("one_shot_used", {"cuts": scan.cuts, "first": shot[0], "last": shot[1]}))
    if fall is not None:
        start, end = fall.trim(scan.seconds, first - offset, last - offset)
        before, after = start + offset - first, last - end - offset
        first, last = start + offset, end + offset
        if before or after:
            notes.append(QualityWarning("frames_left_out", {"before": before, "after": after}))
    proposal = TrimProposal(scan, first, last, CropChoice.centre(scan.info), tuple(notes), tuple(warnings))
    return _with_crop(proposal, crop, predict_masks)


def _with_crop(proposal: TrimProposal, crop: CropChoice | None, predict_masks: MaskPredictor | None) -> TrimProposal:
    """The proposal with the user's crop or the one that follows the diver, with a note or warning on how that was
    found."""
    if crop is not None:
        return replace(proposal, crop=crop)
    proposal, finding = _crop_by_search(proposal, predict_masks)
    if finding.code == "diver_not_found":
        return replace(proposal, warnings=(*proposal.warnings, finding))
    return replace(proposal, notes=(*proposal.notes, finding))


def _crop_by_search(proposal: TrimProposal, predict_masks: MaskPredictor | None) -> tuple[TrimProposal, QualityWarning]:
    """The proposal with the crop that follows the diver, and a note or warning on how it was found."""
    if predict_masks is None:
        return proposal, QualityWarning("crop_untrained")
    crop = _diver_search(proposal, predict_masks).crop()
    if crop is None:
        return proposal, QualityWarning("diver_not_found")
    if len(crop.boxes) == 1:
        return replace(proposal, crop=replace(crop, kind=CENTRE)), QualityWarning("crop_centre")
    return replace(proposal, crop=crop), QualityWarning("crop_diver")


def _diver_search(proposal: TrimProposal, predict_masks: MaskPredictor) -> DiverSearch:
    """The search over the proposed frames, reduced to what it needs."""
    info, numbers = proposal.scan.info, proposal.frame_numbers
    scale = min(1.0, SEARCH_SIDE / max(info.width, info.height))
    size = round(info.width * scale), round(info.height * scale)
    frames = np.empty((len(numbers), size[1], size[0], 3), np.uint8)
    with reopen(info) as source:
        for index, number in enumerate(numbers.tolist()):
            frames[index] = cv2.resize(source.frame(number), size, interpolation=cv2.INTER_AREA)
    return DiverSearch(
        frames=frames,
        scale=info.width / size[0],
        numbers=numbers,
        motion=proposal.scan.motion.select(numbers - info.first_number),
        predict_masks=predict_masks,
        centre=CropChoice.centre(info).framing(numbers),
    )


def trim_to_flight(proposal: TrimProposal, prediction: PhasePrediction) -> TrimProposal:
    """A shorter stance before and less water after the flight, if the network is confident of its transitions.

    Args:
        proposal: around a fall.
        prediction: for its frames.
    """
    offset, seconds = proposal.scan.info.first_number, proposal.scan.seconds
    indices = proposal.frame_numbers - offset
    start, end = (float(seconds[indices[index]]) for index in (prediction.flight, prediction.entry))
    duration = end - start
    if min(prediction.flight_confidence, prediction.entry_confidence) < MIN_CONFIDENCE or duration <= 0:
        return proposal
    before, after = start - max(LEAD * duration, MIN_LEAD), end + max(TAIL * duration, MIN_TAIL)
    # The frames on the screen at these times.
    first, last = (int(index) - 1 for index in np.searchsorted(seconds, [before, after], side="right"))
    first, last = max(proposal.first, first + offset), min(proposal.last, last + offset)
    if (first, last) == (proposal.first, proposal.last):
        return proposal
    return replace(proposal, first=first, last=last, notes=(*proposal.notes, QualityWarning("trim_from_transitions")))


def write_cropped_frames(proposal: TrimProposal, folder: Path) -> int:
    """Write every frame of the trim, cropped, as 00000.png and so on; return their number.

    The images are lossless and 224 x 224, which loaders take whole: training then gets what an analysis gets. The
    folder is complete or does not exist.

    Raises:
        VideoError: if the clip cannot be read any more.
        OSError: if the folder exists or cannot be written.
    """
    framing = proposal.crop.framing(np.arange(proposal.first, proposal.last + 1))
    partial = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        count = 0
        with reopen(proposal.scan.info) as source:
            for _, frame in source.stream(proposal.first, proposal.last + 1):
                _, data = cv2.imencode(".png", framing.crop(frame, count, CROPPED_SIDES[-1])[..., ::-1])
                (partial / f"{count:05d}.png").write_bytes(data.tobytes())
                count += 1
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return count
