"""Outlines before the scenery as a lesson: what learns, from what, and that a run goes on where it stopped."""

from dataclasses import replace

import pytest
import torch

from fineparser.data.posed_clips import PosedClips
from fineparser.data.syndive import SynDives
from fineparser.model.fineparser import FineParser
from fineparser.training.backdrop_lesson import BackdropLesson, BackdropNetwork
from fineparser.training.drawings import Drawings, keep_drawings
from fineparser.training.edges import EDGES
from fineparser.training.losses import outline_loss
from fineparser.training.machine import accelerator_for
from fineparser.training.options import OptionsError
from fineparser.training.runs import Run
from fineparser.training.train import KEPT, train


@pytest.fixture
def lesson(refining, options, tmp_path):
    torch.manual_seed(0)
    network, clips = BackdropNetwork(FineParser(refining)), PosedClips(SynDives(2, seed=3, width="full"))
    keep_drawings(network.model, clips, tmp_path, accelerator_for("cpu", "float32"))
    drawings = Drawings(tmp_path, refining.focus_size)
    return BackdropLesson(network, drawings, replace(options, train="backdrop", mask_weight=2.0), clips)


def losses_of(lesson, counted=True):
    batch = next(lesson.batches(0, [[0, 1]]))
    lesson.network.train()
    return lesson.losses(lesson.network, batch, counted, True, lambda tensor: tensor), batch


def test_it_teaches_the_refiner_alone(lesson):
    losses, batch = losses_of(lesson)
    losses.total.backward()
    model = lesson.network.model
    learning = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None}
    assert learning == {"outline_refiner"}
    assert not model.focus_decoder.training
    # Before it learns it says what was drawn.
    drawn = ((batch.squares[:, :, 9] + 1) / 2).clamp(0.003, 0.997).logit()
    assert losses.mask.item() == pytest.approx(outline_loss([drawn], batch.truth).item(), rel=1e-4)
    assert losses.total.item() == pytest.approx(2 * losses.mask.item())


def test_a_filler_does_not_count(lesson):
    assert losses_of(lesson, counted=False)[0].total.item() == 0


def test_the_loss_falls(lesson):
    """On clips whose true masks are what differs from the backdrop."""
    batch = next(lesson.batches(0, [[0, 1]]))
    batch = replace(batch, truth=batch.squares[:, :, 3] > 0.5)
    optimiser = torch.optim.Adam(lesson.network.model.outline_refiner.parameters(), 0.02)
    lesson.network.train()
    told = []
    for _ in range(25):
        loss = lesson.losses(lesson.network, batch, True, True, lambda tensor: tensor).total
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        told.append(loss.item())
    assert told[-1] < 0.6 * told[0]


def test_the_edge_that_is_settled_is_the_refiners(lesson):
    model = lesson.network.model
    before = model.outline_refiner.change.bias.clone(), model.focus_decoder.outline.bias.clone()
    moved = lesson.settle()
    assert moved in EDGES
    torch.testing.assert_close(model.outline_refiner.change.bias, before[0] + moved)
    torch.testing.assert_close(model.focus_decoder.outline.bias, before[1])


def test_a_run_learns_it_and_goes_on_to_the_same_weights(options, refining_file, tmp_path):
    chosen = replace(
        options,
        config=refining_file,
        data=("syndive:4",),
        train="backdrop",
        out=tmp_path / "whole",
        max_steps=4,
        checkpoint_every=1,
        validation_limit=1,
    )
    whole = FineParser.from_pretrained(train(chosen).last).state_dict()
    assert not (chosen.out / KEPT["backdrop"]).exists()
    cut = replace(chosen, out=tmp_path / "cut")
    asked = iter((False, True))
    assert train(cut, should_stop=lambda: next(asked)).stopped
    assert (cut.out / KEPT["backdrop"] / "squares.npy").is_file()
    again = FineParser.from_pretrained(train(replace(cut, resume=True)).last).state_dict()
    for name, tensor in whole.items():
        torch.testing.assert_close(again[name], tensor, msg=name)
    records = Run.read(tmp_path / "cut").records()
    assert all(record["mask"] > 0 for record in records if record["kind"] == "train")
    assert any(record["kind"] == "validation" for record in records)


def test_a_network_without_a_refiner_is_refused(smallest):
    with pytest.raises(OptionsError, match="refiner_channels"):
        BackdropNetwork(FineParser(smallest))
