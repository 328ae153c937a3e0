"""What a run starts from."""

import json
from dataclasses import replace

import pytest
import torch
from torchvision.models import resnet34

from fineparser.model.config import WITHOUT_TRACK, FineParserConfig
from fineparser.model.fineparser import FineParser
from fineparser.model.weights import CheckpointError
from fineparser.training.options import OptionsError, TrainOptions
from fineparser.training.starting_weights import load_resnet, starting_network


def test_the_same_seed_gives_the_same_network(options):
    first, again, other = (
        starting_network(replace(options, seed=seed))[0].spatial_action_parser.i3d.mixed_5b.branch_0.conv3d.weight
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_an_untrained_network_says_divers_are_small_and_transitions_rare(options):
    model, remarks = starting_network(options)
    assert remarks == []
    clips = torch.zeros(1, 3, 96, 32, 32)
    with torch.no_grad():
        encoding = model.eval().encode(clips, side_outputs=True)
    assert encoding.mask_probability.mean().item() == pytest.approx(0.05, abs=0.03)
    assert encoding.transition_probabilities.mean().item() == pytest.approx(1 / 96, abs=0.005)


@pytest.mark.parametrize("shared", [True, False])
def test_kinetics_weights_go_into_both_i3ds(options, tmp_path, smallest, shared):
    torch.manual_seed(9)
    windowed = replace(smallest, **WITHOUT_TRACK)
    donor = FineParser(windowed).spatial_action_parser.i3d.state_dict()
    torch.save({f"backbone.{name}": tensor for name, tensor in donor.items()}, tmp_path / "i3d.pt")
    config = tmp_path / "config.json"
    config.write_text(json.dumps(replace(windowed, shared_i3d=shared).to_json()))
    model, _ = starting_network(replace(options, config=str(config), i3d=tmp_path / "i3d.pt"))
    for i3d in (model.i3d, model.spatial_action_parser.i3d):
        assert all(torch.equal(tensor, donor[name]) for name, tensor in i3d.state_dict().items())
    assert ("conv3d_1a_7x7.conv3d.weight" in model.i3d.state_dict()) is not shared


def test_along_a_track_they_go_into_the_only_one(options, tmp_path, smallest, config_file):
    torch.manual_seed(9)
    donor = FineParser(smallest).spatial_action_parser.i3d.state_dict()
    torch.save(donor, tmp_path / "i3d.pt")
    model, _ = starting_network(replace(options, config=config_file, i3d=tmp_path / "i3d.pt"))
    assert model.i3d is None
    found = model.spatial_action_parser.i3d.state_dict()
    assert all(torch.equal(tensor, donor[name]) for name, tensor in found.items())


def test_imagenet_weights_from_a_file(tmp_path):
    config = replace(FineParserConfig.paper(), i3d_width=0.125, image_size=32, side_channels=4)
    state = resnet34(weights=None).state_dict()
    torch.save(state, tmp_path / "resnet34.pt")
    model = FineParser(config)
    load_resnet(model, str(tmp_path / "resnet34.pt"))
    own = model.static_visual_encoder.backbone.state_dict()
    assert all(torch.equal(own[name], tensor) for name, tensor in state.items() if not name.startswith("fc."))


def test_other_weights_are_refused_by_name(tmp_path, options, smallest):
    torch.save({"conv1.weight": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(CheckpointError, match=r"ResNet-34 weights .* does not fit.*missing"):
        load_resnet(FineParser(smallest), str(tmp_path / "other.pt"))
    with pytest.raises(OptionsError, match="no static branch"):
        load_resnet(
            FineParser(replace(smallest, static_branch=False, **WITHOUT_TRACK)),
            str(tmp_path / "other.pt"),
        )
    with pytest.raises(CheckpointError, match="does not exist"):
        starting_network(replace(options, i3d=tmp_path / "missing.pt"))


def test_the_paper_from_nothing_is_remarked(monkeypatch, smallest):
    """The remark is what is tested, not the size: the small network stands in for the paper's."""
    monkeypatch.setattr("fineparser.training.starting_weights.network_config", lambda *_: smallest)
    _, remarks = starting_network(TrainOptions(data=("syndive:2",), out="run", config="paper"))
    assert len(remarks) == 2
    assert "--i3d FILE" in remarks[0]
    assert "--resnet imagenet" in remarks[1]
