"""Calibration to other panels, on a table whose errors are known."""

import csv

import numpy as np
import pytest

from benchmarks.__main__ import main
from benchmarks.panel import PANELS, SCORED_DIVES, JudgingPanel, PanelBenchmark, measure

pytestmark = pytest.mark.slow


@pytest.fixture
def numbers(tmp_path):
    """300 dives of difficulty 2 with mean awards of about 5, predicted with an error of half an award."""
    rng = np.random.default_rng(0)
    true = rng.normal(5.0, 0.6, 300)
    predicted = true + rng.normal(0, 0.5, 300)
    path = tmp_path / "numbers.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["dive", "difficulty", "score", "predicted_score"])
        writer.writerows([[i, 2.0, 6 * t, 6 * p] for i, (t, p) in enumerate(zip(true, predicted, strict=True))])
        writer.writerow(["unscored", "", "", 40.0])
    return path


@pytest.mark.parametrize(
    ("award", "expected"), [(0.0, 0.0), (0.5, 0.5), (6.5, 5.5), (7.0, 6.0), (8.5, 8.0), (10.0, 10.0), (4.0, 2.0)]
)
def test_awards_are_spread_about_the_middle_and_shifted(award, expected):
    """1.3 times the distance from 6.5, a whole award down, in halves: 7 is 6.5 + 0.65 - 1 = 6.15, which is 6."""
    assert JudgingPanel().award(award) == expected


def test_a_few_dives_remove_the_bias_of_a_panel(numbers):
    result = measure(PanelBenchmark(numbers=numbers, draws=12))
    assert result["dives"] == 300
    assert list(result["panels"]) == list(PANELS)
    same, milder = (result["panels"][name] for name in ("as the simulated one", "three awards milder"))
    assert same["uncalibrated"]["error_awards"] == pytest.approx(0.5, abs=0.05)
    assert milder["uncalibrated"]["error_awards"] == pytest.approx(3.0, abs=0.1)
    errors = [milder[f"{count} scored dives"]["error_awards"] for count in SCORED_DIVES]
    assert errors[0] < 1.0
    # The residual of the best line: dives vary by 0.6, predictions by 0.5 around them.
    assert errors[-1] == pytest.approx(0.5 * 0.6 / np.hypot(0.5, 0.6), abs=0.04)
    assert same["3 scored dives"]["error_awards"] < 0.75


def test_too_short_a_table_is_refused(numbers, tmp_path, capsys):
    short = tmp_path / "short.csv"
    short.write_text("\n".join(numbers.read_text().splitlines()[:40]))
    assert main(["panel", "--numbers", str(short)]) == 2
    assert "39 scored dives" in capsys.readouterr().err


def test_the_table_is_required(capsys):
    with pytest.raises(SystemExit):
        main(["panel"])
    assert "--numbers" in capsys.readouterr().err
