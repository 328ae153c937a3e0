"""The simulator renders the dive on record."""

import numpy as np

from fineparser.simulator.dive import simulate
from fineparser.simulator.plan import DiveRequest

from .conftest import arrays


def test_a_simulated_dive_keeps_its_bytes():
    golden = arrays("simulated_dive")
    dive = simulate(7, DiveRequest(code="207C", height=10), lines=48)
    # Another processor may round a few pixels to the neighbouring value.
    difference = np.abs(dive.frames[::8].astype(int) - golden["frames"])
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4
    assert (np.packbits(dive.masks[::8]) != golden["masks"]).mean() < 1e-4
    assert [dive.transitions.flight, dive.transitions.entry] == golden["transitions"].tolist()
    for name in ("hip_angle", "somersault", "centre_of_mass", "source_frames"):
        np.testing.assert_allclose(getattr(dive, name), golden[name], rtol=1e-6, atol=1e-6)
