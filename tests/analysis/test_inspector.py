"""What is kept is what the network computes; the network is tiny and untrained."""

import csv
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import cosine_similarity

from fineparser.analysis.analyser import DiveAnalyser
from fineparser.analysis.inspector import inspect_dive, inspect_report, pair
from fineparser.analysis.report import Vote
from fineparser.data.clip_folder import read_clip_folder
from fineparser.data.dives import Dive
from fineparser.data.transforms import ClipTransform
from fineparser.model.config import WITHOUT_TRACK, FineParserConfig
from fineparser.model.entry_reader import in_awards
from fineparser.model.entry_scene import OFFSETS
from fineparser.model.fineparser import FineParser
from fineparser.video.error import VideoError
from fineparser.video.framing import Framing
from fineparser.video.writing import write_video


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A labelled clip folder: a block that falls across a grey picture for sixty frames."""
    root = tmp_path_factory.mktemp("clips")
    frames = np.full((60, 96, 160, 3), 90, np.uint8)
    masks = np.zeros((50, 96, 160), bool)
    for number, frame in enumerate(frames):
        frame[number + 5 : number + 25, 70:90] = (230, 190, 160)
        if 5 <= number < 55:
            masks[number - 5, number + 5 : number + 25, 70:90] = True
    write_video(root / "falling block.mp4", frames, 25.0)
    np.savez_compressed(root / "masks.npz", mask=masks)
    row = {"clip": "falling block.mp4", "dive_code": "207C", "height": 10, "score": 71.5, "start_frame": 5}
    row |= {"end_frame": 54, "flight_frame": 20, "entry_frame": 40, "mask": "masks.npz"}
    with (root / "dives.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
    return root


@pytest.fixture(scope="module")
def analyser(model, bank):
    return DiveAnalyser(model, bank)


@pytest.fixture(scope="module")
def report(analyser, folder):
    return analyser.analyse(
        folder / "falling block.mp4", code="207C", height=10, first=3, last=50, framing=Framing.box(40, 0, 130, 90)
    )


@pytest.fixture(scope="module")
def inspection(analyser, report):
    return inspect_report(analyser, report)


def test_it_sees_what_the_report_saw(inspection, report):
    np.testing.assert_array_equal(inspection.frame_numbers, report.frame_numbers)
    np.testing.assert_allclose(inspection.mask_probability, report.mask_probability, atol=1e-5)
    np.testing.assert_allclose(inspection.transition_probabilities, report.transition_probabilities, atol=1e-6)
    assert inspection.transitions == (report.flight.index, report.entry.index)
    assert inspection.predicted_score == report.total.value
    assert inspection.frames.shape == (96, 112, 112, 3)


def test_it_looks_where_the_proposal_looked(analyser, folder):
    report = analyser.analyse(folder / "falling block.mp4")
    inspection = inspect_report(analyser, report)
    np.testing.assert_array_equal(inspection.frame_numbers, report.frame_numbers)
    np.testing.assert_allclose(inspection.mask_probability, report.mask_probability, atol=1e-5)
    assert (inspection.pairing, inspection.predicted_score) == (None, None)  # nobody to compare with


def test_both_rules_are_read_from_the_probabilities(inspection):
    flight, entry = inspection.transition_probabilities.T
    assert inspection.windowed == (flight[:48].argmax(), 48 + entry[48:].argmax())
    pairs = np.triu(np.log(flight)[:, None] + np.log(entry), k=1)
    pairs[np.tril_indices(96)] = -np.inf
    assert inspection.ordered == np.unravel_index(pairs.argmax(), pairs.shape)


def test_masks_of_windows_and_depths(analyser, inspection, report):
    """The windows' and the depths' are those of the network that was trained."""
    clip, _ = ClipTransform()(inspection.frames, None, np.random.default_rng(0))
    with torch.inference_mode():
        plain = analyser.model.encode(clip[None], side_outputs=True)
    np.testing.assert_allclose(inspection.window_probability, plain.mask_logits[0].sigmoid(), atol=2e-3)
    sides, other = plain.side_logits[0, 7, :, 3].sigmoid(), plain.side_logits[0, 6, :, 13].sigmoid()  # frame 73
    np.testing.assert_allclose(inspection.side_probability[:, 73], (sides + other) / 2, atol=2e-3)


def test_the_exemplar_beside_it_is_the_one_that_voted(analyser, bank, inspection, report):
    pairing = inspection.pairing
    vote = next(vote for vote in report.votes if vote.exemplar == report.exemplar)
    assert pairing.exemplar == report.exemplar
    np.testing.assert_allclose(pairing.contributions, vote.contributions, atol=1e-5)
    place = next(i for i, exemplar in enumerate(bank.exemplars) if exemplar.id == report.exemplar)
    np.testing.assert_array_equal(pairing.features, bank.encodings.dynamic[place].flatten(0, 1).numpy())
    np.testing.assert_allclose(pairing.similarity, cosine_similarity(inspection.features, pairing.features), atol=1e-5)
    assert pairing.transitions.tolist() == bank.encodings.transitions[place].tolist()


def test_tokens_and_attention(inspection):
    pairing = inspection.pairing
    assert [tokens.shape for tokens in pairing.tokens] == [(3, 4), (3, 4)]
    np.testing.assert_allclose(np.stack([tokens.mean(1) for tokens in pairing.tokens]), pairing.deltas, atol=1e-6)
    assert [attention.shape for attention in pairing.attention] == [(3, 1, 2, 4, 4), (3, 1, 2, 4, 4)]
    for attention in pairing.attention:
        np.testing.assert_allclose(attention.sum(-1), 1, atol=1e-5)


def test_attention_is_sorted_by_phase(analyser, inspection, report):
    """The entry has a decoder of its own: changing it changes the entry's weights alone."""
    model = FineParser(analyser.model.config).eval()
    model.load_state_dict(analyser.model.state_dict())
    with torch.no_grad():
        model.contrastive_regression.dynamic_decoders[-1].blocks[0].attention.to_query.weight.mul_(-3)
    changed = inspect_report(DiveAnalyser(model, None), report).pairing
    same = [
        [np.allclose(a, b, atol=1e-6) for a, b in zip(one, other, strict=True)]
        for one, other in zip(changed.attention, inspection.pairing.attention, strict=True)
    ]
    assert same == [[True, True, False], [True, True, True]]


def test_the_entry_is_the_one_that_was_read(analyser, inspection, report):
    """The tiny network draws nothing worth seeing, but what it says is what the comparison took."""
    entry, config = inspection.entry, analyser.model.config
    assert entry.shown.shape == (16, config.focus_size, config.focus_size, 3)
    assert entry.layers.shape == (16, 3, config.focus_size // 2, config.focus_size // 2)
    touch = inspection.transitions[1]
    assert entry.frames[3] == touch
    assert entry.inside.tolist() == [touch + offset <= 95 for offset in OFFSETS]
    vote = next(vote for vote in report.votes if vote.exemplar == report.exemplar)
    expected = in_awards(torch.from_numpy(vote.encoding["entry"])[0]).numpy()
    np.testing.assert_allclose(inspection.pairing.entry_readings, expected, rtol=1e-5)
    weights = analyser.model.contrastive_regression.entry_regressor.weight[0].detach().numpy()
    spread = in_awards(torch.ones(14)) - in_awards(torch.zeros(14))
    apart = (entry.readings - inspection.pairing.entry_readings) / spread.numpy() @ weights
    tokens = inspection.pairing.tokens[0][2]
    blind = pair_without_entry(analyser, report, vote)
    np.testing.assert_allclose(tokens - blind, apart, atol=1e-4)


def pair_without_entry(analyser, report, vote):
    """What the dynamic tokens of the entry see where both entries read the same."""
    model = FineParser(analyser.model.config).eval()
    model.load_state_dict(analyser.model.state_dict())
    torch.nn.init.zeros_(model.contrastive_regression.entry_regressor.weight)
    return inspect_report(DiveAnalyser(model, None), report, vote.exemplar).pairing.tokens[0][2]


def test_another_exemplar_can_be_chosen(analyser, report):
    other = next(vote for vote in report.votes if vote.exemplar != report.exemplar)
    pairing = inspect_report(analyser, report, other.exemplar).pairing
    np.testing.assert_allclose(pairing.contributions, other.contributions, atol=1e-5)
    with pytest.raises(ValueError, match="no exemplar 'nobody' among the votes"):
        inspect_report(analyser, report, "nobody")


def test_a_network_without_static_branch_and_phases():
    torch.manual_seed(0)
    config = replace(
        FineParserConfig.tiny(),
        image_size=112,
        static_branch=False,
        **WITHOUT_TRACK,
        temporal_parsing=False,
        phase_weights=(1.0,),
    )
    model = FineParser(config).eval()
    with torch.inference_mode():
        query, exemplar = (
            model.encode(torch.randn(1, 3, 96, 112, 112, generator=torch.Generator().manual_seed(i))) for i in (1, 2)
        )
        expected = model.compare(query, exemplar, 3.3)
    vote = Vote("a", "207C", 10, 3.3, 60.0, "SynDive", "", np.zeros((1, 1)), 60.0, encoding=exemplar.to_arrays())
    pairing = pair(model, query.without_masks(), vote, 3.3)
    assert [attention.shape for attention in pairing.attention] == [(1, 1, 2, 12, 12)]
    np.testing.assert_allclose(pairing.contributions, expected.contributions[0].numpy(), atol=1e-6)


def test_a_labelled_dive_is_cut_and_measured_as_the_evaluation_does(analyser, folder):
    dive = read_clip_folder(folder)[0]
    told = []
    inspection = inspect_dive(analyser, dive, lambda step, done: told.append(step))
    assert told[-1] == "Looking inside"
    numbers = dive.sample()
    np.testing.assert_array_equal(inspection.frame_numbers, numbers)
    transform = ClipTransform()
    clip, masks = transform(dive.read(numbers), dive.read_masks(numbers), np.random.default_rng(0))
    # The picture is enlarged, where the two ways of cutting round their edges differently.
    assert (inspection.labels.masks == masks[0].numpy()).mean() > 0.99
    with torch.inference_mode():
        expected = analyser.model.encode(clip[None]).mask_probability[0].numpy()
    assert np.abs(inspection.mask_probability - expected).mean() < 0.01
    truth = dive.transitions(numbers)
    assert inspection.labels.transitions.tolist() == [truth.flight, truth.entry]
    found = inspection.measures()
    assert found["flight_error_ordered"] == abs(inspection.ordered[0] - truth.flight)
    assert found["score_error"] == pytest.approx(inspection.predicted_score - 71.5)


def test_a_dive_that_is_no_file_says_so(analyser):
    dive = Dive("a", "SynDive", "train", footage=object(), place="nowhere", first_frame=0, last_frame=95)
    with pytest.raises(ValueError, match="no clip on disk"):
        inspect_dive(analyser, dive)


def test_a_clip_that_has_gone_says_so(analyser, report):
    gone = replace(report, info=replace(report.info, path=report.info.path.with_name("gone.mp4")))
    with pytest.raises(VideoError, match="does not exist"):
        inspect_report(analyser, gone)
