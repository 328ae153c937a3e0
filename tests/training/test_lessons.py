"""What a step computes: labels that are missing, parts that are frozen, scores carried to another difficulty."""

from dataclasses import replace

import pytest
import torch
from accelerate import Accelerator

from fineparser.data.pairs import ClipDataset, PairDataset
from fineparser.data.sources import open_data
from fineparser.data.syndive import SynDives
from fineparser.data.transforms import ClipTransform
from fineparser.domain.dive_code import DiveCode
from fineparser.model.fineparser import FineParser
from fineparser.training.encoding import encode_dives
from fineparser.training.hints import TRACK_POSTURE_SHARE, part_hints, posture_hints
from fineparser.training.lessons import (
    ComparisonNetwork,
    EncodingLesson,
    PictureLesson,
    PictureNetwork,
    carried_scores,
    cut_windows,
    slipped,
)
from fineparser.training.losses import mask_loss, moment_loss, score_loss


def same(tensor):
    return tensor


@pytest.fixture
def model(smallest):
    torch.manual_seed(0)
    return FineParser(smallest)


def lesson_on(folder, model, options, kind=PairDataset):
    source = open_data(f"clips:{folder}", "test")
    return PictureLesson(PictureNetwork(model, options), kind(source, transform=ClipTransform()), options)


def losses_of(lesson, indices, counted=True, forced=True):
    batch = next(lesson.batches(0, [indices]))
    lesson.network.train()
    return lesson.losses(lesson.network, batch, counted, forced, same), batch


def test_the_losses_of_a_pair_are_those_of_its_parts(dives, model, options):
    """The same by hand: encode both clips together, as batch norm sees them, then the three losses."""
    lesson = lesson_on(dives, model, options)
    losses, batch = losses_of(lesson, [0, 3])
    clips = torch.cat([batch.query.clips, batch.exemplar.clips])
    clips = torch.nn.functional.interpolate(clips, (96, 32, 32), mode="area")
    masks = torch.cat([batch.query.masks, batch.exemplar.masks]).float()
    masks = torch.nn.functional.interpolate(masks, (96, 32, 32), mode="area") >= 0.5
    transitions = torch.cat([batch.query.transitions, batch.exemplar.transitions])
    encoding = model.encode(clips, transitions, side_outputs=True)
    query, exemplar = encoding.select([0, 1]), encoding.select([2, 3])
    deltas = model.compare(query, exemplar).delta, model.compare(exemplar, query).delta
    assert losses.score.item() == pytest.approx(
        score_loss(*deltas, batch.query.scores, batch.exemplar.scores).item(), rel=1e-4
    )
    assert losses.transition.item() == pytest.approx(
        moment_loss(encoding.transition_probabilities, transitions).item(), rel=1e-4
    )
    assert losses.mask.item() == pytest.approx(
        mask_loss(encoding.mask_outputs, encoding.windows_of(masks)).item(), rel=1e-4
    )
    assert losses.total.item() == pytest.approx(sum(losses.values()[name] for name in ("score", "transition", "mask")))


@pytest.mark.parametrize("lost", ["score", "flight_frame", "mask"])
def test_a_label_that_the_source_lacks_takes_its_loss_out(relabelled, model, options, lost):
    blank = {lost: ""} | ({"entry_frame": ""} if lost == "flight_frame" else {})
    lesson = lesson_on(relabelled(lambda row: blank), model, options)
    losses, _ = losses_of(lesson, [0, 1])
    values = losses.values()
    zero = {"score": "score", "flight_frame": "transition", "mask": "mask"}[lost]
    assert values[zero] == 0
    assert all(value > 0 for name, value in values.items() if name != zero)
    losses.total.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_clips_without_transitions_are_cut_as_at_test_time(relabelled, model, options):
    """Labels of some clips are kept, the others are pooled at what the network predicts in evaluation mode."""
    folder = relabelled(lambda row: {"flight_frame": "", "entry_frame": ""} if row["clip"] == "dive1" else {})
    lesson = lesson_on(folder, model, options)
    batch = next(lesson.batches(0, [[0, 1]]))
    labelled = torch.cat([batch.query.transitions, batch.exemplar.transitions])
    known = torch.cat([batch.query.has_transitions, batch.exemplar.has_transitions])
    assert known.tolist().count(False) >= 1
    clips = torch.cat([batch.query.clips, batch.exemplar.clips])
    small = torch.nn.functional.interpolate(clips, (96, 32, 32), mode="area")
    with torch.no_grad():
        predicted = model.eval().encode(small).transitions
    seen = []
    encode = model.encode

    def watch(clips, transitions=None, **wanted):
        found = encode(clips, transitions, **wanted)
        seen.append(found.transitions)
        return found

    model.encode = watch
    lesson.network.train()
    lesson.losses(lesson.network, batch, True, True, same)
    assert torch.equal(seen[-1][known], labelled[known])
    assert torch.equal(seen[-1][~known], predicted[~known])


def test_a_filler_does_not_count(dives, model, options):
    losses, _ = losses_of(lesson_on(dives, model, options), [0], counted=False)
    assert losses.values() == {"total": 0, "score": 0, "transition": 0, "mask": 0}
    losses.total.backward()
    assert not any(p.grad is not None and p.grad.any() for p in model.parameters())


def test_weights_scale_the_total_and_not_the_log(dives, model, options):
    options = replace(options, score_weight=0.01, mask_weight=10.0)
    losses, _ = losses_of(lesson_on(dives, model, options), [0])
    values = losses.values()
    assert values["total"] == pytest.approx(
        0.01 * values["score"] + values["transition"] + 10 * values["mask"], rel=1e-5
    )


def test_the_parsers_learn_alone(dives, model, options):
    lesson = lesson_on(dives, model, replace(options, train="parsers"), ClipDataset)
    losses, _ = losses_of(lesson, [0, 1])
    losses.total.backward()
    assert losses.score.item() == 0
    for name, parameter in model.named_parameters():
        part = name.split(".")[0]
        tokens = ("static_visual_encoder.phases", "dynamic_visual_encoder")
        if part == "contrastive_regression" or name.startswith(tokens):
            assert parameter.grad is None
    assert model.spatial_action_parser.fuse.weight.grad.any()
    assert model.static_visual_encoder.backbone.conv1.weight.grad.any()
    assert not model.static_visual_encoder.phases.training
    assert not model.contrastive_regression.training


def test_frozen_i3d_norms_keep_their_statistics(dives, model, options):
    norm = model.spatial_action_parser.i3d.mixed_4b.branch_0.batch3d
    before = norm.running_mean.clone()
    lesson = lesson_on(dives, model, replace(options, freeze_i3d_norms=True))
    losses_of(lesson, [0])
    assert torch.equal(norm.running_mean, before)
    lesson = lesson_on(dives, model, replace(options, freeze_i3d_norms=False))
    losses_of(lesson, [0])
    assert not torch.equal(norm.running_mean, before)


def test_only_the_regression_is_left_to_learn(model, options):
    network = ComparisonNetwork(model, options).train()
    learning = {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert learning == {"contrastive_regression"}
    assert not model.static_visual_encoder.phases.training
    assert network.model.contrastive_regression.training


def test_a_track_is_cut_at_labels_or_else_as_predicted(dives, smallest, options):
    torch.manual_seed(0)
    model = FineParser(smallest).eval()
    clips = torch.rand(2, 3, 96, 32, 32)
    encoding = model.encode(clips, keep_frames=True).without_masks()
    network = ComparisonNetwork(model, replace(options, train="regression", learn_track=True)).eval()
    labelled = torch.tensor([[10.0, 50.0], [torch.nan, torch.nan]])
    with torch.no_grad():
        found = network(encoding, encoding, (labelled, labelled), torch.full((2,), torch.nan))
        alone = model.encode(clips[1:])
        expected = network.reader(alone.dynamic, alone.static)[0]
    torch.testing.assert_close(found["told"][0][1:], expected, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(found["probabilities"], encoding.transition_probabilities, atol=1e-5, rtol=1e-4)


def test_the_track_is_asked_for_postures(smallest, options):
    torch.manual_seed(0)
    source, accelerator = SynDives(2, seed=3, codes=(DiveCode.parse("103B"),)), Accelerator(cpu=True)
    model = FineParser(smallest)
    dives = encode_dives(model, source, accelerator, with_frames=True)
    network = ComparisonNetwork(model, replace(options, train="regression", learn_track=True))

    def hints(dives):
        lesson = EncodingLesson(network, dives, options)
        torch.manual_seed(1)
        losses = lesson.losses(network.eval(), next(lesson.batches(0, [[0, 1]])), True, True, same)
        return losses.hints

    asked, unasked = hints(dives), hints(replace(dives, postures=None))
    with torch.no_grad():
        track, _ = model.eval().reread(dives.encodings.frames)
        around = track[:, 0, :, smallest.seen_features :][..., : smallest.track_width]
        expected = posture_hints(network.postures(around), dives.postures, torch.ones(2))
    torch.testing.assert_close(asked - unasked, TRACK_POSTURE_SHARE * expected, rtol=1e-3, atol=1e-4)
    asked.backward()
    assert model.temporal_action_parser.from_frames.weight.grad.any()


def test_slips_are_small_and_keep_the_order():
    torch.manual_seed(0)
    labelled = torch.tensor([[10, 11], [0, 95], [94, 95]]).repeat(50, 1)
    moved = slipped(labelled, 96)
    assert (moved[:, 0] <= moved[:, 1]).all()
    assert moved.min() >= 0
    assert moved.max() <= 95
    assert (moved - labelled).abs().max() <= 3


def test_an_exemplar_of_another_difficulty_brings_its_execution(relabelled, model, options):
    """405B at 27.0 x 3.0 and 107B at 20.0 x 3.1: at the difficulty of the first the second is worth 60.0."""
    labels = {"dive0": ("3.0", "81.0"), "dive2": ("3.1", "62.0")}

    def change(row):
        difficulty, score = labels.get(row["clip"], ("3.0", ""))
        return {"difficulty": difficulty, "score": score}

    lesson = lesson_on(relabelled(change), model, options)
    batch = next(lesson.batches(0, [[0]]))
    assert batch.exemplar.scores.tolist() == [62.0]
    query, exemplar = carried_scores(type(batch.query).stack([batch.query, batch.exemplar]))
    assert query.tolist() == [81.0]
    assert exemplar.tolist() == pytest.approx([60.0])


def test_masks_are_cut_like_the_mask_outputs(smallest, model):
    masks = torch.rand(2, 1, 96, 4, 4)
    cut = cut_windows(masks, smallest.window_starts, 16)
    assert torch.equal(cut, model.encode(torch.zeros(2, 3, 96, 32, 32)).windows_of(masks))
    assert torch.equal(cut[7], masks[1, :, 16:32])  # the second clip's second window


def test_masks_can_be_kept_while_the_rest_learns(dives, model, options):
    kept = replace(options, checkpoint="somewhere", freeze_masks=True)
    lesson = lesson_on(dives, model, kept)
    losses, batch = losses_of(lesson, [0, 3])
    losses.total.backward()
    assert losses.mask.item() == 0
    assert all(p.grad is None for p in model.spatial_action_parser.parameters())
    assert all(p.grad is not None for p in model.dynamic_visual_encoder.parameters())
    drawing = [*model.static_visual_encoder.backbone.parameters(), *model.focus_decoder.parameters()]
    assert all(p.grad is None for p in drawing)
    small = torch.nn.functional.interpolate(batch.query.clips, (96, 32, 32), mode="area")
    with torch.no_grad():
        during, after = model.encode(small), model.eval().encode(small)
        torch.testing.assert_close(during.mask_logits, after.mask_logits)
        torch.testing.assert_close(during.outlines, after.outlines)


def test_each_phase_is_asked_for_what_its_faults_cost(smallest, options):
    torch.manual_seed(0)
    source, accelerator = SynDives(2, seed=3, codes=(DiveCode.parse("103B"),)), Accelerator(cpu=True)
    model = FineParser(smallest).eval()
    dives = encode_dives(model, source, accelerator)
    network = ComparisonNetwork(model, replace(options, train="regression"))

    def losses(dives):
        lesson = EncodingLesson(network, dives, options)
        batch = next(lesson.batches(0, [[0, 1]]))
        return batch, lesson.losses(network.eval(), batch, True, True, same)

    (query, exemplar), asked = losses(dives)
    points = 3 * query.difficulty[:, None]
    difference = points * exemplar.lost_by_phase() - points * query.lost_by_phase()
    there = model.compare(query.encodings, exemplar.encodings, query.difficulty).by_phase
    back = model.compare(exemplar.encodings, query.encodings, query.difficulty).by_phase
    torch.testing.assert_close(asked.hints, part_hints(there, back, difference, torch.ones(2)))
    assert asked.hints > 0
    unknown = losses(replace(dives, deductions=torch.full_like(dives.deductions, torch.nan)))[1]
    assert unknown.hints is None
    assert unknown.score == asked.score
