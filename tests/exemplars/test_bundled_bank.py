"""The bundled exemplar bank."""

from collections import Counter

import pytest

from fineparser.analysis.analyser import BUNDLED_BANK, BUNDLED_WEIGHTS
from fineparser.domain.difficulty import SPRINGBOARDS
from fineparser.exemplars.bank_building import bank_dives
from fineparser.exemplars.exemplar_bank import ExemplarBank, clips_folder
from fineparser.model.compact import CompactFineParser
from fineparser.video.reader import probe

MAX_BYTES = 40e6

pytestmark = pytest.mark.skipif(not BUNDLED_BANK.is_file(), reason="no bank is bundled yet")


@pytest.fixture(scope="module")
def bank():
    return ExemplarBank.load(BUNDLED_BANK)


def test_every_dive_has_ten_exemplars_of_graded_quality(bank):
    counts = Counter((one.code, one.height) for one in bank.exemplars)
    assert {dive: counts[dive] for dive in bank_dives() if counts[dive] < 10} == {}
    for code, height in bank_dives():
        executions = [one.execution for one in bank.exemplars if (one.code, one.height) == (code, height)]
        assert max(executions) - min(executions) > 3, f"{code} {height:g} m"


def test_every_number_has_clip_counts_three_qualities(bank):
    clip_counts = Counter((one.code, one.height in SPRINGBOARDS) for one in bank.exemplars if one.clip is not None)
    numbers = {(code, height in SPRINGBOARDS) for code, height in bank_dives()}
    assert set(clip_counts) == numbers
    assert set(clip_counts.values()) == {3}
    assert all(bank.clip_exemplar(index) is not None for index in range(len(bank)))


@pytest.mark.slow
def test_the_clips_are_those_that_the_index_names(bank):
    clips = [one.clip for one in bank.exemplars if one.clip is not None]
    assert {clip.path.name for clip in clips} == {path.name for path in clips_folder(BUNDLED_BANK).iterdir()}
    for clip in clips:
        assert probe(clip.path).frame_count == clip.last + 1


def test_the_bank_is_small():
    files = [BUNDLED_BANK, *clips_folder(BUNDLED_BANK).iterdir()]
    assert sum(path.stat().st_size for path in files) <= MAX_BYTES


@pytest.mark.skipif(not BUNDLED_WEIGHTS.is_dir(), reason="no weights are bundled yet")
def test_the_bundled_weights_encoded_the_bank(bank):
    assert bank.fingerprint == CompactFineParser.from_pretrained(BUNDLED_WEIGHTS).fingerprint()
