"""What judged dives tell of other panels, on a table whose errors are known."""

import csv

import numpy as np
import pytest

from fineparser.bench.panel import COUNTS, PANELS, PanelBench, bench_panel
from fineparser.cli.command_line import main


@pytest.fixture
def numbers(tmp_path):
    """300 dives of difficulty 2, given about 5 awards, told half an award off."""
    rng = np.random.default_rng(0)
    given = rng.normal(5.0, 0.6, 300)
    told = given + rng.normal(0, 0.5, 300)
    path = tmp_path / "numbers.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["dive", "difficulty", "score", "predicted_score"])
        writer.writerows([[place, 2.0, 6 * g, 6 * t] for place, (g, t) in enumerate(zip(given, told, strict=True))])
        writer.writerow(["unscored", "", "", 40.0])
    return path


def test_a_few_dives_take_away_what_sets_a_panel_apart(numbers):
    found = bench_panel(PanelBench(numbers, draws=12))
    assert found["dives"] == 300
    assert list(found["panels"]) == list(PANELS)
    same, milder = (found["panels"][name] for name in ("as the simulated one", "three awards milder"))
    assert same["as told"]["error_awards"] == pytest.approx(0.5, abs=0.05)
    assert milder["as told"]["error_awards"] == pytest.approx(3.0, abs=0.1)
    errors = [milder[f"{count} judged dives"]["error_awards"] for count in COUNTS]
    assert errors[0] < 1.0
    # What is left by the line that fits best: dives vary by 0.6, what is told of them by 0.5 beside that.
    assert errors[-1] == pytest.approx(0.5 * 0.6 / np.hypot(0.5, 0.6), abs=0.04)
    assert same["3 judged dives"]["error_awards"] < 0.75


def test_too_short_a_table_and_none_are_refused(numbers, tmp_path, capsys):
    lines = numbers.read_text().splitlines()
    short = tmp_path / "short.csv"
    short.write_text("\n".join(lines[:40]))
    with pytest.raises(ValueError, match="39 scored dives"):
        bench_panel(PanelBench(short))
    assert main(["bench", "panel"]) != 0
    assert "--numbers" in capsys.readouterr().err
