"""The table of measurements and its pictures as HTML."""

import re
from dataclasses import fields, replace

from fineparser.kinematics import Choice, Kinematics, Quantity
from fineparser.ui.measurements_panel import (
    MeasurementsPanel,
    charts_html,
    comparison_updates,
    dive_updates,
    table_html,
)
from tests.builders import sample_kinematics
from tests.ui.conftest import placeholder_panel

KINEMATICS = sample_kinematics()


def missing_kinematics() -> Kinematics:
    """Kinematics of a dive of which nothing could be measured."""
    values = {}
    for name, unit in Kinematics.units().items():
        is_choice = isinstance(KINEMATICS[name], Choice)
        values[name] = Choice.missing("no_flight") if is_choice else Quantity.missing(unit, "no_flight")
    assert set(values) < {field.name for field in fields(Kinematics)}
    return replace(KINEMATICS, **values, entry_picture=None)


def test_every_measurement_has_a_row_in_its_group():
    html = table_html(KINEMATICS)
    titles = re.findall(r"<h4>(.*?)</h4>", html)
    assert len(titles) == len(Kinematics.groups())
    assert html.count('<th scope="row">') == len(Kinematics.units())
    assert "Exemplar" not in html


def test_a_value_shows_its_frame_and_a_reason_is_muted():
    html = table_html(KINEMATICS)
    first = KINEMATICS.splash_height.frames[0]
    assert re.search(rf'Splash height</th><td><button [^>]*data-frame="{first}"', html)
    assert 'Feet apart in flight</th><td><span class="reason">Not measurable: the diver is too small' in html


def test_the_exemplar_stands_beside_the_dive():
    exemplar = replace(
        KINEMATICS, air_time=Quantity.measured(1.5, 0.02, "s"), splash_area=Quantity.missing("m2", "no_splash")
    )
    html = table_html(KINEMATICS, exemplar)
    assert html.count("<th>Exemplar</th>") == len(Kinematics.groups())
    rows = dict(re.findall(r'<th scope="row">([^<]*)</th>.*?<td>([^<]*)</td></tr>', html))
    assert rows["Time in the air"].startswith("1.50")
    assert rows["Splash area"] == "&ndash;"


def test_nothing_measurable_is_said_in_every_row():
    html = table_html(missing_kinematics())
    assert html.count('class="reason"') == len(Kinematics.units())
    assert "data-frame" not in html


def test_charts_are_left_out_where_there_is_nothing_to_draw():
    assert charts_html(KINEMATICS).count("<figure>") == 2
    assert "Dashed: the exemplar." in charts_html(KINEMATICS, KINEMATICS)
    series = KINEMATICS.series
    unknown = {name: getattr(series, name) * float("nan") for name in ("path", "rotation_speed", "hip_angle")}
    assert charts_html(replace(KINEMATICS, series=replace(series, **unknown))) == ""


def test_without_measurements_table_and_charts_are_empty():
    panel = placeholder_panel(MeasurementsPanel)
    updates = dive_updates(panel, None, has_exemplar=True)
    assert (updates["table"], updates["charts"], updates["exemplar_row"].visible) == ("", "", False)
    updates = dive_updates(panel, KINEMATICS, has_exemplar=True)
    assert updates["exemplar_row"].visible
    assert updates["table"] == comparison_updates(panel, KINEMATICS, None)["table"]
