"""A clip cut to what the network sees of it: training is then shown what an analysis is shown."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np

from fineparser.analysis.proposal import Proposal
from fineparser.video.framing import CUT_SIDES
from fineparser.video.reading import reopen


def cut(proposal: Proposal, folder: Path) -> int:
    """Writes every proposed frame, cut to the proposed window, as 00000.png and so on; gives their number.

    The pictures are 224 x 224, which loaders take whole, and lossless. The folder is whole or not there.

    Raises:
        VideoError: where the clip cannot be read any more.
        OSError: where the folder is there already or cannot be written.
    """
    framing = proposal.window.framing(np.arange(proposal.first, proposal.last + 1))
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        count = 0
        with reopen(proposal.survey.info) as source:
            for _, frame in source.stream(proposal.first, proposal.last + 1):
                _, data = cv2.imencode(".png", framing.crop(frame, count, CUT_SIDES[-1])[..., ::-1])
                (part / f"{count:05d}.png").write_bytes(data.tobytes())
                count += 1
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return count
