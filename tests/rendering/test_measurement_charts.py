import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from fineparser.kinematics import Choice, Quantity
from fineparser.rendering.measurement_charts import PANEL_HEIGHT, path_chart, rotation_chart, svg_file
from fineparser.rendering.palette import VERMILION
from tests.builders import sample_kinematics


@pytest.fixture(scope="module")
def kinematics():
    return sample_kinematics()


def elements(chart: str, tag: str):
    return list(ElementTree.fromstring(chart).iter(tag))


def points(polyline) -> np.ndarray:
    return np.array([[float(value) for value in pair.split(",")] for pair in polyline.get("points").split()])


def texts(chart: str) -> list[str]:
    return [element.text for element in elements(chart, "text")]


def test_the_path_has_equal_scales_and_meets_board_and_water(kinematics):
    chart = path_chart(kinematics)
    (flight, *_) = (line for line in elements(chart, "polyline") if line.get("stroke-width") == "2.5")
    drawn = points(flight)
    # From 0.2 m to 1.12 m away from the board, and from 2 m to 0.9 m above the water.
    (x0, y0), (x1, y1) = drawn[0], drawn[-1]
    scale = np.polyfit([0.2, 1.12], [x0, x1], 1)
    fall = np.polyfit([2.0, 0.9], [y0, y1], 1)
    assert scale[0] == pytest.approx(-fall[0], rel=0.01)
    water, board = elements(chart, "rect")
    assert float(water.get("y")) == pytest.approx(fall[1], abs=0.2)
    assert float(board.get("y")) == pytest.approx(fall[1] + fall[0], abs=0.2)
    assert float(board.get("x")) + float(board.get("width")) == pytest.approx(scale[1], abs=0.2)
    assert "1.56\u00a0m" in texts(chart)
    assert "1.12\u00a0m" in texts(chart)


def test_dots_are_a_tenth_of_a_second_apart(kinematics):
    dots = elements(path_chart(kinematics), "circle")
    titles = [dot.find("title").text for dot in dots if dot.get("r") == "3"]
    assert [title[:5] for title in titles] == [f"{tenth / 10:.1f} s" for tenth in range(10)]
    assert titles[0] == "0.0 s after the take-off: 2.0 m above the water"


def test_a_path_from_the_platform_fits_the_picture(kinematics):
    series = kinematics.series
    high = replace(
        kinematics,
        series=replace(series, path=series.path * [1, 4] + [0, 3]),
        height=Choice.from_probabilities({"10": 1.0}),
    )
    chart = path_chart(high)
    width, height = (float(side) for side in re.search(r'viewBox="0 0 (\d+) (\d+)"', chart).groups())
    for line in elements(chart, "polyline"):
        assert (points(line) >= 0).all()
        assert (points(line) <= [width, height]).all()
    # A platform is thicker than a springboard.
    assert float(elements(chart, "rect")[1].get("height")) > 5


def test_there_is_no_chart_of_what_was_not_measured(kinematics):
    series = kinematics.series
    nothing = np.full(96, np.nan)
    lost = replace(series, path=np.full((96, 2), np.nan), rotation_speed=nothing)
    assert path_chart(replace(kinematics, series=lost)) == ""
    assert path_chart(replace(kinematics, height=Choice.missing("no_flight"))) == ""
    only_hips = rotation_chart(replace(kinematics, series=lost))
    assert "Hip angle" in texts(only_hips)
    assert not any(text.startswith("Rotation") for text in texts(only_hips))
    assert rotation_chart(replace(kinematics, series=replace(lost, hip_angle=nothing))) == ""


def test_missing_values_have_no_dimensions(kinematics):
    bare = replace(
        kinematics,
        air_time=Quantity.missing("s", "no_entry"),
        height_above_board=Quantity.missing("m", "no_entry"),
        entry_distance=Quantity.missing("m", "no_entry"),
        peak_rotation=Quantity.missing("deg/s", "no_entry"),
        opening_time=Quantity.missing("s", "no_entry"),
    )
    assert not any("\u00a0" in text for text in texts(path_chart(bare)) + texts(rotation_chart(bare)))
    assert "come-out" not in texts(rotation_chart(bare))


def test_gaps_interrupt_the_curves(kinematics):
    speed = kinematics.series.rotation_speed.copy()
    speed[40:50] = np.nan
    gap = replace(kinematics, series=replace(kinematics.series, rotation_speed=speed))
    curves = [
        len([line for line in elements(rotation_chart(one), "polyline") if line.get("stroke") == VERMILION.css])
        for one in (kinematics, gap)
    ]
    assert curves == [2, 3]


def test_phases_and_peak_are_where_they_belong(kinematics):
    chart = rotation_chart(kinematics)
    assert texts(chart)[:3] == ["take-off", "flight", "entry"]
    speed, hip = (points(line) for line in elements(chart, "polyline") if line.get("stroke") == VERMILION.css)
    flight, entry = elements(chart, "rect")[1:3]
    assert float(flight.get("height")) == PANEL_HEIGHT
    moving = speed[speed[:, 1] < speed[:, 1].max() - 1]
    left, right = float(flight.get("x")), float(flight.get("x")) + float(flight.get("width"))
    assert left <= moving[:, 0].min() <= moving[:, 0].max() <= right
    assert right == pytest.approx(float(entry.get("x")), abs=0.2)
    # The tightest pike is in the middle of the flight.
    assert hip[hip[:, 1].argmax(), 0] == pytest.approx((left + right) / 2, abs=8)
    assert "880\u00a0\u00b0/s" in texts(chart)


def test_an_exemplar_is_dashed(kinematics):
    exemplar = sample_kinematics(flight=17)
    for draw in (path_chart, rotation_chart):
        dashed = [
            line for line in elements(draw(kinematics, exemplar), "polyline") if line.get("stroke") == "currentColor"
        ]
        assert dashed
        assert all(line.get("stroke-dasharray") for line in dashed)


def test_a_file_of_its_own_is_an_image(kinematics):
    root = ElementTree.fromstring(svg_file(rotation_chart(kinematics)))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "prefers-color-scheme" in root[0].text
