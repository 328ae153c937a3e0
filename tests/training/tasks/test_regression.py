"""The task "regression": what is trained, and the auxiliary losses of simulated dives."""

from dataclasses import replace

import pytest
import torch

from fineparser.data.readers.syndive import SynDives
from fineparser.domain.dive_code import DiveCode
from fineparser.model.compact import CompactFineParser
from fineparser.model.paper import FineParser
from fineparser.model.protocol import ClipInput, DiagnosticsLevel
from fineparser.training.auxiliary_losses import TRACK_POSE_WEIGHT, phase_difference_loss, pose_loss
from fineparser.training.options import OptionsError, RegressionTaskOptions
from fineparser.training.tasks.regression import ComparisonNetwork, RegressionTask

TRACK = RegressionTaskOptions(train_track=True)


@pytest.fixture
def model(smallest):
    torch.manual_seed(0)
    return CompactFineParser(smallest)


@pytest.fixture(scope="module")
def simulated():
    """Two simulated dives of one number."""
    return SynDives(2, seed=3, codes=(DiveCode.parse("103B"),))


def losses_of(task, step):
    """Losses in evaluation mode, where the same seed gives the same jitter."""
    batch = next(task.batches(0, [[0, 1]]))
    torch.manual_seed(1)
    return task.losses(task.network.eval(), batch, step), batch


def test_only_the_regression_is_trained(model):
    network = ComparisonNetwork(model, train_track=False).train()
    trained = {name.split(".")[0] for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert trained == {"contrastive_regression"}
    assert not model.static_pooling.training
    assert network.model.contrastive_regression.training


def test_tracks_are_pooled_at_labels_or_else_at_predictions(model):
    clips = ClipInput(torch.rand(2, 3, 96, 32, 32))
    encoding, diagnostics = model.eval().encode_with_diagnostics(clips, level=DiagnosticsLevel.FEATURES)
    tracks = diagnostics.frame_features.detach()
    network = ComparisonNetwork(model, train_track=True).eval()
    labelled = torch.tensor([[10.0, 50.0], [torch.nan, torch.nan]])
    with torch.no_grad():
        outputs = network(encoding, encoding, torch.full((2,), torch.nan), (tracks, tracks), (labelled, labelled))
        alone = model.encode(clips.select([1]))
        expected = network.fault_head(alone.dynamic, alone.static)[0]
    torch.testing.assert_close(outputs["faults"][0][1:], expected, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(outputs["probabilities"], encoding.transition_probabilities, atol=1e-5, rtol=1e-4)


def test_track_features_have_a_pose_loss(model, simulated, context, step):
    task = RegressionTask(context(model, simulated, train="regression", regression=TRACK))
    # One view of the dives as they are, so that the poses are those of the tracks.
    with_poses, batch = losses_of(task, step)
    task.dives = replace(task.dives, poses=None)
    without_poses, _ = losses_of(task, step)
    query = batch[0]
    with torch.no_grad():
        tracks, _ = model.eval().temporal_from_cache(query.tracks)
        _, temporal, _ = tracks[:, 0].split(model.config.track_parts, dim=-1)
        expected = pose_loss(task.network.pose_head(temporal), query.poses, torch.ones(2))
    difference = with_poses.auxiliary - without_poses.auxiliary
    torch.testing.assert_close(difference, TRACK_POSE_WEIGHT * expected, rtol=1e-3, atol=1e-4)
    with_poses.auxiliary.backward()
    assert model.temporal_action_parser.from_frames.weight.grad.any()


def test_each_phase_has_a_loss_of_what_its_faults_cost(model, simulated, context, step):
    task = RegressionTask(context(model, simulated, train="regression"))
    losses, (query, exemplar) = losses_of(task, step)
    points = 3 * query.difficulty[:, None]
    difference = points * exemplar.deductions_by_phase() - points * query.deductions_by_phase()
    forward = model.compare(query.encodings, exemplar.encodings, query.difficulty).by_phase
    backward = model.compare(exemplar.encodings, query.encodings, query.difficulty).by_phase
    torch.testing.assert_close(losses.auxiliary, phase_difference_loss(forward, backward, difference, torch.ones(2)))
    assert losses.auxiliary > 0
    task.dives = replace(task.dives, deductions=torch.full_like(task.dives.deductions, torch.nan))
    task._has_deductions = False
    unknown, _ = losses_of(task, step)
    assert unknown.auxiliary is None
    assert unknown.score == losses.score


def test_only_a_network_with_tracks_can_train_them(published):
    with pytest.raises(OptionsError, match="train_track is for CompactFineParser"):
        ComparisonNetwork(FineParser(published), train_track=True)
