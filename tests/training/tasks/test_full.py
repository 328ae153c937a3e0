"""The task "everything": missing labels, frozen parts, scores at another difficulty."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from fineparser.data.batches import ClipBatch
from fineparser.data.datasets import ClipDataset, PairDataset
from fineparser.data.sources import open_data
from fineparser.data.transforms import ClipTransform
from fineparser.model.compact import CompactFineParser
from fineparser.model.paper import FineParser
from fineparser.model.protocol import ClipInput, DiagnosticsLevel, cut_windows
from fineparser.training.losses import mask_loss, score_loss, soft_transition_loss, transition_loss
from fineparser.training.options import ClipTaskOptions
from fineparser.training.tasks.full import FullTask, ParsersTask, scores_at_query_difficulty

pytestmark = pytest.mark.slow


@pytest.fixture
def model(smallest):
    torch.manual_seed(0)
    return CompactFineParser(smallest)


@pytest.fixture
def task_on(context, model):
    """Makes the task on a clip folder, without augmentation."""

    def make(folder, network=None, **changes) -> FullTask:
        source = open_data(f"clips:{folder}", "test")
        task = FullTask(context(network or model, source, **changes))
        task._dataset = PairDataset(source, transform=ClipTransform())
        return task

    return make


def losses_of(task, indices, step):
    batch = next(task.batches(0, [indices]))
    task.network.train()
    return task.losses(task.network, batch, step), batch


def resized(clips):
    return functional.interpolate(clips, (96, 32, 32), mode="area")


@pytest.mark.parametrize("kind", ["compact", "published"])
def test_the_losses_of_a_pair_are_those_of_its_parts(dives, task_on, smallest, published, step, kind):
    """Both clips are encoded together, as batch norm needs it, then the three losses are computed."""
    torch.manual_seed(0)
    model = CompactFineParser(smallest) if kind == "compact" else FineParser(published)
    losses, batch = losses_of(task_on(dives, model), [0, 3], step)
    clips = resized(torch.cat([batch.query.clips, batch.exemplar.clips]))
    masks = resized(torch.cat([batch.query.masks, batch.exemplar.masks]).float()) >= 0.5
    transitions = torch.cat([batch.query.transitions, batch.exemplar.transitions])
    encoding, diagnostics = model.encode_with_diagnostics(ClipInput(clips), transitions, DiagnosticsLevel.SIDE_OUTPUTS)
    query, exemplar = encoding.select([0, 1]), encoding.select([2, 3])
    deltas = model.compare(query, exemplar).delta, model.compare(exemplar, query).delta
    if kind == "compact":
        deltas = tuple(delta * batch.query.difficulty / 3 for delta in deltas)
    compute_transition_loss = soft_transition_loss if kind == "compact" else transition_loss
    expected = {
        "score": score_loss(*deltas, batch.query.scores, batch.exemplar.scores),
        "transition": compute_transition_loss(encoding.transition_probabilities, transitions),
        "mask": mask_loss(diagnostics.mask_outputs, cut_windows(masks, model.config.window_starts)),
    }
    terms = losses.terms
    for name, loss in expected.items():
        assert terms[name].item() == pytest.approx(loss.item(), rel=1e-4), name
    assert losses.total.item() == pytest.approx(sum(terms[name].item() for name in expected))


@pytest.mark.parametrize("missing", ["score", "flight_frame", "mask"])
def test_a_missing_label_makes_its_loss_zero(relabelled, task_on, model, step, missing):
    blank = {missing: ""} | ({"entry_frame": ""} if missing == "flight_frame" else {})
    losses, _ = losses_of(task_on(relabelled(lambda row: blank)), [0, 1], step)
    terms = losses.terms
    zero = {"score": "score", "flight_frame": "transition", "mask": "mask"}[missing]
    assert terms[zero] == 0
    assert all(value > 0 for name, value in terms.items() if name != zero)
    losses.total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_clips_without_transitions_are_pooled_at_predicted_ones(relabelled, task_on, model, step, monkeypatch):
    """Labelled clips are pooled at their labels, the others at predictions in evaluation mode."""
    folder = relabelled(lambda row: {"flight_frame": "", "entry_frame": ""} if row["clip"] == "dive1" else {})
    task = task_on(folder)
    batch = next(task.batches(0, [[0, 1]]))
    labelled = torch.cat([batch.query.transitions, batch.exemplar.transitions])
    is_known = torch.cat([batch.query.has_transitions, batch.exemplar.has_transitions])
    assert is_known.tolist().count(False) >= 1
    clips = resized(torch.cat([batch.query.clips, batch.exemplar.clips]))
    with torch.no_grad():
        predicted = model.eval().encode(ClipInput(clips)).transitions
    used = []
    encode = model.encode_with_diagnostics

    def record(clip, transitions=None, level=DiagnosticsLevel.MASKS):
        encoding, diagnostics = encode(clip, transitions, level)
        used.append(encoding.transitions)
        return encoding, diagnostics

    monkeypatch.setattr(model, "encode_with_diagnostics", record)
    task.network.train()
    task.losses(task.network, batch, step)
    assert torch.equal(used[-1][is_known], labelled[is_known])
    assert torch.equal(used[-1][~is_known], predicted[~is_known])


def test_a_filler_does_not_count(dives, task_on, model, filler):
    losses, _ = losses_of(task_on(dives), [0], filler)
    assert losses.terms == {"total": 0, "score": 0, "transition": 0, "mask": 0}
    losses.total.backward()
    assert not any(p.grad is not None and p.grad.any() for p in model.parameters())


def test_weights_scale_the_total_and_not_the_log(dives, task_on, step):
    losses, _ = losses_of(task_on(dives, score_weight=0.01, mask_weight=10.0), [0], step)
    terms = {name: value.item() for name, value in losses.terms.items()}
    assert terms["total"] == pytest.approx(0.01 * terms["score"] + terms["transition"] + 10 * terms["mask"], rel=1e-5)


@pytest.mark.parametrize("freeze", [True, False])
def test_frozen_i3d_norms_keep_their_statistics(dives, task_on, model, step, freeze):
    norm = model.spatial_action_parser.i3d.mixed_4b.branch_0.batch3d
    before = norm.running_mean.clone()
    losses_of(task_on(dives, clips=ClipTaskOptions(freeze_i3d_norms=freeze)), [0], step)
    assert torch.equal(norm.running_mean, before) == freeze


def test_frozen_masks_stay_while_the_rest_learns(dives, task_on, model, step):
    frozen = ClipTaskOptions(freeze_masks=True)
    losses, batch = losses_of(task_on(dives, checkpoint="somewhere", clips=frozen), [0, 3], step)
    losses.total.backward()
    assert losses.mask is None
    assert all(p.grad is None for module in model.mask_modules() for p in module.parameters())
    assert all(p.grad is not None for p in model.dynamic_pooling.parameters())
    clip = ClipInput(resized(batch.query.clips))
    with torch.no_grad():
        during, after = model.encode_with_diagnostics(clip)[1], model.eval().encode_with_diagnostics(clip)[1]
        torch.testing.assert_close(during.mask_logits, after.mask_logits)
        torch.testing.assert_close(during.crop_masks, after.crop_masks)


def test_an_exemplar_of_another_difficulty_counts_with_its_execution(relabelled, task_on):
    """405B at 27.0 x 3.0 and 107B at 20.0 x 3.1: at the difficulty of the first, the second is worth 60.0."""
    labels = {"dive0": ("3.0", "81.0"), "dive2": ("3.1", "62.0")}

    def change(row):
        difficulty, score = labels.get(row["clip"], ("3.0", ""))
        return {"difficulty": difficulty, "score": score}

    batch = next(task_on(relabelled(change)).batches(0, [[0]]))
    assert batch.exemplar.scores.tolist() == [62.0]
    query, exemplar = scores_at_query_difficulty(ClipBatch.stack([batch.query, batch.exemplar]))
    assert query.tolist() == [81.0]
    assert exemplar.tolist() == pytest.approx([60.0])


@pytest.mark.parametrize("part", ["gate", "static", "transitions"])
def test_ablations_of_the_published_network_have_losses(dives, task_on, published, step, part):
    changes = {
        "gate": {"spatial_gate": False},
        "static": {"static_branch": False},
        "transitions": {"temporal_parsing": False, "phase_weights": (1.0,)},
    }[part]
    torch.manual_seed(0)
    losses, _ = losses_of(task_on(dives, FineParser(replace(published, **changes))), [0], step)
    assert losses.total > 0
    assert (losses.transition_weight == 0) == (part == "transitions")


def test_the_parsers_learn_alone(dives, context, smallest, step):
    torch.manual_seed(0)
    model, source = CompactFineParser(smallest), open_data(f"clips:{dives}", "test")
    task = ParsersTask(context(model, source, train="parsers"))
    task._dataset = ClipDataset(source, transform=ClipTransform())
    task.network.train()
    losses = task.losses(task.network, next(task.batches(0, [[0, 1]])), step)
    losses.total.backward()
    assert losses.score is None
    assert losses.terms["score"] == 0
    for module in (model.contrastive_regression, model.static_pooling, model.dynamic_pooling):
        assert all(parameter.grad is None for parameter in module.parameters())
        assert not module.training
    assert model.spatial_action_parser.mask_bias.grad.any()
    assert model.crop_encoder.conv1.weight.grad.any()
