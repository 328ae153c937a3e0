import json
from dataclasses import replace

import pytest

from fineparser.model.config import FineParserConfig


def test_paper_is_the_published_network():
    paper = FineParserConfig.paper()
    assert paper.window_starts == (0, 10, 20, 30, 40, 50, 60, 70, 80)
    assert (paper.feature_width, paper.token_width, paper.phase_weights) == (1024, 64, (0.3, 0.5, 0.2))


@pytest.mark.parametrize("preset", ["paper", "compact", "tiny"])
def test_survives_json(preset):
    config = getattr(FineParserConfig, preset)()
    assert FineParserConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown configuration colour"):
        FineParserConfig.from_json({"colour": 1})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"clip_frames": 95}, "do not end with a clip of 95"),
        ({"image_size": 100}, "divisible by 16"),
        ({"attention_heads": 7}, "7 attention heads"),
        ({"static_channels": (64, 128, 256, 500)}, "500 channels"),
        ({"focus_detail": 2}, "not 2 with diver_track off"),
        ({"focus_neighbours": True}, "with diver_track off, it is off too"),
        ({"second_look": True}, "with focus_outlines off, it is off too"),
        ({"transition_rule": "latest"}, "'latest' is not one of windowed, ordered"),
        ({"temporal_parsing": False}, "3 phase weights for 1 phase"),
    ],
)
def test_impossible_combinations_are_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        replace(FineParserConfig(), **change)
