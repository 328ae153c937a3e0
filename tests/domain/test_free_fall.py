import pytest

from fineparser.domain.free_fall import fall_seconds, flight_seconds

# Measured flights by height, seconds.
MEASURED = [(1, False, 0.98, 1.23), (3, False, 1.32, 1.54), (10, False, 1.67, 1.82), (10, True, 1.43, 1.53)]


@pytest.mark.parametrize(("height", "armstand", "shortest", "longest"), MEASURED)
def test_flights_last_as_long_as_measured(height, armstand, shortest, longest):
    assert flight_seconds(height, armstand) == pytest.approx((shortest, longest), abs=0.03)


def test_a_dropped_stone():
    assert fall_seconds(4.905, 0) == pytest.approx(1.0)
    assert fall_seconds(0, 9.81) == pytest.approx(2.0)
