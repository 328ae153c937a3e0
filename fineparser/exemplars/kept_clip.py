"""The clip of an own exemplar: what is kept of an upload, and encoded from then on."""

from dataclasses import replace
from pathlib import Path

import cv2

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.exemplars.exemplar import Exemplar
from fineparser.analysis.proposal import Proposal
from fineparser.exemplars.simulated_exemplars import encode_frames
from fineparser.model.encoding import ClipEncoding
from fineparser.video.reading import reopen
from fineparser.video.sampling import sample_frames
from fineparser.video.writing import VideoSink

MOST_LINES = 720
"""The network sees 224 lines of the window around the diver, a tablet shows no more than these."""
QUALITY = 20
KEYFRAME_EVERY = 8


def keep(proposal: Proposal, path: Path) -> int:
    """Writes the proposed frames of a clip as H.264 and gives their number; the file is whole or not there."""
    info = proposal.survey.info
    shrink = min(1.0, MOST_LINES / min(info.width, info.height))
    size = tuple(max(2, round(side * shrink / 2) * 2) for side in (info.width, info.height))
    with (
        reopen(info) as source,
        VideoSink(path, info.fps, *size, keyframe_every=KEYFRAME_EVERY, quality=QUALITY) as sink,
    ):
        count = 0
        for _, frame in source.stream(proposal.first, proposal.last + 1):
            if (frame.shape[1], frame.shape[0]) != size:
                frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
            sink.write(frame)
            count += 1
    return count


def encode_kept(analyser: DiveAnalyser, exemplar: Exemplar) -> tuple[Exemplar, ClipEncoding]:
    """An own exemplar's encoding, from the clip that was kept, with the phases that were found.

    Raises:
        VideoError: where the clip is gone or broken.
    """
    clip = exemplar.clip
    seen = analyser.propose(clip.path, clip.first, clip.last).read(analyser.model.config.picture_size)
    encoding = encode_frames(analyser.network, seen.frames.transpose(1, 2, 3, 0))
    return with_phases(exemplar, encoding), encoding


def with_phases(exemplar: Exemplar, encoding: ClipEncoding) -> Exemplar:
    """The exemplar with its clip's phases where its encoding was cut."""
    clip = exemplar.clip
    numbers = sample_frames(clip.first, clip.last)
    flight, entry = (int(numbers[index]) for index in encoding.transitions[0])
    return replace(exemplar, clip=replace(clip, flight=flight, entry=entry))
