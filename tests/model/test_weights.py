import json

import pytest
import torch

from fineparser.model.fineparser import FineParser
from fineparser.model.weights import CheckpointError, Provenance, load_torch_file


def test_round_trip(tiny, clips, tmp_path):
    tiny.provenance = Provenance("little one", ("SynDive",))
    tiny.save_pretrained(tmp_path)
    again = FineParser.from_pretrained(tmp_path)
    assert (again.config, again.provenance, again.training) == (tiny.config, tiny.provenance, False)
    with torch.inference_mode():
        torch.testing.assert_close(again.encode(clips[:1]).dynamic, tiny.encode(clips[:1]).dynamic)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_half_precision_halves_the_file(tiny, tmp_path):
    tiny.save_pretrained(tmp_path / "full")
    tiny.save_pretrained(tmp_path / "half", half=True)
    full, half = ((tmp_path / kind / "model.safetensors").stat().st_size for kind in ("full", "half"))
    assert half < 0.6 * full
    weight = FineParser.from_pretrained(tmp_path / "half").state_dict()[
        "spatial_action_parser.i3d.mixed_5b.branch_0.conv3d.weight"
    ]
    assert weight.dtype == torch.float32


def spoil_weights(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])


def spoil_architecture(folder):
    path = folder / "config.json"
    contents = json.loads(path.read_text())
    contents["architecture"]["side_channels"] = 8
    path.write_text(json.dumps(contents))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda folder: (folder / "config.json").unlink(), "holds no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "is not the configuration"),
        (lambda folder: (folder / "config.json").write_text("[1]"), "is not the configuration"),
        (spoil_weights, "not a whole safetensors file"),
        (spoil_architecture, r"of another shape: spatial_action_parser.side_features.0.weight \[4, "),
    ],
)
def test_broken_checkpoints_are_refused(tiny, tmp_path, spoil, reason):
    tiny.save_pretrained(tmp_path)
    spoil(tmp_path)
    with pytest.raises(CheckpointError, match=reason):
        FineParser.from_pretrained(tmp_path)


def test_a_failed_save_leaves_the_old_checkpoint(tiny, tmp_path, monkeypatch):
    tiny.save_pretrained(tmp_path)
    before = (tmp_path / "model.safetensors").read_bytes()

    def full_disk(state, path, metadata):
        path.write_bytes(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fineparser.model.weights.save_file", full_disk)
    with pytest.raises(OSError, match="No space left"):
        tiny.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "model.safetensors"]


def test_neither_a_folder_nor_a_repository():
    with pytest.raises(CheckpointError, match="neither a folder here nor a model repository"):
        FineParser.from_pretrained("no such folder/anywhere/else")


class Surprise:
    def __reduce__(self):
        return print, ("this must never run",)


def test_code_in_a_checkpoint_never_runs(tmp_path, capsys):
    torch.save({"base_model": Surprise()}, tmp_path / "evil.pth")
    with pytest.raises(CheckpointError, match="not a PyTorch file of plain tensors"):
        load_torch_file(tmp_path / "evil.pth")
    assert "never run" not in capsys.readouterr().out
