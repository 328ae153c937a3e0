"""Where the phases of a clip begin."""

from dataclasses import replace

import pytest
import torch

from fineparser.model.config import WITHOUT_TRACK, FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.model.switches import find_switches


@pytest.mark.parametrize("rule", ["windowed", "ordered"])
def test_they_are_those_of_an_encoding(tiny, clips, rule, monkeypatch):
    published = FineParser(replace(FineParserConfig.tiny(), **WITHOUT_TRACK)).eval()
    for model in (tiny, published):
        monkeypatch.setattr(model, "config", replace(model.config, transition_rule=rule))
        with torch.no_grad():
            transitions, sure = find_switches(model, clips)
            expected = model.encode(clips)
        torch.testing.assert_close(transitions, expected.transitions)
        torch.testing.assert_close(sure, expected.transition_confidence)


def test_what_only_scores_and_masks_need_is_left_out(tiny, clips, monkeypatch):
    assert tiny.config.diver_track
    monkeypatch.setattr(FineParser, "phase_tokens", lambda *_: pytest.fail("tokens were made"))
    with torch.no_grad():
        find_switches(tiny, clips[:1])
