"""Errors of the measurements: truth of simulated dives and of labels, aims with intervals, and the tables."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import spearmanr

from benchmarks import kinematics as benchmark
from benchmarks.kinematics import (
    FIRST_SEED,
    KinematicsBenchmark,
    aims_table,
    benchmark_plan,
    clip_result,
    quantities_table,
    real_results,
)
from benchmarks.kinematics_aims import (
    BOARD_AIMS,
    REAL_AIMS,
    SIMULATED_AIMS,
    Aim,
    ClipResult,
    evaluate,
    quantity_errors,
)
from benchmarks.kinematics_truth import truth_of_plan, truths_of_labels
from fineparser.domain.clip_geometry import GRAVITY
from fineparser.domain.phases import Phase
from fineparser.kinematics import Kinematics, Quantity
from fineparser.quality_warning import QualityWarning
from fineparser.simulator.plan import DiveRequest, plan_dive
from fineparser.video.info import VideoError
from tests.builders import sample_kinematics

LABEL_COLUMNS = (
    "clip,flight,entry,whole_angle_signed,trunk_angle_signed,hip_bend_at_touch,entry_sense,splash,splash_height,"
    "diver_px,position,half_somersaults,half_twists,direction,confidence"
)


def aim(label, statistic, aims=SIMULATED_AIMS) -> Aim:
    return next(one for one in aims if one.label == label and one.statistic == statistic)


def result(truth=None, measured=None, **changes) -> ClipResult:
    """A clip of 25 frames a second."""
    fields = {"clip": "dive.mp4", "group": {"camera": "static"}, "frame_rate": 25.0}
    return ClipResult(**(fields | {"truth": truth or {}, "measured": measured or {}} | changes))


def quantity(value, error=1.0):
    return {"value": value, "error": error, "unit": "", "frames": []}


def choice(*names):
    return {"value": names[0], "probabilities": {name: 1 / (2 + i) for i, name in enumerate(names)}, "frames": []}


@pytest.fixture(scope="module")
def plan():
    request = DiveRequest(code="405C", height=3, camera="static", level=0.9, synchro=False, opening=False)
    return plan_dive(11, request, split="test")


@pytest.fixture(scope="module")
def truth(plan):
    return truth_of_plan(plan, 240)


class TestTruthOfPlan:
    def test_the_flight_obeys_free_fall(self, plan, truth):
        """Height at the top and at the touch follow from the vertical speed at the take-off."""
        motion = plan.motions[0]
        start, end = np.interp([0.0, motion.entry_time], motion.times, motion.centre_of_mass[:, 2])
        speed, seconds = truth["take_off_speed"], truth["air_time"]
        assert start + speed * seconds - GRAVITY * seconds**2 / 2 == pytest.approx(end, abs=0.02)
        top = start + speed**2 / (2 * GRAVITY)
        assert truth["height_above_board"] == pytest.approx(top - plan.height, abs=0.02)

    def test_frames_and_seconds_agree(self, plan, truth):
        seconds = (truth["entry"] - truth["flight"]) / (plan.fps * plan.slow_motion)
        assert seconds == pytest.approx(truth["air_time"], abs=1 / plan.fps)

    def test_the_rotation_is_that_of_the_number(self, plan, truth):
        assert (truth["half_somersaults"], truth["half_twists"]) == ("5", "0")
        assert (truth["direction"], truth["position"], truth["start"]) == ("inward", "C", "feet")
        assert truth["dive_number"] == "405C"
        # The trunk is inclined at the take-off already, so it turns by less than the number says.
        start = float(np.interp(0.0, plan.motions[0].times, plan.motions[0].somersault)) * 360
        turned = truth["mean_rotation"] * truth["air_time"]
        assert start + turned == pytest.approx(2.5 * 360 + plan.motions[0].entry_angle, abs=0.5)
        assert truth["peak_rotation"] > 1.2 * truth["mean_rotation"]

    def test_the_tuck_opens_before_the_touch(self, truth):
        assert truth["tightest_hip"] < 90
        assert 0 < truth["opening_time"] < 0.6 * truth["air_time"]
        assert 0 < truth["opening_height"] < 3 + truth["height_above_board"]

    def test_the_diver_passes_the_board_and_enters_beyond_it(self, truth):
        assert 0.1 < truth["closest_distance"] < truth["entry_distance"] + 1
        assert 0.3 < truth["entry_distance"] < 3

    def test_the_scale_is_that_of_the_rendered_diver(self, plan, truth):
        """The distance of head and toes in pixels, shortly before the touch, fits the length of the body."""
        pose = plan.poses(np.array([truth["entry"] - 1]), 240)[0]
        assert truth["scale"] == pytest.approx(pose[-1] * 240, rel=0.02)
        assert truth["body_height"] / truth["scale"] == pytest.approx(plan.bodies[0].stature + 0.15, abs=0.2)

    def test_a_body_in_line_has_the_angle_of_the_rotation(self, plan, truth):
        """The simulator counts the rotation of the trunk from pelvis to neck."""
        assert plan.motions[0].entry_angle < -5
        assert truth["trunk_angle"] == pytest.approx(plan.motions[0].entry_angle, abs=8)
        assert truth["entry_angle"] == pytest.approx(truth["trunk_angle"], abs=10)

    def test_a_level_camera_shows_the_vertical_upright(self, plan, truth):
        """A static camera rolls by a degree or two; verticals lean more away from the middle of its picture."""
        assert abs(truth["vertical"]) < 10

    def test_a_straight_dive_has_no_opening(self):
        plan = plan_dive(11, DiveRequest(code="101A", height=3, level=0.9), split="test")
        assert "opening_time" not in truth_of_plan(plan, 120)

    def test_larger_splashes_are_higher(self):
        heights = {}
        for level in (0.05, 0.95):
            request = DiveRequest(code="103B", height=3, level=level, synchro=False)
            truths = [truth_of_plan(plan_dive(seed, request, split="test"), 72) for seed in range(3)]
            heights[level] = np.mean([truth["splash_height"] for truth in truths])
        assert heights[0.05] > heights[0.95] > 0


class TestTruthsOfLabels:
    def folder(self, tmp_path, *rows):
        (tmp_path / "labels.csv").write_text("\n".join([LABEL_COLUMNS, *rows]) + "\n")
        (tmp_path / "dives.csv").write_text("clip,dive_code,height\none.mp4,103B,1\nthree.mp4,,7.5\n")
        return tmp_path

    def test_numbers_and_words(self, tmp_path):
        folder = self.folder(
            tmp_path,
            "one.mp4,44,74,-12,-16,57,short,1,0.3,205,pike,3,0,forward,sure",
            "two.mp4,17,,,,,?,,,,tuck,4,0,forward,guess",
            "three.mp4,1,2,,,,,,,,free,3,?,reverse,likely",
        )
        one, two, three = truths_of_labels(folder).values()
        assert one == {
            "flight": 44,
            "entry": 74,
            "entry_angle": -12,
            "trunk_angle": -16,
            "entry_hip_bend": 57,
            "splash_level": 1,
            "splash_bodies": 0.3,
            "body_height": 205,
            "entry_sense": "short",
            "half_somersaults": "3",
            "half_twists": "0",
            "direction": "forward",
            "position": "B",
            "dive_number": "103B",
            "height": "1",
        }
        assert two == {"flight": 17}, "a guess does not count"
        assert three == {
            "flight": 1,
            "entry": 2,
            "half_somersaults": "3",
            "direction": "reverse",
            "position": "D",
            "height": "7.5",
        }

    def test_an_empty_table_is_refused(self, tmp_path):
        with pytest.raises(ValueError, match="no rows"):
            truths_of_labels(self.folder(tmp_path))


class TestEvaluate:
    def test_a_mean_absolute_error(self):
        results = [result({"air_time": 1.0}, {"air_time": quantity(1.0 + error)}) for error in (0.02, -0.04, 0.03)]
        row = evaluate(aim("air time", "mean absolute error"), results)
        assert row.value == pytest.approx(0.03)
        assert (row.reached, row.clips, row.measurable, row.unit) == (True, 3, 1.0, "s")

    def test_missing_measurements_lower_the_share_and_unknown_truth_does_not_count(self):
        results = [
            result({"air_time": 1.0}, {"air_time": quantity(1.1)}),
            result({"air_time": 1.0}, missing={"air_time": "no_entry"}),
            result({}, {"air_time": quantity(5.0)}),
        ]
        row = evaluate(aim("air time", "mean absolute error"), results)
        assert (row.value, row.clips, row.measurable) == (pytest.approx(0.1), 2, 0.5)
        assert row.reached is False
        assert row.low is None, "no interval of one clip"

    def test_without_clips_there_is_no_value(self):
        row = evaluate(aim("air time", "mean absolute error"), [])
        assert (row.value, row.reached, row.clips, row.measurable) == (None, None, 0, None)

    def test_transitions_are_compared_in_seconds_of_the_dive(self):
        slow = result({"flight": 30, "entry": 90}, {"flight": {"value": 33}, "entry": {"value": 90}}, frame_rate=100.0)
        row = evaluate(aim("flight and entry", "mean absolute error"), [slow])
        assert row.value == pytest.approx((0.03 + 0) / 2)

    def test_the_share_within_a_tenth_of_a_second_includes_it(self):
        results = [
            result({"flight": 10}, {"flight": {"value": 10 + frames}}, frame_rate=10.0) for frames in (0, 1, -1, 2)
        ]
        row = evaluate(aim("flight", "share within 0.1 s", REAL_AIMS), results)
        assert row.value == pytest.approx(0.75)

    def test_the_interval_is_that_of_the_mean(self):
        """The bootstrap of a mean has about 1.96 standard errors on each side."""
        errors = np.random.default_rng(0).exponential(1.0, 200)
        results = [result({"air_time": 0.0}, {"air_time": quantity(error)}) for error in errors]
        row = evaluate(aim("air time", "mean absolute error"), results)
        half = 1.96 * errors.std() / math.sqrt(200)
        assert row.low == pytest.approx(errors.mean() - half, abs=0.03)
        assert row.high == pytest.approx(errors.mean() + half, abs=0.03)

    def test_the_first_guess_and_the_first_five(self):
        numbers = ("103B", "105B", "101B", "103C", "203B")
        results = [
            result({"dive_number": "103B"}, {"dive_number": choice(*numbers)}),
            result({"dive_number": "203B"}, {"dive_number": choice(*numbers)}),
            result({"dive_number": "301B"}, {"dive_number": choice(*numbers)}),
            result({"dive_number": "105B"}, {"dive_number": choice(*numbers)}),
        ]
        assert evaluate(aim("dive number", "share right"), results).value == 0.25
        assert evaluate(aim("dive number", "share among 5"), results).value == 0.75

    def test_a_rank_correlation(self):
        rng = np.random.default_rng(1)
        sizes, areas = rng.random(40), rng.random(40)
        results = [
            result({"splash_size": size}, {"splash_area": quantity(area)})
            for size, area in zip(sizes, areas, strict=True)
        ]
        row = evaluate(aim("splash area and the simulated fault", "rank correlation"), results)
        assert row.value == pytest.approx(spearmanr(areas, sizes).statistic)
        assert row.low < row.value < row.high

    def test_short_vertical_or_over(self):
        row = evaluate(
            aim("short, vertical or over", "share right", REAL_AIMS),
            [
                result({"entry_sense": sense}, {"trunk_angle": quantity(angle)})
                for sense, angle in [("short", -20.0), ("vertical", 4.0), ("over", -9.0), ("over", 8.0)]
            ],
        )
        assert row.value == 0.75

    def test_a_splash_level_may_be_one_off(self):
        results = [
            result({"splash_level": level}, {"splash_height": quantity(height)})
            for level, height in [(1, 0.5), (2, 0.5), (3, 0.5), (0, 0.1)]
        ]
        assert evaluate(aim("splash level", "share within one", REAL_AIMS), results).value == 0.75

    @pytest.mark.parametrize(("warnings", "expected"), [((), 1.0), (("flight_too_short",), 0.0)])
    def test_a_large_error_needs_a_warning(self, warnings, expected):
        wrong = result({"flight": 0}, {"flight": {"value": 20}}, warnings=warnings)
        row = evaluate(aim("flight or entry beyond 0.5 s without a warning", "share of clips", REAL_AIMS), [wrong])
        assert row.value == expected

    def test_every_aim_scores_a_complete_clip(self):
        """Names in the aims are names of measurements."""
        complete: dict = {"flight": {"value": 10}, "entry": {"value": 40}}
        for name, unit in Kinematics.units().items():
            complete[name] = quantity(1.0) if unit or name in ("time_scale",) else choice("1")
        truth = dict.fromkeys(Kinematics.units(), 2.0) | {"flight": 10, "entry": 40, "splash_size": 0.5}
        truth |= {"splash_bodies": 0.4, "splash_level": 1, "entry_sense": "over"}
        for one in (*SIMULATED_AIMS, *REAL_AIMS, *BOARD_AIMS):
            assert evaluate(one, [result(truth, complete)]).measurable == 1.0, one.label


class TestQuantityErrors:
    def test_errors_and_calibration(self):
        """Errors that are twice the standard error have a calibration of 2, with and without an outlier."""
        rng = np.random.default_rng(2)
        errors = 2 * rng.standard_normal(400)
        results = [result({"air_time": 5.0}, {"air_time": quantity(5.0 + error)}) for error in errors]
        results.append(result({"air_time": 5.0}, missing={"air_time": "no_entry"}))
        (row,) = quantity_errors(results)
        assert (row.name, row.unit, row.clips) == ("air_time", "s", 401)
        assert row.measurable == pytest.approx(400 / 401)
        assert row.mean_absolute == pytest.approx(np.abs(errors).mean())
        assert row.median == pytest.approx(np.median(errors))
        assert row.calibration == pytest.approx(2.0, rel=0.1)
        assert row.robust_calibration == pytest.approx(2.0, rel=0.15)
        assert row.reasons == {"no_entry": 1}

    def test_choices_have_no_errors(self):
        assert quantity_errors([result({"position": "B"}, {"position": choice("B")})]) == []


class TestRun:
    def test_a_clip_that_cannot_be_read_has_no_measurements(self, tmp_path):
        class Analyser:
            def analyse(self, clip, height):
                raise VideoError(clip, "cannot be read.")

        row = clip_result(Analyser(), tmp_path / "broken.mp4", 3.0, {"flight": 1}, {})
        assert row.measured == {}
        assert "cannot be read" in row.warnings[0]

    def test_measurements_of_a_report_can_be_cached(self, tmp_path):
        """Numbers of NumPy become plain ones; what is missing has its reason; unrelated warnings are left out."""
        kinematics = replace(sample_kinematics(), splash_height=Quantity.missing("m", "no_splash"))
        report = SimpleNamespace(
            flight=SimpleNamespace(frame=np.int64(12)),
            entry=SimpleNamespace(frame=np.int64(50)),
            kinematics=kinematics,
            info=SimpleNamespace(fps=30.0),
            warnings=(QualityWarning("no_dive_number"), QualityWarning("flight_too_short")),
            no_score=(),
            missing_phases=(Phase.ENTRY,),
        )
        analyser = SimpleNamespace(analyse=lambda clip, height: report)
        row = clip_result(analyser, tmp_path / "dive.mp4", None, {"flight": 10}, {})
        again = ClipResult(**json.loads(json.dumps(row.to_json())))
        assert again.seconds("flight") == pytest.approx(2 / 30)
        assert again.number("air_time") == pytest.approx(kinematics.air_time.value, abs=0.01)
        assert again.missing["splash_height"] == "no_splash"
        assert list(again.warnings) == ["flight_too_short", "missing_entry"]

    def test_real_clips_are_measured_once(self, tmp_path, monkeypatch):
        real = tmp_path / "real"
        real.mkdir()
        TestTruthsOfLabels().folder(real, "one.mp4,44,74,-12,-16,57,short,1,0.3,205,pike,3,0,forward,sure")
        calls = []

        def measure_once(analyser, clip, height, truth, group):
            calls.append((clip.name, height, group["board"]))
            return result(truth, {"flight": {"value": 45}}, clip=clip.name, group=group)

        monkeypatch.setattr(benchmark, "clip_result", measure_once)
        options = KinematicsBenchmark(real=real, out=tmp_path / "out")
        first = real_results(None, options, lambda line: None)
        again = real_results(None, options, lambda line: None)
        assert calls == [("one.mp4", 1.0, "springboard")]
        assert again[0].truth == first[0].truth
        assert again[0].measured == {"flight": {"value": 45}}

    def test_no_folder_of_real_clips_is_no_error(self, tmp_path):
        lines = []
        assert real_results(None, KinematicsBenchmark(real=tmp_path / "none"), lines.append) == []
        assert "no real clips" in lines[0]

    def test_plans_take_heights_and_cameras_in_turn(self):
        plans = [benchmark_plan(number) for number in (0, 14)]
        assert [plan.height for plan in plans] == [1, 10]
        assert [plan.style.camera_kind for plan in plans] == ["broadcast", "handheld"]
        assert [plan.seed for plan in plans] == [FIRST_SEED, FIRST_SEED + 14]

    def test_a_negative_number_of_dives_is_refused(self):
        with pytest.raises(ValueError, match="-1"):
            KinematicsBenchmark(count=-1)


def test_the_tables_show_aims_intervals_and_reasons():
    results = [
        result({"air_time": 1.0}, {"air_time": quantity(1.0 + 0.01 * index, 0.02)}, clip=f"{index}.mp4")
        for index in range(8)
    ]
    results.append(result({"air_time": 1.0}, missing={"air_time": "no_entry"}))
    aims = aims_table([evaluate(aim("air time", "mean absolute error"), results)])
    assert "| air time | mean absolute error | 0.04 | 0.035 s |" in aims
    assert "89% of 9" in aims
    quantities = quantities_table(quantity_errors(results))
    assert "| air_time | s | 0.035 | 0.035 |" in quantities
    assert "no_entry 1" in quantities
