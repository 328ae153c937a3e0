"""Initial weights and configurations of a run."""

import json
from dataclasses import replace

import pytest
import torch
from torchvision.models import resnet34

from fineparser.model.checkpoint import CheckpointError
from fineparser.model.config import CompactConfig, FineParserConfig
from fineparser.model.paper import FineParser
from fineparser.model.protocol import ClipInput
from fineparser.training.initial_weights import ablate, initial_network, load_resnet, network_config
from fineparser.training.options import OptionsError, TrainOptions


def test_the_same_seed_gives_the_same_network(options):
    first, again, other = (
        initial_network(replace(options, seed=seed))[0].spatial_action_parser.i3d.mixed_4b.branch_0.conv3d.weight
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("kind", ["compact", "published"])
def test_an_untrained_network_predicts_the_prior_rates(options, config_file, published_file, kind):
    config = config_file if kind == "compact" else published_file
    model, notes = initial_network(replace(options, config=config))
    assert notes == []
    with torch.no_grad():
        encoding, diagnostics = model.eval().encode_with_diagnostics(ClipInput(torch.zeros(1, 3, 96, 32, 32)))
    assert diagnostics.masks.mean().item() == pytest.approx(0.05, abs=0.03)
    assert encoding.transition_probabilities.mean().item() == pytest.approx(1 / 96, abs=0.005)


def test_kinetics_weights_are_loaded_into_both_i3ds(options, tmp_path, published, published_file):
    torch.manual_seed(9)
    donor = FineParser(published).spatial_action_parser.i3d.state_dict()
    torch.save({f"backbone.{name}": tensor for name, tensor in donor.items()}, tmp_path / "i3d.pt")
    model, _ = initial_network(replace(options, config=published_file, i3d=tmp_path / "i3d.pt"))
    for i3d in (model.i3d, model.spatial_action_parser.i3d):
        assert all(torch.equal(tensor, donor[name]) for name, tensor in i3d.state_dict().items())


def test_imagenet_weights_are_loaded_from_a_file(tmp_path):
    config = replace(FineParserConfig(), i3d_width=0.125, image_size=32, side_channels=4)
    state = resnet34(weights=None).state_dict()
    torch.save(state, tmp_path / "resnet34.pt")
    model = FineParser(config)
    load_resnet(model, str(tmp_path / "resnet34.pt"))
    own = model.static_visual_encoder.backbone.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in state.items() if not name.startswith("fc."))


def test_weights_that_do_not_fit_are_refused(tmp_path, options, published, published_file):
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match=r"ResNet-34 weights .* does not fit.*missing"):
        load_resnet(FineParser(published), str(tmp_path / "other.pt"))
    with pytest.raises(OptionsError, match="no static branch"):
        load_resnet(FineParser(replace(published, static_branch=False)), str(tmp_path / "other.pt"))
    with pytest.raises(CheckpointError, match="does not exist"):
        initial_network(replace(options, config=published_file, i3d=tmp_path / "missing.pt"))
    with pytest.raises(OptionsError, match="i3d and resnet are for the published network"):
        initial_network(replace(options, i3d=tmp_path / "missing.pt"))


def test_notes_recommend_pretrained_weights_for_the_published_network(monkeypatch, published):
    """The small network replaces the published one, whose size does not matter here."""
    monkeypatch.setattr("fineparser.training.initial_weights.network_config", lambda *_: published)
    _, notes = initial_network(TrainOptions(data=("syndive:2",), out="run", config="paper"))
    assert len(notes) == 2
    assert "--i3d FILE" in notes[0]
    assert "--resnet imagenet" in notes[1]


@pytest.mark.parametrize(
    ("without", "changes"),
    [
        ((), {}),
        (("gate",), {"spatial_gate": False}),
        (("static",), {"static_branch": False}),
        (("transitions",), {"temporal_parsing": False, "phase_weights": (1.0,)}),
        (("gate", "static"), {"spatial_gate": False, "static_branch": False}),
    ],
)
def test_an_ablation_changes_the_configuration_of_the_published_network(without, changes):
    assert network_config("paper", without) == replace(FineParserConfig(), **changes)


def test_the_compact_network_has_no_ablations():
    with pytest.raises(OptionsError, match="CompactFineParser has no parts to remove"):
        network_config("compact", ("gate",))


def test_a_configuration_from_a_file(tmp_path, published, published_file):
    assert network_config(published_file) == published
    assert network_config(published_file, ("gate",)) == ablate(published, ("gate",))
    path = tmp_path / "config.json"
    values = {"network": "CompactFineParser", "architecture": CompactConfig.tiny().to_json(), "weights": {}}
    path.write_text(json.dumps(values))
    assert network_config(str(path)) == CompactConfig.tiny()
    path.write_text("{")
    with pytest.raises(OptionsError, match="not readable as JSON"):
        network_config(str(path))
    with pytest.raises(OptionsError, match="'huge' is neither"):
        network_config("huge")
