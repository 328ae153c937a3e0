"""What images are made of: bodies, flying water and foam, each by itself."""

import numpy as np
import pytest

from fineparser.simulator.filming.filming import LAYERS
from fineparser.simulator.plan import DiveRequest, plan_dive

BODY, FLYING, FOAM = range(len(LAYERS))


@pytest.fixture(scope="module")
def plan():
    return plan_dive(
        5, DiveRequest(code="107B", height=10, level=0.3, synchro=False, camera="broadcast", opening=False)
    )


def frames_at(plan, *seconds):
    """Source frames about so long after the touch."""
    return np.array([int(np.abs(plan.times - plan.motions[0].entry_time - when).argmin()) for when in seconds])


def test_before_the_touch_there_is_a_body_and_no_water(plan):
    layers = plan.layers(frames_at(plan, -0.3), 224)
    assert layers.shape == (1, 224, 400, 3)
    assert layers.dtype == np.uint8
    assert layers[..., BODY].max() > 250
    assert layers[..., FLYING].max() == layers[..., FOAM].max() == 0


def test_after_it_there_is_water_and_soon_no_body(plan):
    layers = plan.layers(frames_at(plan, 0.35, 1.2), 224).astype(float).sum((1, 2))
    assert layers[0, FLYING] > layers[1, FLYING] > 0
    assert layers[1, FOAM] > 0
    assert layers[1, BODY] < 0.2 * layers[0, FLYING]


def test_together_they_are_what_the_mask_shows(plan):
    numbers = frames_at(plan, -0.2, 0.1, 0.3)
    _, masks = plan.render(112, "full", numbers)
    layers = plan.layers(numbers, 112) / 255
    covered = 1 - (1 - layers).prod(-1) >= 0.5
    # Rails and graphics before the diver leave the mask, and foam hides what is under it.
    assert (covered & masks).sum() / masks.sum() > 0.95
    assert (covered & masks).sum() / covered.sum() > 0.8


def test_a_larger_picture_shows_as_much():
    """The mean of several dives: single drops differ."""
    request = DiveRequest(code="107B", height=3, camera="broadcast", synchro=False, opening=False)
    plans = [plan_dive(seed, request) for seed in range(8)]
    small, large = (
        np.mean([plan.layers(frames_at(plan, 0.2), lines).mean((0, 1, 2)) for plan in plans], axis=0)
        for lines in (112, 224)
    )
    np.testing.assert_allclose(small, large, rtol=0.2)


def test_before_a_cut_there_is_nothing():
    plan = plan_dive(5, DiveRequest(code="107B", height=10, opening=True))
    numbers = np.array([0, plan.cut_frame + 3])
    layers = plan.layers(numbers, 112)
    assert not layers[0].any()
    assert layers[1, ..., BODY].any()


def test_a_larger_fault_makes_more_water():
    plans = [
        plan_dive(5, DiveRequest(code="107B", height=10, level=level, synchro=False, camera="static", opening=False))
        for level in (0.02, 0.98)
    ]
    bad, good = (plan.layers(frames_at(plan, 0.3), 112)[..., FLYING].astype(float).sum() for plan in plans)
    assert plans[0].motions[0].splash_size > plans[1].motions[0].splash_size
    assert bad > good
