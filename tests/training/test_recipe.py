"""The recipe: stages that build on each other and can be resumed."""

import pytest

from fineparser.model.compact import CompactFineParser
from fineparser.training import recipe
from fineparser.training.recipe import STAGES, RecipeOptions, run_recipe
from fineparser.training.run_folder import Run

pytestmark = pytest.mark.slow


@pytest.fixture
def options(monkeypatch, whole_file, tmp_path):
    """The real stages, shortened, with the smallest network and four dives of one number."""
    short = {
        name: values | {"max_steps": 2, "batch_size": 2, "validation_share": 0.0} for name, values in STAGES.items()
    }
    short["1-spatial"]["config"] = whole_file
    monkeypatch.setattr(recipe, "STAGES", short)
    monkeypatch.setattr(recipe, "DIVES", 4)
    monkeypatch.setattr(recipe, "ENTRIES", 3)
    monkeypatch.setattr(recipe, "MOTIONS", 2)
    return RecipeOptions(out=tmp_path / "out", device="cpu", precision="float32", workers=0, progress=False)


def test_each_stage_starts_from_the_one_before(options):
    stopped_after = []

    def stop():
        stopped_after.append(len(stopped_after))
        return len(stopped_after) == 3  # within the second stage

    received = []
    assert run_recipe(options, on_record=received.append, should_stop=stop) is None
    assert [record["done"] for record in received if record["kind"] == "simulation"] == [0, 1, 2, 3, 4]
    assert not (options.out / "weights").exists()
    first, second = (Run.read(options.out / name) for name in list(STAGES)[:2])
    assert len([r for r in first.records() if r["kind"] == "train"]) == 2
    assert len([r for r in second.records() if r["kind"] == "train"]) == 1

    weights = run_recipe(options)
    assert len([r for r in first.records() if r["kind"] == "train"]) == 2  # not again
    assert len([r for r in second.records() if r["kind"] == "train"]) == 2
    model = CompactFineParser.from_pretrained(weights)
    assert model.provenance.name.startswith("fineparser-compact")
    before = CompactFineParser.from_pretrained(first.checkpoints.last).spatial_action_parser.mask_bias
    assert (model.spatial_action_parser.mask_bias - before).abs().max() < 1e-3  # unchanged, in half precision


def test_the_length_scale_changes_dives_and_steps(tmp_path):
    once, twice = (RecipeOptions(out=tmp_path, length_scale=factor).stages() for factor in (1, 2))
    assert [stage.max_steps for stage in twice] == [2 * stage.max_steps for stage in once]
    entries = {stage.out.name: stage.data[0] for stage in once if stage.data != once[0].data}
    assert entries == {"5-entry-faults": "syndive:24000:1", "6-motion": "syndive:3000:2"}
    assert twice[4].data == ("syndive:48000:1",)
    with pytest.raises(ValueError, match="factor above 0"):
        RecipeOptions(out=tmp_path, length_scale=0)
