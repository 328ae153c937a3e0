"""Faults that judges deduct for: the phase to which each belongs, its unit, and the deduction as a curve of its size.

The model is ours, within the rules: a fault costs nothing while it is invisible, half an award at the size at which a
judge would first deduct, and at most what judges deduct for one fault (1/2 to 2; more for the entry). What a judge sees
first costs most: splash, line of the entry, height, tightness. Knees a little bent, legs a little apart and feet not
pointed cost little; a camera at 480 lines hardly shows them.
"""

from dataclasses import dataclass

from fineparser.domain.phases import Phase


@dataclass(frozen=True)
class DeductionCurve:
    """Deduction for a fault: `most` x (1 - exp(-ln 2 x (size / half)^power)), so half of `most` at the size `half`."""

    phase: Phase
    """Phase to which judges attribute it, which may be before it can be measured: a low dive is a poor take-off."""
    unit: str
    half: float
    """Size at which half of the most is deducted."""
    most: float
    """Awards."""
    power: float = 1.25

    def deduction(self, size: float) -> float:
        """Deduction in awards for a fault of this size; its sign does not matter.

        >>> DeductionCurve(Phase.ENTRY, "degrees", 20.0, 2.0).deduction(-20.0)
        1.0
        """
        return float(self.most * (1.0 - 0.5 ** ((abs(size) / self.half) ** self.power)))


DEDUCTION_CURVES = {
    "low": DeductionCurve(Phase.TAKE_OFF, "m of height missing", 0.27, 1.6),
    "lean": DeductionCurve(Phase.TAKE_OFF, "degrees of lean", 14.0, 1.0, 1.5),
    "distance": DeductionCurve(Phase.FLIGHT, "m too far (+) or too near (-)", 0.80, 1.5, 1.5),
    "loose": DeductionCurve(Phase.FLIGHT, "degrees open", 18.0, 2.0),
    "bent_knees": DeductionCurve(Phase.FLIGHT, "degrees bent", 30.0, 1.0),
    "split_legs": DeductionCurve(Phase.FLIGHT, "degrees apart", 25.0, 1.0),
    "unpointed": DeductionCurve(Phase.FLIGHT, "degrees not pointed", 45.0, 0.5),
    "late": DeductionCurve(Phase.FLIGHT, "s late", 0.11, 1.5),
    "entry": DeductionCurve(Phase.ENTRY, "degrees over (+) or short (-)", 20.0, 4.5, 1.5),
    "twist": DeductionCurve(Phase.ENTRY, "degrees of twist too many (+) or missing (-)", 35.0, 2.5, 1.5),
    "crooked": DeductionCurve(Phase.ENTRY, "degrees out of line", 7.0, 2.0),
    "wobble": DeductionCurve(Phase.TAKE_OFF, "degrees of swaying", 7.0, 1.5),
    "splash": DeductionCurve(Phase.ENTRY, "of the largest splash", 0.45, 2.4),
    "bent_entry": DeductionCurve(Phase.ENTRY, "degrees of hips bent at the touch", 32.0, 2.0),
}
"""Deduction curve of each fault; arrays of deductions are in this order."""
FAULT_NAMES = tuple(DEDUCTION_CURVES)
