"""Inspections: what is stored is what the network computes; the network is tiny and untrained."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score, jaccard_score
from sklearn.metrics.pairwise import cosine_similarity

from fineparser.analysis.analyser import AnalysisOptions, DiveAnalyser
from fineparser.analysis.inspection import (
    ARRAYS,
    ClipLabels,
    Inspection,
    inspect_comparison,
    inspect_dive,
    inspect_report,
)
from fineparser.data.clip_input import clip_input
from fineparser.data.dives import Dive
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.data.transforms import ClipTransform
from fineparser.exemplars.voting_result import Vote
from fineparser.model.compact import CompactFineParser
from fineparser.model.config import UNIT_DIFFICULTY, FineParserConfig
from fineparser.model.entry import FRAME_OFFSETS, in_awards
from fineparser.model.paper import FineParser
from fineparser.model.protocol import ClipInput, DiagnosticsLevel
from fineparser.video.framing import Framing
from fineparser.video.info import VideoError
from fineparser.video.writer import write_video
from tests.inspections import STARTS, drawn, labelled, made_up, paired


@pytest.fixture
def sample() -> Inspection:
    return made_up()


def test_windows_agree_where_they_overlap(sample):
    """Six frames of each seam are seen twice; of window 0's half window 1 calls a half the diver."""
    iou = sample.overlap_iou
    seams = [frame for frame in range(96) if any(start <= frame < start + 6 for start in STARTS[1:])]
    assert np.flatnonzero(~np.isnan(iou)).tolist() == seams
    assert iou[10:16].tolist() == [0.5] * 6
    assert iou[20:26].tolist() == [0.0] * 6  # window 1 against nothing
    assert iou[30:36].tolist() == [1.0] * 6  # nothing against nothing


def test_the_spread_is_zero_where_one_window_sees(sample):
    assert not sample.overlap_spread(9).any()
    spread = sample.overlap_spread(12)
    np.testing.assert_allclose(spread[3], [0.2, 0.2, 0.9, 0.9, 0, 0, 0, 0], atol=1e-3)
    assert sample.windows_by_frame[12] == [0, 1]
    assert sample.window_masks(12).shape == (2, 8, 8)


def test_the_rule_of_the_weights_counts(sample):
    assert sample.transitions == (30, 50)
    assert replace(sample, rule="windowed").transitions == (20, 60)


def test_without_labels_there_are_no_metrics(sample):
    assert sample.metrics() == {}
    assert sample.mask_iou_by_frame is None


def test_metrics_of_a_labelled_clip(sample):
    known = labelled(sample)
    masks, metrics = known.labels.masks, known.metrics()
    flat = (sample.mask_probability >= 0.5).ravel()
    assert metrics["mask_iou"] == pytest.approx(jaccard_score(masks.ravel(), flat))
    assert metrics["mask_f1"] == pytest.approx(f1_score(masks.ravel(), flat))
    assert (metrics["side_1_iou"], metrics["side_2_iou"]) == (pytest.approx(metrics["mask_iou"]), 0)
    assert (metrics["flight_error_windowed"], metrics["entry_error_windowed"]) == (10, 0)
    assert (metrics["flight_error_ordered"], metrics["entry_error_ordered"]) == (0, 10)
    assert metrics["tiou_windowed"] == pytest.approx(30 / 40)
    assert metrics["tiou_ordered"] == pytest.approx(20 / 30)
    assert metrics["score_error"] == pytest.approx(-3.5)
    frames = known.mask_iou_by_frame
    assert (frames[0], frames[5], frames[17]) == (0, 0.75, 0)
    assert np.isnan(frames[50])  # no diver, and none found


def test_only_what_is_labelled_is_measured(sample):
    metrics = replace(sample, labels=ClipLabels(transitions=np.array([30, 60]))).metrics()
    assert {name.rsplit("_", 1)[0] for name in metrics} == {"flight_error", "entry_error", "tiou"}
    assert replace(sample, labels=ClipLabels(score=70.0)).metrics() == {}


def test_the_file_holds_every_array_under_its_name(sample, tmp_path):
    whole = labelled(paired(drawn(sample)))
    whole = replace(whole, comparison=replace(whole.comparison, entry_fault_scores=np.zeros(14, np.float32)))
    path = whole.save(tmp_path / "sample.npz")
    assert [file.name for file in tmp_path.iterdir()] == ["sample.npz"]
    with np.load(path, allow_pickle=False) as arrays:
        assert set(arrays) == set(ARRAYS)
        for name in set(ARRAYS) - {"about"}:
            dtype, shape = ARRAYS[name].split(":")[0].split(" ", 1)
            assert arrays[name].dtype == dtype, name
            assert arrays[name].ndim == len(shape.strip("[]").split(",")), name
        np.testing.assert_array_equal(arrays["frames"], whole.frames)
        np.testing.assert_array_equal(arrays["overlap_spread"][12], whole.overlap_spread(12))
        about = json.loads(str(arrays["about"]))
    assert about["transitions"] == {"windowed": [20, 60], "ordered": [30, 50]}
    assert (about["exemplar"], about["difference"]) == (
        "207C-10m-03",
        0.225,
    )  # (0.3 x 0.55 + 0.5 x 1.55 + 0.2 x 2.55 - 1) / 2
    assert about["metrics"]["flight_error_ordered"] == 0


def test_a_file_lacks_what_the_inspection_lacks(sample, tmp_path):
    with np.load(sample.save(tmp_path / "a.npz"), allow_pickle=False) as arrays:
        lacking = set(ARRAYS) - set(arrays)
    assert {"similarity", "dynamic_attention", "true_masks", "true_transitions"} <= lacking
    assert not any(name.startswith(("mask_probability", "window", "transition")) for name in lacking)


def test_a_file_that_cannot_be_finished_leaves_the_old_one(sample, tmp_path, monkeypatch):
    path = tmp_path / "sample.npz"
    path.write_bytes(b"before")

    def full(file, **arrays):
        file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="no space"):
        sample.save(path)
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


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
        folder / "falling block.mp4",
        code="207C",
        height=10,
        options=AnalysisOptions(first=3, last=50, crop=Framing.from_box(40, 0, 130, 90)),
    )


@pytest.fixture(scope="module")
def inspection(analyser, report):
    return inspect_report(analyser, report)


def test_inspection_has_the_reports_masks_and_transitions(inspection, report):
    np.testing.assert_array_equal(inspection.frame_numbers, report.frame_numbers)
    np.testing.assert_allclose(inspection.mask_probability, report.mask_probability, atol=1e-5)
    np.testing.assert_allclose(inspection.transition_probabilities, report.transition_probabilities, atol=1e-6)
    assert inspection.transitions == (report.flight.index, report.entry.index)
    assert inspection.predicted_score == report.total.value
    assert inspection.frames.shape == (96, 112, 112, 3)


def test_inspection_uses_the_reports_crop(analyser, folder):
    report = analyser.analyse(folder / "falling block.mp4")
    inspection = inspect_report(analyser, report)
    np.testing.assert_array_equal(inspection.frame_numbers, report.frame_numbers)
    np.testing.assert_allclose(inspection.mask_probability, report.mask_probability, atol=1e-5)
    assert (inspection.comparison, inspection.predicted_score) == (None, None)  # no dive number


def test_transitions_by_both_rules(inspection):
    flight, entry = inspection.transition_probabilities.T
    assert inspection.windowed == (flight[:48].argmax(), 48 + entry[48:].argmax())
    pairs = np.triu(np.log(flight)[:, None] + np.log(entry), k=1)
    pairs[np.tril_indices(96)] = -np.inf
    assert inspection.ordered == np.unravel_index(pairs.argmax(), pairs.shape)


def test_masks_of_windows_and_side_outputs(analyser, inspection, report):
    """Those of the network in training precision, at the resolution of the windows."""
    clip, _ = ClipTransform()(inspection.frames, None, np.random.default_rng(0))
    with torch.inference_mode():
        _, plain = analyser.model.encode_with_diagnostics(clip_input(clip[None]), level=DiagnosticsLevel.SIDE_OUTPUTS)
    np.testing.assert_allclose(inspection.window_probability, plain.mask_logits[0].sigmoid(), atol=2e-3)
    sides, other = plain.side_logits[0, 7, :, 3].sigmoid(), plain.side_logits[0, 6, :, 13].sigmoid()  # frame 73
    np.testing.assert_allclose(inspection.side_probability[:, 73], (sides + other) / 2, atol=2e-3)


def test_the_exemplar_is_the_one_that_voted(analyser, bank, inspection, report):
    comparison = inspection.comparison
    vote = next(vote for vote in report.votes if vote.exemplar == report.exemplar)
    assert comparison.exemplar == report.exemplar
    np.testing.assert_allclose(comparison.contributions, vote.contributions, atol=1e-5)
    place = next(i for i, exemplar in enumerate(bank.exemplars) if exemplar.id == report.exemplar)
    np.testing.assert_array_equal(comparison.features, bank.encodings.dynamic[place].flatten(0, 1).numpy())
    np.testing.assert_allclose(
        comparison.similarity, cosine_similarity(inspection.features, comparison.features), atol=1e-5
    )
    assert comparison.transitions.tolist() == bank.encodings.transitions[place].tolist()


def test_tokens_and_attention(inspection):
    comparison = inspection.comparison
    assert [tokens.shape for tokens in comparison.tokens] == [(3, 4), (3, 4)]
    np.testing.assert_allclose(np.stack([tokens.mean(1) for tokens in comparison.tokens]), comparison.deltas, atol=1e-6)
    assert [attention.shape for attention in comparison.attention] == [(3, 1, 2, 4, 4), (3, 1, 2, 4, 4)]
    for attention in comparison.attention:
        np.testing.assert_allclose(attention.sum(-1), 1, atol=1e-5)


def test_attention_is_sorted_by_phase(analyser, inspection, report):
    """The entry has a decoder of its own: changing it changes the entry's weights alone."""
    model = CompactFineParser(analyser.model.config).eval()
    model.load_state_dict(analyser.model.state_dict())
    with torch.no_grad():
        model.contrastive_regression.dynamic_decoders[-1].blocks[0].attention.to_query.weight.mul_(-3)
    changed = inspect_report(DiveAnalyser(model, None), report).comparison
    same = [
        [np.allclose(a, b, atol=1e-6) for a, b in zip(one, other, strict=True)]
        for one, other in zip(changed.attention, inspection.comparison.attention, strict=True)
    ]
    assert same == [[True, True, False], [True, True, True]]


def test_fault_scores_explain_the_difference_of_the_entry(analyser, inspection, report):
    """Without the entry's regressor the tokens of the entry differ by what it makes of the fault scores."""
    entry, config = inspection.entry, analyser.model.config
    assert entry.crops.shape == (16, config.crop_size, config.crop_size, 3)
    assert entry.layers.shape == (16, 3, config.crop_size // 2, config.crop_size // 2)
    touch = inspection.transitions[1]
    assert entry.frames[3] == touch
    assert entry.is_in_clip.tolist() == [touch + offset <= 95 for offset in FRAME_OFFSETS]
    vote = next(vote for vote in report.votes if vote.exemplar == report.exemplar)
    expected = in_awards(torch.from_numpy(vote.encoding["entry"])[0]).numpy()
    np.testing.assert_allclose(inspection.comparison.entry_fault_scores, expected, rtol=1e-5)
    weights = analyser.model.contrastive_regression.entry_regressor.weight[0].detach().numpy()
    spread = in_awards(torch.ones(14)) - in_awards(torch.zeros(14))
    difference = (entry.fault_scores - inspection.comparison.entry_fault_scores) / spread.numpy() @ weights
    difference *= report.difficulty / UNIT_DIFFICULTY
    tokens = inspection.comparison.tokens[0][2]
    without_entry = entry_tokens_without_faults(analyser, report, vote)
    np.testing.assert_allclose(tokens - without_entry, difference, atol=1e-4)


def entry_tokens_without_faults(analyser, report, vote):
    """Dynamic tokens of the entry if fault scores do not count."""
    model = CompactFineParser(analyser.model.config).eval()
    model.load_state_dict(analyser.model.state_dict())
    torch.nn.init.zeros_(model.contrastive_regression.entry_regressor.weight)
    return inspect_report(DiveAnalyser(model, None), report, vote.exemplar).comparison.tokens[0][2]


def test_another_exemplar_can_be_chosen(analyser, report):
    other = next(vote for vote in report.votes if vote.exemplar != report.exemplar)
    comparison = inspect_report(analyser, report, other.exemplar).comparison
    np.testing.assert_allclose(comparison.contributions, other.contributions, atol=1e-5)
    with pytest.raises(ValueError, match="no exemplar 'nobody' among the votes"):
        inspect_report(analyser, report, "nobody")


def test_a_network_without_static_branch_and_phases():
    torch.manual_seed(0)
    config = replace(
        FineParserConfig.tiny(),
        image_size=112,
        static_branch=False,
        temporal_parsing=False,
        phase_weights=(1.0,),
    )
    model = FineParser(config).eval()
    with torch.inference_mode():
        query, exemplar = (
            model.encode(ClipInput(torch.randn(1, 3, 96, 112, 112, generator=torch.Generator().manual_seed(i))))
            for i in (1, 2)
        )
        expected = model.compare(query, exemplar, 3.3)
    vote = Vote("a", "207C", 10, 3.3, 60.0, "SynDive", "", np.zeros((1, 1)), 60.0, encoding=exemplar.to_arrays())
    comparison = inspect_comparison(model, query, vote, 3.3)
    assert [attention.shape for attention in comparison.attention] == [(1, 1, 2, 12, 12)]
    np.testing.assert_allclose(comparison.contributions, expected.contributions[0].numpy(), atol=1e-6)


def test_a_labelled_dive_is_cropped_and_measured_as_in_an_evaluation(analyser, folder):
    dive = read_clip_folder(folder)[0]
    stages = []
    inspection = inspect_dive(analyser, dive, lambda stage, done: stages.append(stage))
    assert stages[-1] == "Inspecting the network"
    numbers = dive.sample()
    np.testing.assert_array_equal(inspection.frame_numbers, numbers)
    transform = ClipTransform()
    clip, masks = transform(dive.read(numbers), dive.read_masks(numbers), np.random.default_rng(0))
    # Frames are enlarged, and the two resamplings round edges differently.
    assert (inspection.labels.masks == masks[0].numpy()).mean() > 0.99
    with torch.inference_mode():
        expected = analyser.model.encode_with_diagnostics(clip_input(clip[None]))[1].masks[0].numpy()
    assert np.abs(inspection.mask_probability - expected).mean() < 0.01
    true = dive.transitions(numbers)
    assert inspection.labels.transitions.tolist() == [true.flight, true.entry]
    metrics = inspection.metrics()
    assert metrics["flight_error_ordered"] == abs(inspection.ordered[0] - true.flight)
    assert metrics["score_error"] == pytest.approx(inspection.predicted_score - 71.5)


def test_a_dive_without_a_clip_on_disk_is_refused(analyser):
    dive = Dive("a", "SynDive", "train", frames=object(), location="nowhere", first_frame=0, last_frame=95)
    with pytest.raises(ValueError, match="no clip on disk"):
        inspect_dive(analyser, dive)


def test_a_missing_clip_is_refused(analyser, report):
    gone = replace(report, info=replace(report.info, path=report.info.path.with_name("gone.mp4")))
    with pytest.raises(VideoError, match="does not exist"):
        inspect_report(analyser, gone)
