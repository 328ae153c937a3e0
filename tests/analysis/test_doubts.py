from pathlib import Path

import numpy as np
import pytest

from fineparser.analysis.doubts import clip_doubts, finding_doubts, speed_doubts
from fineparser.analysis.report import Transition
from fineparser.video.info import VideoInfo


def info(**changes) -> VideoInfo:
    values = {"path": Path("dive.mp4"), "kind": "mp4", "frame_count": 200, "fps": 25.0, "width": 320, "height": 240}
    return VideoInfo(**values | {"coded_width": 320, "coded_height": 240} | changes)


def switch(seconds: float, confidence: float = 0.9, index: int = 40) -> Transition:
    return Transition(round(25 * seconds), seconds, confidence, index)


def test_a_plain_clip_raises_no_doubts():
    assert clip_doubts(info(), (), 0, 199) == []
    masks = np.zeros((96, 112, 112))
    masks[:, 50:60, 50:60] = 1
    assert finding_doubts(masks, switch(1), switch(2.5)) == []
    assert speed_doubts(switch(1), switch(2.4), 3.0) == []


def test_cuts_count_inside_the_trim_only():
    assert clip_doubts(info(), (5, 150), 5, 149) == []
    assert "at frames 5, 150, inside" in clip_doubts(info(), (5, 150), 0, 199)[0]


def test_a_varying_rate_and_few_frames_are_told():
    doubts = clip_doubts(info(timestamps=tuple(range(200))), (), 10, 49)
    assert "frame rate varies" in doubts[0]
    assert "Only 40 frames for the 96" in doubts[1]


def test_no_diver_no_sure_switch_no_entry():
    masks = np.zeros((96, 112, 112))
    doubts = finding_doubts(masks, switch(1, 0.2), switch(3, index=95))
    assert "No diver" in doubts[0]
    assert "start of the flight is unsure (probability 0.20 at frame 25)" in doubts[1]
    assert "No entry" in doubts[2]


# Usual flights: 1 m 0.98-1.23 s, 3 m 1.32-1.54 s, 10 m 1.67-1.82 s, armstand from 10 m 1.43-1.53 s.
@pytest.mark.parametrize(
    ("seconds", "height", "armstand", "told"),
    [
        (1.75, 10.0, False, None),
        (1.1, 1.0, False, None),
        (1.75, 1.0, False, "slow motion, 1.6 times"),
        (5.2, 10.0, False, "slow motion, 3.0 times"),
        (5.2, None, False, "slow motion"),
        (2.3, None, False, None),
        (2.2, 10.0, True, "slow motion"),
        (0.6, 10.0, False, "too fast"),
        (0.6, None, False, None),
    ],
)
def test_a_flight_lasts_as_long_as_the_fall(seconds, height, armstand, told):
    doubts = speed_doubts(switch(1.0), switch(1.0 + seconds), height, armstand)
    assert len(doubts) == (told is not None)
    assert told is None or told in doubts[0]


def test_unsure_switches_say_nothing_of_the_speed():
    assert speed_doubts(switch(1.0, 0.1), switch(9.0), 3.0) == []
