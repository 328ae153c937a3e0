from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fineparser.analysis.clip_scan import ClipScan, MotionEnergy
from fineparser.analysis.crop_choice import CropChoice
from fineparser.analysis.dive_evidence import DiveEvidence, DiverPath, FreeFall, PhasePrediction
from fineparser.domain.phases import Phase
from fineparser.video.framing import Framing
from fineparser.video.info import VideoInfo

FPS, FRAMES, SIDE = 30.0, 96, 112
GRAVITY = 5.0  # body lengths / s^2, as for a diver of 1.9 m
BODY = 14.0  # height of the body, mask pixels
LENGTH = np.hypot(BODY + 2, 6) / BODY  # of its bounding box with a pixel around it, which counts as the body's length
FLIGHT, ENTRY = 30, 66
NUMBERS = np.arange(FRAMES)
WHOLE_FRAME = Framing.from_box(0, 0, SIDE, SIDE)


def make_scan(energy: np.ndarray | None = None) -> ClipScan:
    """Scan of a clip of 96 frames by a camera that stands still."""
    info = VideoInfo(Path("dive.mp4"), "mp4", FRAMES, FPS, SIDE, SIDE, SIDE, SIDE)
    still = np.zeros((FRAMES, 24, 24), np.float32) if energy is None else energy
    return ClipScan(info, (), MotionEnergy(np.tile(np.eye(3), (FRAMES, 1, 1)), still, 1.0))


def heights_of_a_dive(speed: float = 2.0, slow: float = 1.0) -> np.ndarray:
    """Height in each frame, downwards in body lengths: a stance, a jump of `speed` body lengths / s, the water."""
    seconds = np.maximum(NUMBERS - FLIGHT, 0) / FPS / slow
    heights = 2 - speed * seconds + GRAVITY / 2 * seconds**2
    heights[ENTRY + 2 :] = heights[ENTRY + 2]
    return heights


def draw(heights: np.ndarray, x: float = 50.0) -> np.ndarray:
    """Masks [n, 112, 112] of an upright body at these heights; none where the height is NaN."""
    masks = np.zeros((len(heights), SIDE, SIDE), np.float32)
    for mask, height in zip(masks, heights, strict=True):
        if np.isfinite(height):
            top = round(height * BODY)
            mask[max(top, 0) : max(top + int(BODY), 0), int(x) : int(x) + 4] = 1
    return masks


def predict(masks: np.ndarray, flight_confidence: float = 0.4, entry_confidence: float = 0.9) -> PhasePrediction:
    return PhasePrediction(
        masks=masks,
        probabilities=np.zeros((len(masks), 2)),
        flight=FLIGHT,
        entry=ENTRY,
        flight_confidence=flight_confidence,
        entry_confidence=entry_confidence,
    )


def weigh(prediction: PhasePrediction, scan: ClipScan | None = None) -> DiveEvidence:
    scan = scan or make_scan()
    return DiveEvidence.from_prediction(prediction, scan, CropChoice.from_framing(WHOLE_FRAME, scan.info), NUMBERS)


def codes(evidence: DiveEvidence) -> list[str]:
    return [reason.code for reason in evidence.no_score]


def test_a_dive_is_a_free_fall():
    evidence = weigh(predict(draw(heights_of_a_dive())))
    assert evidence.fall.acceleration == pytest.approx(GRAVITY / LENGTH, rel=0.05)
    assert evidence.fall.fit > 0.98
    assert evidence.fall.drop == pytest.approx(np.ptp(heights_of_a_dive()[FLIGHT : ENTRY + 1]) / LENGTH, rel=0.1)
    assert evidence.fall.strength == 1
    assert evidence.is_dive
    assert (codes(evidence), evidence.missing_phases) == ([], ())
    assert (evidence.flight_frame, evidence.entry_frame) == (FLIGHT, ENTRY)


def test_slow_motion_falls_as_freely_but_slower():
    heights = heights_of_a_dive(slow=1.5)
    evidence = weigh(predict(draw(heights)))
    assert evidence.fall.acceleration == pytest.approx(GRAVITY / LENGTH / 1.5**2, rel=0.1)


def test_a_person_who_stands_does_not_fall():
    evidence = weigh(predict(draw(np.full(FRAMES, 2.0))))
    assert evidence.fall.strength == 0
    assert not evidence.is_dive
    assert not evidence.shows_fall
    assert codes(evidence) == ["no_fall"]


def test_somebody_who_climbs_down_does_not_fall_freely():
    # As far as a dive, but at an even speed.
    evidence = weigh(predict(draw(np.interp(NUMBERS, [FLIGHT, ENTRY], [1.0, 2.0]))))
    assert evidence.fall.drop == pytest.approx(1.0 / LENGTH, abs=0.05)
    assert abs(evidence.fall.acceleration) < 0.2
    assert codes(evidence) == ["no_fall"]


def test_without_masks_there_is_no_diver():
    evidence = weigh(predict(np.zeros((FRAMES, SIDE, SIDE)), 0.9, 0.9))
    assert not evidence.is_dive
    assert codes(evidence) == ["no_diver"]


def test_a_clip_that_begins_in_the_air_has_no_take_off():
    heights = heights_of_a_dive()
    in_air = np.append(heights[FLIGHT + 12 :], np.full(FLIGHT + 12, heights[-1]))
    prediction = replace(predict(draw(in_air), 0.3), flight=3, entry=ENTRY - FLIGHT - 12)
    evidence = weigh(prediction)
    assert evidence.begins_in_air
    assert evidence.missing_phases == (Phase.TAKE_OFF,)
    assert codes(evidence) == []
    # A take-off that the network is sure of is in the clip, however short the stance before it.
    assert not weigh(replace(prediction, flight_confidence=0.95)).begins_in_air


def test_a_clip_that_ends_in_the_air_has_no_entry_and_no_score():
    seconds = np.maximum(NUMBERS - FLIGHT, 0) / FPS
    heights = 3 - 3 * seconds + GRAVITY / 2 * seconds**2
    heights = np.append(np.full(40, 3.0), heights)[:FRAMES]  # the fall goes on to the last frame
    prediction = replace(predict(draw(heights - 1), 0.95, 0.3), flight=FLIGHT + 40, entry=FRAMES - 2)
    evidence = weigh(prediction)
    assert evidence.ends_in_air
    assert evidence.missing_phases == (Phase.ENTRY,)
    assert codes(evidence) == ["ends_in_air"]


def test_the_hurdle_of_an_approach_is_no_dive():
    """A jump on the board, at the end of which the clip ends, falls as freely as a dive."""
    seconds = np.maximum(NUMBERS - 70, 0) / FPS
    heights = 3 - 2.3 * seconds + GRAVITY / 2 * seconds**2
    hurdle = replace(predict(draw(heights), 0.64, 0.14), flight=70, entry=FRAMES - 2)
    evidence = weigh(replace(hurdle, entry_confidence=0.5))
    assert evidence.ends_in_air
    assert not evidence.is_dive
    # The same with a take-off that is certain is a dive that the clip cuts.
    assert weigh(replace(hurdle, flight_confidence=0.95)).is_dive


def test_transitions_that_are_not_found_are_named():
    dive = predict(draw(heights_of_a_dive()), 0.9, 0.05)
    assert [reason.values["phase"] for reason in weigh(dive).no_score] == ["entry"]
    both = weigh(replace(dive, flight_confidence=0.2, entry_confidence=0.1))
    assert codes(both) == ["no_fall"]  # neither transition: the fall of something else


def test_the_track_stays_with_the_diver_who_moves():
    heights = heights_of_a_dive()
    # A spectator with a mask twice as large, who sits still at the right.
    masks = draw(heights)
    masks[:, 60:74, 90:98] = 1
    energy = np.zeros((FRAMES, 24, 24), np.float32)
    for number, height in enumerate(heights):
        row = int((height + 0.5) * BODY / SIDE * 24)
        energy[number, min(row, 23), int(52 / SIDE * 24)] = 50
    scan = make_scan(energy)
    track = DiverPath.from_masks(masks, scan, CropChoice.from_framing(WHOLE_FRAME, scan.info), NUMBERS)
    assert track.is_detected.all()
    assert np.abs(track.centres[FLIGHT:ENTRY, 0] * SIDE - 52).max() < 2


def test_a_fall_needs_frames():
    assert FreeFall.from_heights(np.full(96, np.nan), NUMBERS / FPS, 0, 96).strength == 0
    fall = FreeFall.from_heights(np.arange(3.0), np.arange(3) / FPS, 0, 3)
    assert (fall.drop, fall.strength) == (0, 0)
