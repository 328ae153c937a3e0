import pytest

from fineparser.rendering.ticks import round_ticks


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 3.2, ["0", "1", "2", "3"]),
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (7.65, 7.74, ["7.66", "7.68", "7.70", "7.72", "7.74"]),
        (-3, 9, ["-2.5", "0.0", "2.5", "5.0", "7.5"]),
        (30, 110, ["40", "60", "80", "100"]),
    ],
)
def test_ticks_are_round_and_inside(low, high, labels):
    ticks = round_ticks(low, high)
    assert [text for _, text in ticks] == labels
    assert all(float(text) == pytest.approx(value) for value, text in ticks)
