"""The entry as two lessons: what learns, from what, and that a run goes on where it stopped."""

from dataclasses import replace

import pytest
import torch

from fineparser.data.entry_clips import EntryClips
from fineparser.data.syndive import SynDives
from fineparser.model.fineparser import FineParser
from fineparser.training.drawn_entries import DrawnEntries, keep_drawn_entries
from fineparser.training.entry_lessons import EntryLesson, EntryNetwork, WaterLesson, WaterNetwork
from fineparser.training.entry_squares import MARGIN, EntrySquares, keep_squares, kept_side
from fineparser.training.hints import entry_hints
from fineparser.training.losses import layer_loss
from fineparser.training.machine import accelerator_for
from fineparser.training.options import OptionsError
from fineparser.training.runs import Run
from fineparser.training.train import KEPT, train


@pytest.fixture(params=["water", "entry"])
def part(request):
    return request.param


@pytest.fixture
def lesson(part, reading, options, tmp_path):
    torch.manual_seed(0)
    model, chosen = FineParser(reading), replace(options, train=part, mask_weight=2.0)
    source = SynDives(2, seed=3)
    if part == "water":
        network = WaterNetwork(model)
        clips = EntryClips(source, kept_side(reading), margin=MARGIN, with_layers=True)
        keep_squares(model, clips, tmp_path, accelerator_for("cpu", "float32"))
        return WaterLesson(network, EntrySquares(tmp_path, reading.focus_size), chosen)
    network = EntryNetwork(model)
    keep_drawn_entries(model, EntryClips(source, reading.focus_size), tmp_path, accelerator_for("cpu", "float32"))
    return EntryLesson(network, DrawnEntries(tmp_path, reading.focus_size), chosen)


def losses_of(lesson, counted=True):
    batch = next(lesson.batches(0, [[0, 1]]))
    lesson.network.train()
    return lesson.losses(lesson.network, batch, counted, True, lambda tensor: tensor), batch


def test_it_teaches_one_part_alone(lesson, part):
    losses, batch = losses_of(lesson)
    losses.total.backward()
    model = lesson.network.model
    learning = {".".join(name.split(".")[:2]) for name, p in model.named_parameters() if p.grad is not None}
    assert learning == {"entry_parser.painter" if part == "water" else "entry_parser.reader"}
    assert not model.focus_decoder.training
    lesson.network.train(False)
    found = lesson.network(batch.squares if part == "water" else batch)
    again, _ = losses_of(replace_network_mode(lesson))
    if part == "water":
        assert again.mask.item() == pytest.approx(layer_loss(found, batch.layers.flatten(0, 1)).item(), rel=1e-4)
        assert again.total.item() == pytest.approx(2 * again.mask.item())
    else:
        expected = entry_hints(found, batch.deductions, batch.award, torch.ones(2))
        assert again.total.item() == pytest.approx(expected.item(), rel=1e-4)


def replace_network_mode(lesson):
    """The lesson with a network that stays in evaluation mode."""
    lesson.network.train = lambda mode=True: lesson.network
    return lesson


def test_a_filler_does_not_count(lesson):
    assert losses_of(lesson, counted=False)[0].total.item() == 0


def test_the_loss_falls(lesson):
    batch = next(lesson.batches(0, [[0, 1]]))
    learning = [p for p in lesson.network.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(learning, 0.02)
    lesson.network.train()
    told = []
    for _ in range(25):
        loss = lesson.losses(lesson.network, batch, True, True, lambda tensor: tensor).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        told.append(loss.item())
    assert told[-1] < 0.6 * told[0]


def test_a_run_learns_it_and_goes_on_to_the_same_weights(part, options, reading_file, tmp_path):
    chosen = replace(
        options,
        config=reading_file,
        data=("syndive:4",),
        train=part,
        out=tmp_path / "whole",
        max_steps=4,
        checkpoint_every=1,
    )
    whole = FineParser.from_pretrained(train(chosen).last).state_dict()
    assert not (chosen.out / KEPT[part]).exists()
    cut = replace(chosen, out=tmp_path / "cut")
    asked = iter((False, True))
    assert train(cut, should_stop=lambda: next(asked)).stopped
    assert (cut.out / KEPT[part] / "layers.npy").is_file()
    again = FineParser.from_pretrained(train(replace(cut, resume=True)).last).state_dict()
    for name, tensor in whole.items():
        torch.testing.assert_close(again[name], tensor, msg=name)
    records = Run.read(tmp_path / "cut").records()
    assert all(record["total"] > 0 for record in records if record["kind"] == "train")
    assert not any(record["kind"] == "validation" for record in records)
    assert any("not measured on the validation split" in str(record) for record in records)


def test_a_network_that_does_not_read_the_entry_is_refused(smallest):
    for network in (WaterNetwork, EntryNetwork):
        with pytest.raises(OptionsError, match="entry_channels"):
            network(FineParser(smallest))
