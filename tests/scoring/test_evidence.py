"""Evidence of measured dives."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.faults import FAULT_NAMES
from fineparser.kinematics import Kinematics, Quantity
from fineparser.scoring.evidence import EVIDENCE, EVIDENCE_NAMES, evidence_of, fault_quantities, log_splash_size
from tests.builders import sample_kinematics


def with_quantities(**values: tuple[float, float]) -> Kinematics:
    """Kinematics with some quantities replaced by (value, error)."""
    kinematics = sample_kinematics()
    units = Kinematics.units()
    return replace(kinematics, **{name: Quantity.measured(*pair, units[name], (7,)) for name, pair in values.items()})


def row_of(kinematics: Kinematics, name: str) -> np.ndarray:
    return evidence_of(kinematics)[EVIDENCE_NAMES.index(name)]


def test_each_kind_is_a_fault_shown_by_a_quantity():
    assert set(EVIDENCE) <= set(FAULT_NAMES)
    assert {kind.quantity for kind in EVIDENCE.values()} <= set(Kinematics.units())


def test_sizes_and_precisions_are_those_of_the_measurements():
    kinematics = with_quantities(entry_angle=(-12.0, 4.0), opening_time=(0.3, 0.05))
    assert row_of(kinematics, "entry") == pytest.approx([-12.0, 1 / 16])
    assert row_of(kinematics, "late") == pytest.approx([0.3, 400])


def test_what_is_not_measured_is_zero():
    kinematics = replace(sample_kinematics(), entry_angle=Quantity.missing("deg", "diver_not_visible"))
    assert row_of(kinematics, "entry").tolist() == [0, 0]
    assert "entry" not in fault_quantities(kinematics)
    assert evidence_of(kinematics).dtype == np.float32


def test_the_error_of_a_splash_is_a_share():
    kinematics = with_quantities(splash_height=(0.5, 0.1), splash_area=(0.25, 0.1))
    size, precision = row_of(kinematics, "splash")
    assert size == pytest.approx(np.log(0.5))
    # Half of 20% and a quarter of 40%.
    assert 1 / np.sqrt(precision) == pytest.approx(np.hypot(0.1, 0.1))
    without_area = replace(kinematics, splash_area=Quantity.missing("m2", "clip_ends"))
    assert row_of(without_area, "splash").tolist() == [0, 0]


def test_no_splash_has_a_finite_size():
    assert log_splash_size(0.0, 0.0) == log_splash_size(0.1, 0.01) < log_splash_size(0.3, 0.1)


def test_large_precisions_stay_finite():
    assert np.isfinite(evidence_of(with_quantities(opening_time=(0.3, 0.0)))).all()
