"""A jointed stick figure turns and falls; what the check measures and warns of must be how it was drawn."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fineparser.analysis.clip_scan import MotionEnergy
from fineparser.analysis.dive_number_check import (
    MIN_EXEMPLARS,
    DiverTrack,
    MeasuredFall,
    TwistClassifier,
    check_dive_number,
    measure_rotation,
    starts_inverted,
)
from fineparser.analysis.report import Transition
from fineparser.domain.clip_geometry import GRAVITY, LANDMARKS
from fineparser.domain.difficulty import difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import DiveSpec, Exemplar
from fineparser.exemplars.exemplar_bank import ExemplarBank
from fineparser.model.config import CompactConfig, FineParserConfig
from fineparser.model.crop_decoder import HEAD, NECK
from fineparser.model.crop_track import CropTrack
from fineparser.model.protocol import Diagnostics, Encoding
from fineparser.rendering.messages import message
from fineparser.video.clip import Clip
from fineparser.video.framing import Framing
from fineparser.video.info import VideoInfo

FPS = 30.0
FLIGHT, FRAME_HEIGHT = 30, 720
PIXELS_A_METRE = 60.0
HEIGHTS = {
    "head": 0.7,
    "neck": 0.5,
    "wrists": 0.9,
    "pelvis": 0.0,
    "knees": -0.45,
    "ankles": -0.9,
    "toes": -1,
}
"""Metres above the pelvis."""


def spec(code: str, height: float) -> DiveSpec:
    return DiveSpec.from_input(code, height)


def figure(
    half_turns: float = 5,
    *,
    metres: float = 3.0,
    seconds: float = 1.4,
    sense: int = 1,
    drift: float = 1.5,
    inverted: bool = False,
    noise: float = 0.02,
    speed: float = 1.0,
) -> tuple[DiverTrack, Transition, Transition]:
    """A straight figure that stands, turns by `half_turns` while it falls, and goes under, and its transitions.

    Args:
        metres, seconds: of the fall; the take-off speed follows.
        sense: 1 for clockwise.
        drift: metres to the right in the flight.
        noise: standard deviation of each keypoint, metres.
        speed: of the film; 0.3 is slow motion.
    """
    count = round(seconds * FPS / speed)
    share = np.clip((np.arange(96) - FLIGHT) / count, 0, 1)
    angle = np.pi * (sense * half_turns * share + inverted)
    time = share * seconds
    rise = (0.5 * GRAVITY * seconds**2 - metres) / seconds * time - 0.5 * GRAVITY * time**2
    place = np.stack([5 + drift * share, 4 - rise], axis=-1)
    along = np.array([HEIGHTS[name] for name in LANDMARKS])
    body = np.stack([np.sin(angle), -np.cos(angle)], axis=-1)
    points = place[:, None] + along[:, None] * body[:, None]
    points = points + np.random.default_rng(1).normal(0, noise, (2, *points.shape))
    track = DiverTrack(
        keypoints=points * PIXELS_A_METRE,
        spread=np.full(points.shape[:3], max(noise, 0.01) * PIXELS_A_METRE),
        seconds=np.arange(96) / FPS,
        camera=np.tile(np.eye(3), (96, 1, 1)),
        frame_height=FRAME_HEIGHT,
    )
    transitions = (Transition(index, index / FPS, 0.9, index) for index in (FLIGHT, FLIGHT + count))
    return track, *transitions


def codes(code: str, height: float, twist: float | None = None, **kwargs) -> list[str]:
    return [warning.code for warning in check_dive_number(spec(code, height), *figure(**kwargs), twist)]


@pytest.mark.parametrize("half_turns", [1, 2, 3, 5, 7, 9])
@pytest.mark.parametrize("sense", [1, -1])
def test_half_turns_are_counted_in_both_senses(half_turns, sense):
    track, flight, entry = figure(half_turns, sense=sense)
    rotation = measure_rotation(track.select(np.arange(flight.index, entry.index + 1)), is_inverted=False)
    assert rotation.half_turns == half_turns
    assert np.sign(rotation.clockwise_gap) == sense


def test_keypoints_with_head_and_feet_swapped_do_not_disturb_the_count():
    track, _, entry = figure(7)
    swapped = track.keypoints.copy()
    swapped[:, 34::9, [HEAD, NECK]] = 2 * swapped[:, 34::9, -1:] - swapped[:, 34::9, [HEAD, NECK]]
    track = replace(track, keypoints=swapped)
    assert measure_rotation(track.select(np.arange(30, entry.index + 1)), is_inverted=False).half_turns == 7


@pytest.mark.parametrize(
    ("code", "height", "drawn"),
    [
        ("105B", 3, {}),
        ("105B", 3, {"sense": -1, "drift": -1.5}),
        ("205B", 3, {}),
        ("305C", 3, {"sense": -1}),
        ("405C", 3, {"drift": -1.5}),
        ("105B", 3, {"half_turns": 4.75}),
        ("107B", 10, {"half_turns": 7, "metres": 10, "seconds": 1.7}),
        ("626C", 10, {"half_turns": 6, "metres": 10, "seconds": 1.45, "inverted": True}),
    ],
)
def test_a_number_that_fits_gives_no_warning(code, height, drawn):
    assert codes(code, height, **drawn) == []


@pytest.mark.parametrize("code", ["103B", "107B", "104B", "106B"])
def test_another_rotation_is_a_warning_that_says_what_is_seen(code):
    (warning,) = check_dive_number(spec(code, 3), *figure(5))
    assert warning.code == "number_rotation"
    assert f"looks like about 2 1/2 somersaults, and {code} has " in message(warning)


@pytest.mark.parametrize("noise", [0.7, 1.5, 3.0])
def test_a_rotation_that_cannot_be_seen_is_not_doubted(noise):
    assert codes("103B", 3, noise=noise) == []


@pytest.mark.parametrize(
    ("code", "drawn", "text"),
    [
        ("405C", {}, "away from the board, as in forward or back dives, and 405C is an inward dive"),
        ("105B", {"sense": -1}, "towards the board, as in reverse or inward dives, and 105B is a forward dive"),
    ],
)
def test_rotation_the_other_way_is_a_warning(code, drawn, text):
    (warning,) = check_dive_number(spec(code, 3), *figure(**drawn))
    assert warning.code == "number_direction"
    assert text in message(warning)


def test_a_diver_who_does_not_move_sideways_has_no_side():
    assert codes("405C", 3, drift=0.1) == []


@pytest.mark.parametrize(
    ("code", "inverted", "text"),
    [
        ("205C", True, "starts from an armstand, and 205C starts on the feet"),
        ("625C", False, "starts on the feet, and 625C starts from an armstand"),
    ],
)
def test_another_start_is_a_warning(code, inverted, text):
    warnings = check_dive_number(spec(code, 10), *figure(metres=10, seconds=1.6, inverted=inverted))
    assert [warning.code for warning in warnings] == ["number_start"]
    assert text in message(warnings[0])


def test_a_start_in_between_is_not_clear():
    track, flight, entry = figure()
    frames = np.arange(FLIGHT)
    lying = track.keypoints[:, frames][..., ::-1]
    keypoints = np.concatenate([lying, track.keypoints[:, FLIGHT:]], axis=1)
    assert starts_inverted(track, flight.index, entry.index) is False
    assert starts_inverted(replace(track, keypoints=keypoints), flight.index, entry.index) is None
    assert starts_inverted(track, 1, 40) is None


@pytest.mark.parametrize(
    ("code", "twist", "text"),
    [
        ("5253B", 0.05, "No twist is seen in the flight, and 5253B has 1 1/2 twists"),
        ("205B", 0.95, "seems to twist, and 205B has no twist"),
    ],
)
def test_twists_that_do_not_fit_are_a_warning(code, twist, text):
    (warning,) = check_dive_number(spec(code, 3), *figure(), twist)
    assert warning.code == "number_twists"
    assert text in message(warning)


@pytest.mark.parametrize(("code", "twist"), [("5253B", 0.9), ("5253B", 0.45), ("205B", 0.1), ("205B", 0.55)])
def test_twists_that_fit_or_are_unclear_give_no_warning(code, twist):
    assert codes(code, 3, twist) == []


@pytest.mark.parametrize(
    ("height", "drawn", "text"),
    [
        (10, {"metres": 3, "seconds": 1.4}, "falls about 3 m in 1.4 s of flight, and a fall from 10 m takes 1.7 to"),
        (3, {"metres": 10, "seconds": 1.7}, "falls about 9 m in 1.7 s of flight, and a fall from 3 m takes 1.3 to"),
    ],
)
def test_a_fall_from_another_height_is_a_warning(height, drawn, text):
    (warning,) = check_dive_number(spec("105B", height), *figure(**drawn))
    assert warning.code == "number_height"
    assert text in message(warning)


def test_the_issue_s_5253b_from_10_m_is_doubted_for_twists_and_height():
    assert codes("5253B", 10, 0.09, seconds=1.47, metres=2.6) == ["number_twists", "number_height"]


def test_slow_motion_does_not_measure_the_height():
    drawn = {"metres": 3, "seconds": 0.6, "speed": 0.35}
    track, flight, entry = figure(**drawn)
    assert not MeasuredFall.from_flight(track.select(np.arange(flight.index, entry.index + 1))).is_trusted
    assert codes("105B", 10, **drawn) == []


def test_a_panning_camera_is_compensated():
    track, flight, entry = figure(metres=10, seconds=1.7)
    shift = np.linspace(0, 0.8, 96)[:, None] * [0.3, 1.0]  # heights of the frame
    camera = track.camera.copy()
    camera[:, :2, 2] = shift
    panned = replace(track, camera=camera, keypoints=track.keypoints - shift[:, None] * FRAME_HEIGHT)
    still, moving = (
        MeasuredFall.from_flight(one.select(np.arange(flight.index, entry.index + 1))) for one in (track, panned)
    )
    assert still.metres == pytest.approx(10, rel=0.15)
    assert (moving.metres, moving.gravity, moving.drift) == pytest.approx((still.metres, still.gravity, still.drift))


def test_uncertain_transitions_and_short_flights_are_not_checked():
    track, flight, entry = figure()
    assert check_dive_number(spec("101B", 3), track, flight, entry) != []
    assert check_dive_number(spec("101B", 3), track, replace(flight, confidence=0.1), entry) == []
    assert check_dive_number(spec("101B", 3), track, flight, replace(entry, confidence=0.1)) == []
    assert check_dive_number(spec("101B", 3), track, flight, replace(entry, index=flight.index + 3)) == []
    assert check_dive_number(spec("101B", 3), track, flight, replace(entry, index=flight.index - 9)) == []


def test_repeated_frames_count_once():
    track, *_ = figure()
    numbers = np.repeat(np.arange(48), 2)
    doubled = replace(
        track, keypoints=track.keypoints[:, numbers], spread=track.spread[:, numbers], seconds=track.seconds[numbers]
    )
    assert doubled.select(np.arange(10, 50)).seconds == pytest.approx(track.seconds[5:25])


def test_the_track_of_a_network_is_in_source_pixels():
    config = CompactConfig()
    static, temporal, measures = config.track_parts
    centre, half_side, place = np.array([0.1, -0.2]), 0.25, np.array([0.5, -0.5])
    features = torch.zeros(1, 2, 96, static + temporal + measures)
    for number, mirror in enumerate((1, -1)):  # the second pass sees the mirror image
        points = torch.tensor([mirror * place[0], place[1], 0.1]).repeat(len(LANDMARKS))
        features[0, number, :, config.frame_features - 3 * len(LANDMARKS) : config.frame_features] = points
        track = CropTrack(
            torch.tensor([mirror * centre[0], centre[1]]).expand(1, 96, 2), torch.full((1, 96), half_side)
        )
        features[0, number, :, -measures:] = track.measures(torch.rand(1, 96, 112, 112))[0]
    info = VideoInfo(Path("a.mp4"), "mp4", 96, FPS, 640, 360, 640, 360)
    clip = Clip(np.zeros((3, 96, 4, 4), np.uint8), np.arange(96), Framing.from_box(100, 40, 300, 240), info)
    motion = MotionEnergy(np.tile(np.eye(3), (96, 1, 1)), np.zeros((96, 2, 2), np.float32), 16 / 9)
    diagnostics = Diagnostics((0,), features)
    track = DiverTrack.from_diagnostics(diagnostics, config, clip, motion, clip.seconds)
    share = 0.5 + centre + half_side * place
    assert track.keypoints == pytest.approx(np.broadcast_to([100, 40] + 200 * share, (2, 96, 7, 2)), abs=0.01)
    assert track.spread == pytest.approx(np.full((2, 96, 7), 0.1 * half_side * 200), rel=1e-4)
    assert DiverTrack.from_diagnostics(diagnostics, FineParserConfig(), clip, motion, clip.seconds) is None


def twisting_bank(count: int) -> ExemplarBank:
    """A bank of twisting and other dives; one of the token's values differs between them."""
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(count, 3, 4, 2, generator=generator)
    exemplars = []
    for index in range(count):
        code = DiveCode.parse("5253B" if index % 2 else "205B")
        tokens[index, 1, 2, 0] += 6 * code.twisting
        exemplars.append(Exemplar(str(index), code, 3.0, difficulty(code, 3.0), 50.0, "SynDive"))
    transitions = torch.tensor([[30, 70]]).expand(count, 2)
    encodings = Encoding(
        dynamic=tokens,
        transition_probabilities=torch.zeros(count, 96, 2),
        transitions=transitions,
        static=torch.randn(count, 3, 4, 2, generator=generator),
    )
    return ExemplarBank(tuple(exemplars), encodings, "0" * 12)


def test_a_bank_teaches_which_dives_twist():
    bank = twisting_bank(8 * MIN_EXEMPLARS)
    classifier = TwistClassifier.from_bank(bank)
    predicted = np.array([classifier.predict(bank.encodings.select([index])) for index in range(40)])
    assert predicted[1::2].min() > 0.5 > predicted[::2].max()
    assert TwistClassifier.from_bank(twisting_bank(MIN_EXEMPLARS)) is None
    assert TwistClassifier.from_bank(None) is None
    assert TwistClassifier.from_bank(replace(bank, encodings=replace(bank.encodings, static=None))) is None
