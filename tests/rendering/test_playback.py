from dataclasses import replace

import pytest

from fineparser.rendering.playback import playback_rate


def test_a_constant_rate_is_kept(info):
    assert playback_rate(replace(info, fps=29.97)) == 29.97


def test_a_varying_rate_is_as_fine_as_its_quickest_stretch(info):
    """A phone that drops from 30 to 15 frames a second: no frame of the quick half may be lost."""
    stamps = tuple([n / 30 for n in range(30)] + [1 + n / 15 for n in range(30)])
    assert playback_rate(replace(info, timestamps=stamps, fps=20.0)) == pytest.approx(30)


def test_a_few_odd_stamps_do_not_count(info):
    stamps = tuple(n / 25 if n != 10 else 9 / 25 + 0.001 for n in range(60))
    assert playback_rate(replace(info, timestamps=stamps, fps=25.0)) == pytest.approx(25, abs=0.1)


def test_the_rate_has_a_limit(info):
    stamps = tuple(n / 1000 for n in range(60))
    assert playback_rate(replace(info, timestamps=stamps, fps=90.0)) == 120
