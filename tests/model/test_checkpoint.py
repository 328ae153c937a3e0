"""Checkpoints: round trips, files of version 0.1, and broken ones."""

import io
import json
import pickle
import zipfile

import pytest
import torch
from safetensors.torch import load_file, save_file

from fineparser.model.checkpoint import (
    CheckpointError,
    build_network,
    convert_config,
    convert_state,
    load_network,
    load_torch_file,
    read_config,
)
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import CompactConfig, FineParserConfig
from fineparser.model.paper import FineParser
from fineparser.model.protocol import Provenance
from tests.golden.conftest import GOLDEN, state


@pytest.mark.parametrize("name", ["tiny", "tiny_paper"])
def test_round_trip(name, clips, tmp_path, request):
    model = request.getfixturevalue(name)
    network = build_network(model.config, Provenance("little one", ("SynDive",)))
    network.load_state_dict(model.state_dict())
    network.save_pretrained(tmp_path)
    again = load_network(tmp_path)
    assert type(again) is type(type(model).from_pretrained(tmp_path)) is type(model)
    assert (again.config, again.provenance, again.training) == (network.config, network.provenance, False)
    assert again.fingerprint() == network.fingerprint()
    with torch.inference_mode():
        torch.testing.assert_close(again.encode(clips.select([0])).dynamic, model.encode(clips.select([0])).dynamic)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_another_network_is_refused(tiny, tmp_path):
    tiny.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="holds a CompactFineParser, not a FineParser: use load_network"):
        FineParser.from_pretrained(tmp_path)


def test_half_precision_halves_the_file(tiny, tmp_path):
    tiny.save_pretrained(tmp_path / "full")
    tiny.save_pretrained(tmp_path / "half", half=True)
    full, half = ((tmp_path / kind / "model.safetensors").stat().st_size for kind in ("full", "half"))
    assert half < 0.7 * full  # the folded kernels, a tenth of a tiny network, stay in 32 bits
    weights = CompactFineParser.from_pretrained(tmp_path / "half").state_dict()
    assert weights["spatial_action_parser.i3d.mixed_4b.branch_0.conv3d.weight"].dtype == torch.float32
    folded = "spatial_action_parser.upsample_masks.0.weight"
    assert torch.equal(weights[folded], tiny.state_dict()[folded])


# Version 0.1


def old_config(name: str) -> dict:
    return json.loads((GOLDEN / f"tiny_{name}_config.json").read_text())


def test_configurations_of_version_0_1():
    assert convert_config(old_config("compact")) == CompactConfig.tiny()
    assert convert_config(old_config("paper")) == FineParserConfig.tiny()
    with pytest.raises(ValueError, match="no network with second_look=False"):
        convert_config(old_config("compact") | {"second_look": False})
    with pytest.raises(ValueError, match="no network with shared_i3d=True"):
        convert_config(old_config("paper") | {"shared_i3d": True})


@pytest.mark.parametrize(("name", "kind"), [("compact", CompactFineParser), ("paper", FineParser)])
def test_a_checkpoint_of_version_0_1_is_converted(name, kind, tmp_path):
    save_file(state(name), tmp_path / "model.safetensors")
    weights = {"name": "old", "trained_on": ["SynDive"]}
    (tmp_path / "config.json").write_text(json.dumps({"architecture": old_config(name), "weights": weights}))
    network = load_network(tmp_path)
    assert type(network) is kind
    assert network.provenance == Provenance("old", ("SynDive",))
    network.save_pretrained(tmp_path / "new")
    assert load_network(tmp_path / "new").fingerprint() == network.fingerprint()


def test_weights_that_nothing_uses_are_left_out_and_the_fusion_is_folded():
    converted = convert_state(state("compact"), CompactConfig.tiny())
    assert not any("mixed_5" in name or "upsample_features" in name for name in converted)
    kernel = state("compact")["spatial_action_parser.upsample_features.1.weight"]
    fusion = state("compact")["spatial_action_parser.fuse.weight"][0, 4:8, 0, 0, 0]
    expected = sum(kernel[:, channel] * fusion[channel] for channel in range(4))
    torch.testing.assert_close(converted["spatial_action_parser.upsample_masks.1.weight"][:, 0], expected)


# Broken files


def spoil_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def spoil(**changes):
    def change(folder):
        path = folder / "config.json"
        contents = json.loads(path.read_text())
        contents["architecture"] |= changes
        path.write_text(json.dumps(contents))

    return change


def spoil_provenance(value):
    def change(folder):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"weights": value}))

    return change


def spoil_entry(change_tensor):
    def change(folder):
        path = folder / "model.safetensors"
        weights = load_file(path)
        name = next(name for name, tensor in weights.items() if tensor.ndim == 4)
        save_file(weights | {name: change_tensor(weights[name]).contiguous()}, path)

    return change


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "config.json").unlink(), "holds no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "is not the configuration"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "is not the configuration"),
        (lambda folder: (folder / "config.json").write_text('{"network": "Other"}'), "unknown network 'Other'"),
        (lambda folder: (folder / "config.json").write_text('{"network": ["x"]}'), r"unknown network \['x'\]"),
        (
            lambda folder: (folder / "config.json").write_text('{"architecture": [1]}'),
            "architecture should be an object",
        ),
        (lambda folder: (folder / "config.json").write_text("[" * 100_000), r"config\.json .*nested too deeply"),
        (lambda folder: (folder / "config.json").write_bytes(b"\xff" * 100), r"config\.json .*is not"),
        (spoil(attention_layers=10**7), r"config\.json .*attention_layers is from 1 to 64, not 10000000"),
        (spoil(resnet_channels=[4096] * 4), r"config\.json .*million weights, at most 500 are possible"),
        (spoil_provenance([1]), r"config\.json .*weights should be an object"),
        (spoil_provenance({"name": 5}), r"config\.json .*name should be text, not 5"),
        (spoil_provenance({"trained_on": "SynDive"}), r"config\.json .*trained_on should be a list, each text"),
        (spoil_entry(lambda tensor: tensor.long()), r"1 of another type: .*\(torch\.int64\)"),
        (spoil_entry(lambda tensor: tensor * float("nan")), "1 not finite: "),
        (spoil_entry(lambda tensor: tensor[:1, :1]), "1 of another shape: "),
        (spoil_weights, "not a whole safetensors file"),
        (spoil(side_channels=8), r"of another shape: spatial_action_parser.side_features.0.weight \[4, "),
        (spoil(second_look=True), "unknown second_look; CompactConfig has"),
    ],
)
def test_broken_checkpoints_are_refused(tiny, tmp_path, spoil, reason):
    tiny.save_pretrained(tmp_path)
    spoil(tmp_path)
    with pytest.raises(CheckpointError, match=reason):
        load_network(tmp_path)


def test_a_failed_save_leaves_the_old_checkpoint(tiny, tmp_path, monkeypatch):
    tiny.save_pretrained(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()

    def full_disk(state, path, metadata):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fineparser.model.checkpoint.save_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        tiny.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_neither_a_folder_nor_a_repository():
    with pytest.raises(CheckpointError, match="neither a folder here nor a model repository"):
        load_network("no such folder/anywhere/else")


def test_contents_of_no_version_are_refused():
    with pytest.raises(ValueError, match='neither "network" nor an architecture of version'):
        read_config({"side_channels": 4})


class Surprise:
    def __reduce__(self):
        return print, ("this must never run",)


def test_code_in_a_checkpoint_never_runs(tmp_path, capsys):
    torch.save({"base_model": Surprise()}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError, match="not a PyTorch file of plain tensors"):
        load_torch_file(tmp_path / "evil.pth")
    assert "never run" not in capsys.readouterr().out


def test_a_key_that_never_ends_is_refused(tmp_path):
    """The pickle inside a PyTorch file, and those of a file of early versions of PyTorch."""
    key = None
    for _ in range(60):
        key = (key, key)
    bomb = io.BytesIO()
    pickler = pickle.Pickler(bomb, protocol=2)
    pickler.dump([key])
    with zipfile.ZipFile(tmp_path / "zip.pth", "w") as archive:
        archive.writestr("archive/data.pkl", bomb.getvalue())
        archive.writestr("archive/version", "3\n")
    (tmp_path / "early.pth").write_bytes(bomb.getvalue())
    for name in ("zip.pth", "early.pth"):
        with pytest.raises(CheckpointError, match=rf"{name} is not a PyTorch file.*more than \d+"):
            load_torch_file(tmp_path / name)


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_every_format_are_read(tmp_path, zipped):
    tensors = {"a": torch.arange(3.0), "nested": {"b": torch.zeros(2, 2)}, "epoch": 3}
    torch.save(tensors, tmp_path / "weights.pth", _use_new_zipfile_serialization=zipped)
    loaded = load_torch_file(tmp_path / "weights.pth")
    assert torch.equal(loaded["a"], tensors["a"])
    assert torch.equal(loaded["nested"]["b"], tensors["nested"]["b"])
    assert loaded["epoch"] == 3
