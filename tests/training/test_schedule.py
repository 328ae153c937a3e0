"""The learning rate's course and regular events."""

import math

import pytest

from fineparser.training.schedule import every, learning_rate_factor


def test_warm_up_is_linear_and_reaches_the_base_rate():
    assert [learning_rate_factor(step, warmup_steps=5, total_steps=400) for step in range(5)] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 1.0]
    )


def test_cosine_after_the_warm_up():
    assert learning_rate_factor(5, warmup_steps=5, total_steps=405) == 1.0
    assert learning_rate_factor(105, warmup_steps=5, total_steps=405) == pytest.approx(0.5 + math.sqrt(2) / 4)
    assert learning_rate_factor(205, warmup_steps=5, total_steps=405) == pytest.approx(0.5)
    assert learning_rate_factor(405, warmup_steps=5, total_steps=405) == 0.0
    assert learning_rate_factor(1000, warmup_steps=5, total_steps=405) == 0.0


def test_the_last_step_still_learns():
    assert learning_rate_factor(404, warmup_steps=5, total_steps=405) > 0


def test_without_warm_up_it_starts_at_the_base_rate():
    assert learning_rate_factor(0, warmup_steps=0, total_steps=10) == 1.0


@pytest.mark.parametrize(("warmup", "total"), [(11, 10), (-1, 10), (0, 0)])
def test_an_impossible_schedule_is_refused(warmup, total):
    with pytest.raises(ValueError, match=f"{total} steps cannot have {warmup}"):
        learning_rate_factor(0, warmup_steps=warmup, total_steps=total)


def test_every():
    assert [step for step in range(10) if every(step, 4)] == [4, 8]
    assert not any(every(step, 0) for step in range(10))
