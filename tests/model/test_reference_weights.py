import pytest
import torch

from fineparser.model.checkpoint import CheckpointError
from fineparser.model.config import FineParserConfig
from fineparser.model.paper import FineParser
from fineparser.model.reference_weights import (
    KINETICS_CLASSIFIER,
    from_reference,
    import_checkpoint,
    load_i3d,
    reference_name,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def paper() -> FineParser:
    return FineParser(FineParserConfig())


@pytest.fixture(scope="module")
def published(paper) -> dict:
    """The paper's network as its authors' script saves it from several GPUs."""
    state = {}
    for name, value in paper.state_dict().items():
        module, parameter = reference_name(name)
        state.setdefault(module, {})[f"module.{parameter}"] = value
    state["video_encoder"]["module.backbone.fc.weight"] = torch.zeros(1000, 512)
    state["regressor_delta3"] = {"module.layer1.weight": torch.zeros(256, 64)}
    return state | {"epoch": 3, "rho_best": 0.9, "optimizer": {"state": {}, "param_groups": []}}


def test_every_parameter_comes_back(paper, published, tmp_path):
    torch.save(published, tmp_path / "best.pth")
    model = import_checkpoint(tmp_path / "best.pth")
    assert model.provenance.name == "best"
    for name, value in paper.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value)


def test_another_layout_is_refused_by_name(published):
    other = {module: dict(entries) for module, entries in published.items() if isinstance(entries, dict)}
    other["psnet_model"]["colour"] = other["psnet_model"].pop("module.inc1.conv.conv.0.weight")
    with pytest.raises(CheckpointError, match=r"1 missing: psnet_model/inc1\.conv\.conv\.0\.weight") as error:
        from_reference(other)
    assert "psnet_model/colour" in str(error.value)
    with pytest.raises(CheckpointError, match=r"missing: base_model/backbone\.conv3d_1a_7x7"):
        from_reference({"weights": {"a": torch.zeros(1)}})


def test_kinetics_weights_reach_both_i3ds(tmp_path):
    torch.manual_seed(1)
    source = FineParser(FineParserConfig()).i3d.state_dict()
    source = {name: value for name, value in source.items() if not name.endswith("num_batches_tracked")}
    source[f"{KINETICS_CLASSIFIER}conv3d.weight"] = torch.zeros(400, 1024, 1, 1, 1)
    torch.save(source, tmp_path / "rgb.pth")
    model = import_checkpoint(tmp_path / "rgb.pth", i3d=True)
    for i3d in (model.i3d, model.spatial_action_parser.i3d):
        torch.testing.assert_close(i3d.mixed_4b.branch_0.conv3d.weight, source["mixed_4b.branch_0.conv3d.weight"])
    assert not model.provenance.trained
    with pytest.raises(CheckpointError, match=r"missing: conv3d_1a_7x7\.conv3d\.weight"):
        load_i3d(model, {"fc.weight": torch.zeros(1)})


def test_other_things_than_tensors_are_named(published):
    first = "module.inc1.conv.conv.0.weight"
    for value, reason in (
        ("text", r"psnet_model/inc1\.conv\.conv\.0\.weight \(str\)"),
        ([[1.0]], r"psnet_model/inc1\.conv\.conv\.0\.weight \(list\)"),
        (published["psnet_model"][first].long(), r"weight \(torch\.int64\)"),
        (published["psnet_model"][first] * float("inf"), r"1 not finite: psnet_model/inc1"),
        (torch.zeros(1).expand(2**40), r"1 of another shape: psnet_model/inc1.*\[1099511627776\] instead of"),
    ):
        broken = published | {"psnet_model": published["psnet_model"] | {first: value}}
        with pytest.raises(CheckpointError, match=reason):
            from_reference(broken)
    with pytest.raises(CheckpointError, match="missing"):
        from_reference({"base_model": {"a": 5}, "segmenter": {"b": "s"}, 3: {(1, 2): None}})
    with pytest.raises(CheckpointError, match=r"of another type: conv3d_1a_7x7\.conv3d\.weight \(str\)"):
        load_i3d(FineParser(FineParserConfig()), {"conv3d_1a_7x7.conv3d.weight": "text"})
