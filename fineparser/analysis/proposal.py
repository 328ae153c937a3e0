"""What is proposed to look at: which frames of a clip, and which part of the picture."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from fineparser.analysis.dive_moment import DiveMoment, find_dive
from fineparser.analysis.diver_search import DiverSearch, Outliner
from fineparser.analysis.survey import Survey
from fineparser.analysis.window import CENTRE, Window
from fineparser.video.clip import Clip, check_stretch, read_clip
from fineparser.video.framing import CLIP_SIDE
from fineparser.video.reading import reopen
from fineparser.video.sampling import sample_frames

SEARCHED_SIDE = 640
"""Longer side to which frames are reduced while the diver is looked for, pixels."""

STANCE, REST = 0.6, 0.5
"""Kept before the flight and after the entry, as shares of the flight's time."""

LEAST_STANCE, LEAST_REST = 0.7, 0.6
"""The same in seconds, at least."""

SURE = 0.3
"""Probability from which the network's switches may shorten the trim."""

Switches = Callable[["Proposal"], tuple[int, int, float]]
"""What is proposed to the sampled frames at which flight and entry begin, and the lower of their probabilities."""


@dataclass(frozen=True, eq=False)
class Proposal:
    """Frames and window that an analysis looks at, with what led to them."""

    survey: Survey
    first: int
    last: int
    """Source frame numbers of the first and the last frame."""
    window: Window
    remarks: tuple[str, ...] = ()
    """How trim and window came about, in sentences for the user."""
    warnings: tuple[str, ...] = ()
    """What is the matter with the clip, in sentences that belong into the report."""

    @property
    def numbers(self) -> np.ndarray:
        """[96] source frame numbers that the network sees."""
        return sample_frames(self.first, self.last)

    def changed(self, first: int | None = None, last: int | None = None, window: Window | None = None) -> "Proposal":
        """With the user's own trim or window; what was said of the old one goes."""
        own_trim = first not in (None, self.first) or last not in (None, self.last)
        if not own_trim and window is None:
            return self
        return replace(
            self,
            first=self.first if first is None else first,
            last=self.last if last is None else last,
            window=window or self.window,
            remarks=(),
            warnings=(),
        )

    def read(self, side: int = CLIP_SIDE) -> Clip:
        """The 96 frames, so many pixels high and wide; VideoError where they cannot be read."""
        with reopen(self.survey.info) as source:
            return read_clip(source, self.first, self.last, self.window.framing(self.numbers), side)


def propose(
    survey: Survey,
    first: int | None = None,
    last: int | None = None,
    window: Window | None = None,
    *,
    outline: Outliner | None = None,
    switches: Switches | None = None,
) -> Proposal:
    """Which frames and which part of the picture to look at.

    The trim comes from what falls; the window from the network, which looks for the diver in the whole picture. Where
    the network has learnt nothing, the window is the middle of the picture, as the published loader crops.

    Args:
        survey: of the clip.
        first, last: the user's own trim; None: proposed.
        window: the user's own; None: proposed.
        outline: finds divers; None where the network has learnt nothing.
        switches: finds the phases; None where the network has learnt nothing.

    Raises:
        VideoError: where the clip cannot be read any more, or has no such frames.
    """
    remarks: list[str] = []
    warnings: list[str] = []
    dive = None
    given = first is not None or last is not None
    if given:
        info = survey.info
        first, last = (info.first_number if first is None else first), (info.last_number if last is None else last)
        check_stretch(info, first, last)
    else:
        first, last, dive = _trim(survey, remarks, warnings)
    found = Proposal(survey, first, last, window or Window.centre(survey.info))
    if window is None:
        found = replace(found, window=_window(found, outline, remarks, warnings))
    if not given and switches is not None:
        found = _shortened(found, dive, switches, remarks)
    return replace(found, remarks=tuple(remarks), warnings=tuple(warnings))


def _trim(survey: Survey, remarks: list[str], warnings: list[str]) -> tuple[int, int, DiveMoment | None]:
    start, end = survey.longest_shot
    offset = survey.info.first_number
    dive = find_dive(survey.motion, survey.seconds, start - offset, end - offset)
    if survey.cuts:
        cuts = ", ".join(map(str, survey.cuts))
        warnings.append(
            f"The picture cuts to another shot at frame{'s' * (len(survey.cuts) > 1)} {cuts}: "
            f"the longest shot, frames {start} to {end}, was taken."
        )
    if dive is None:
        warnings.append("Nothing in the clip falls as a diver does: check that it shows a dive, and trim it.")
        return start, end, None
    first, last = dive.trim(survey.seconds, start - offset, end - offset)
    before, after = first + offset - start, end - last - offset
    cut = [f"{count} frames {where} the dive" for count, where in ((before, "before"), (after, "after")) if count]
    if cut:
        remarks.append(f"{' and '.join(cut)} are left out.".capitalize())
    return first + offset, last + offset, dive


def _window(found: Proposal, outline: Outliner | None, remarks: list[str], warnings: list[str]) -> Window:
    centre = Window.centre(found.survey.info)
    if outline is None:
        remarks.append("The weights have learnt nothing, so the diver is not looked for: the middle of the picture.")
        return centre
    window = _search(found, outline).window()
    if window is None:
        warnings.append("The diver was not found in the whole picture: the middle of it was taken.")
        return centre
    if len(window.boxes) == 1:
        remarks.append("The diver stays well inside the middle of the picture, so that is the window.")
        return replace(window, kind=CENTRE)
    remarks.append("The window follows the diver.")
    return window


def _search(found: Proposal, outline: Outliner) -> DiverSearch:
    """The search over the proposed frames, with pictures no larger than it needs."""
    info = found.survey.info
    shrink = min(1.0, SEARCHED_SIDE / max(info.width, info.height))
    size = round(info.width * shrink), round(info.height * shrink)
    pictures = np.empty((len(found.numbers), size[1], size[0], 3), np.uint8)
    with reopen(info) as source:
        for index, number in enumerate(found.numbers.tolist()):
            pictures[index] = cv2.resize(source.frame(number), size, interpolation=cv2.INTER_AREA)
    motion = found.survey.motion.at(found.numbers - info.first_number)
    centre = Window.centre(info).framing(found.numbers)
    return DiverSearch(pictures, info.width / size[0], found.numbers, motion, outline, centre)


def _shortened(found: Proposal, dive: DiveMoment | None, switches: Switches, remarks: list[str]) -> Proposal:
    """Less standing before and less water after, where the network is sure of the phases and movement agrees."""
    info = found.survey.info
    flight, entry, sure = switches(found)
    start, end = (info.seconds(int(found.numbers[index])) for index in (flight, entry))
    time = end - start
    if sure < SURE or time <= 0:
        return found
    if dive is not None:
        # The fall that was seen must be the flight that the network saw.
        middle = (found.survey.seconds[dive.top] + found.survey.seconds[dive.entry]) / 2
        if not start <= middle <= end + 0.25 * time:
            return found
    first = max(found.first, info.number_at(max(start - max(STANCE * time, LEAST_STANCE), 0.0)))
    last = min(found.last, info.number_at(end + max(REST * time, LEAST_REST)))
    if (first, last) != (found.first, found.last):
        remarks.append("Start and end follow the phases that the network finds.")
    return replace(found, first=first, last=last)
