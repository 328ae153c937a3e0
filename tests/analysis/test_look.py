import numpy as np
import pytest

from fineparser.analysis.look import Look, best_chain, looks_at


def test_the_chain_keeps_to_one_thing_and_takes_what_shows_more():
    def look(weight):
        return Look(0.0, 0.0, 10.0, weight)

    seen = [[look(5), look(4)], [look(1), look(5)], [look(5), look(4)]]
    near, far = [0.0, 0.0], [3.0, 0.0]
    assert best_chain(seen, [np.array([near, far])] * 3) in ([0, 0, 0], [1, 1, 1])
    assert best_chain(seen, [np.array([near, far])] * 3) == [1, 1, 1]  # 4 * 5 * 4 against 5 * 1 * 5
    assert best_chain(seen, [np.array([near, near])] * 3) == [0, 1, 0]


def test_candidates_are_in_pixels_of_the_source():
    mask = np.zeros((112, 112), np.float32)
    mask[40:60, 10:14] = 0.9
    mask[100, 100] = 1.0  # a speck
    (found,) = looks_at(mask, np.array([100.0, 50, 324, 162]))  # twice as wide as high
    assert (found.x, found.y) == pytest.approx((124, 100), abs=0.6)
    assert found.extent == pytest.approx(np.hypot(4 * 2, 20), abs=4)  # and the margin that closes gaps
    assert found.weight == pytest.approx(0.9 * 80 * 2)
