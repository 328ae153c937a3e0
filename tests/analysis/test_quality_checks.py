from pathlib import Path

import numpy as np
import pytest

from fineparser.analysis.quality_checks import check_clip, check_flight_time, check_predictions
from fineparser.analysis.report import Transition
from fineparser.quality_warning import QualityWarning
from fineparser.rendering.messages import message
from fineparser.video.info import VideoInfo


def info(**changes) -> VideoInfo:
    values = {"path": Path("dive.mp4"), "kind": "mp4", "frame_count": 200, "fps": 25.0, "width": 320, "height": 240}
    return VideoInfo(**values | {"coded_width": 320, "coded_height": 240} | changes)


def transition(seconds: float, confidence: float = 0.9, index: int = 40) -> Transition:
    return Transition(round(25 * seconds), seconds, confidence, index)


def test_a_good_clip_passes():
    assert check_clip(info(), (), 0, 199) == []
    masks = np.zeros((96, 112, 112))
    masks[:, 50:60, 50:60] = 1
    assert check_predictions(masks, transition(1), transition(2.5)) == []
    assert check_flight_time(transition(1), transition(2.4), 3.0) == []


def test_only_cuts_inside_the_trim_are_warnings():
    assert check_clip(info(), (5, 150), 5, 149) == []
    assert check_clip(info(), (5, 150), 0, 199) == [QualityWarning("cut_inside_trim", {"cuts": (5, 150)})]


def test_a_varying_rate_and_few_frames_are_warnings():
    warnings = check_clip(info(timestamps=tuple(range(200))), (), 10, 49)
    assert warnings[0].code == "variable_frame_rate"
    assert warnings[1] == QualityWarning("low_frame_count", {"frames": 40, "needed": 96})


def test_a_missing_diver_an_uncertain_transition_and_a_missing_entry():
    masks = np.zeros((96, 112, 112))
    warnings = check_predictions(masks, transition(1, 0.2), transition(3, index=95))
    assert warnings[0].code == "empty_masks"
    assert warnings[1] == QualityWarning("uncertain_transition", {"phase": "flight", "confidence": 0.2, "frame": 25})
    assert warnings[2].code == "entry_missing"


# Plausible flights: 1 m 0.98-1.23 s, 3 m 1.32-1.54 s, 10 m 1.67-1.82 s, armstand from 10 m 1.43-1.53 s.
def test_a_transition_with_a_large_standard_error_is_uncertain():
    masks = np.ones((96, 112, 112))
    (warning,) = check_predictions(masks, transition(1), transition(3), (0.02, 0.2))
    assert (warning.code, warning.values["phase"]) == ("uncertain_transition", "entry")


@pytest.mark.parametrize(
    ("seconds", "height", "armstand", "expected"),
    [
        (1.75, 10.0, False, None),
        (1.1, 1.0, False, None),
        (1.75, 1.0, False, "slow motion, about 1.6 times"),
        (5.2, 10.0, False, "slow motion, about 3.0 times"),
        (5.2, None, False, "slow motion"),
        (2.3, None, False, None),
        (2.2, 10.0, True, "slow motion"),
        (0.6, 10.0, False, "sped up"),
        (0.6, None, False, None),
    ],
)
def test_a_flight_takes_as_long_as_a_fall(seconds, height, armstand, expected):
    warnings = check_flight_time(transition(1.0), transition(1.0 + seconds), height, armstand=armstand)
    assert len(warnings) == (expected is not None)
    assert expected is None or expected in message(warnings[0])


def test_uncertain_transitions_are_not_checked():
    assert check_flight_time(transition(1.0, 0.1), transition(9.0), 3.0) == []
