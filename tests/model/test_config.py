import json
from dataclasses import replace

import pytest

from fineparser.model.config import CompactConfig, FineParserConfig


def test_defaults_are_the_published_network():
    paper = FineParserConfig()
    assert paper.window_starts == (0, 10, 20, 30, 40, 50, 60, 70, 80)
    assert (paper.feature_width, paper.token_width, paper.phase_weights) == (1024, 64, (0.3, 0.5, 0.2))
    assert (paper.input_size, paper.transition_rule) == (112, "windowed")


def test_defaults_are_the_bundled_network():
    compact = CompactConfig()
    assert (compact.input_size, compact.image_size, compact.transition_rule) == (224, 112, "ordered")
    assert (compact.token_width, compact.frame_features, sum(compact.track_parts)) == (32, 277, 445)


@pytest.mark.parametrize(
    "config", [FineParserConfig(), FineParserConfig.tiny(), CompactConfig(), CompactConfig.tiny()], ids=repr
)
def test_survives_json(config):
    assert type(config).from_json(json.loads(json.dumps(config.to_json()))) == config


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown colour; FineParserConfig has"):
        FineParserConfig.from_json({"colour": 1})
    with pytest.raises(ValueError, match="unknown spatial_gate; CompactConfig has"):
        CompactConfig.from_json({"spatial_gate": True})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"clip_frames": 95}, "do not end with a clip of 95"),
        ({"image_size": 100}, "divisible by 16"),
        ({"attention_heads": 7}, "7 attention heads"),
        ({"resnet_channels": (64, 128, 256, 500)}, "500 channels"),
        ({"transition_rule": "latest"}, "'latest' is not one of windowed, ordered"),
        ({"temporal_parsing": False}, "3 phase weights for 1 phase"),
    ],
)
def test_impossible_values_of_the_published_network_are_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        replace(FineParserConfig(), **change)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"clip_frames": 95}, "do not end with a clip of 95"),
        ({"crop_scale": 0}, "crop_scale is from 1 to 16, not 0"),
        ({"crop_size": 40}, "crop_size 40 is no multiple of 32"),
        ({"entry_channels": (4, 4)}, "entry_channels are those of 4 levels, or none: not 2"),
        ({"refiner_channels": (4,)}, "refiner_channels are those of 4 levels, or none: not 1"),
        ({"phase_weights": (1.0,)}, "1 phase weights for 3 phase"),
    ],
)
def test_impossible_values_of_the_compact_network_are_refused(change, reason):
    with pytest.raises(ValueError, match=reason):
        replace(CompactConfig.tiny(), **change)


@pytest.mark.parametrize("kind", [FineParserConfig, CompactConfig])
@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("attention_layers", 10**7, "from 1 to 64, not 10000000"),
        ("window_stride", 0, "from 1 to 256, not 0"),
        ("clip_frames", 10**9, "from 4 to 1024, not 1000000000"),
        ("clip_frames", 10**4000, "a whole number, not a whole number of"),
        ("clip_frames", True, "a whole number, not True"),
        ("clip_frames", 96.0, "a whole number, not 96.0"),
        ("clip_frames", None, "a whole number, not None"),
        ("i3d_width", float("nan"), "a finite number, not nan"),
        ("i3d_width", float("inf"), "a finite number, not inf"),
        ("i3d_width", "1", "a finite number, not '1'"),
        ("resnet_blocks", [10**6, 1, 1, 1], "from 1 to 64, not 1000000"),
        ("resnet_blocks", [1, 1], r"a list of 4, each a whole number, not \(1, 1\)"),
        ("resnet_channels", "long", "a list of 4, each a whole number, not 'long'"),
        ("phase_weights", [0.1] * 10**6, "has 1000000 numbers, at most 16"),
        ("phase_weights", [[0.3], 0.5, 0.2], "a list, each a finite number, not a tuple of 3 items"),
    ],
    ids=lambda value: str(value)[:20] if not isinstance(value, int) else None,
)
def test_absurd_values_are_refused_with_their_names(kind, name, value, reason):
    with pytest.raises(ValueError, match=f"{name} .*{reason}") as error:
        kind.from_json(kind().to_json() | {name: value})
    assert len(str(error.value)) < 200


def test_encodings_have_the_shapes_of_the_configuration():
    assert FineParserConfig().encoding_shapes["dynamic"] == (9, 1024)
    assert "static" not in FineParserConfig(static_branch=False).encoding_shapes
    assert CompactConfig().encoding_shapes["static"] == (3, 4, 32)
    assert "entry" not in CompactConfig(entry_channels=()).encoding_shapes
