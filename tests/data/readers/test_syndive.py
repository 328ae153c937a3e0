"""Simulated dives as a source: which dives there are, and that they are labelled and drawn once."""

import pickle

import numpy as np
import pytest

from fineparser.data.datasets import PairDataset, load_clip
from fineparser.data.dives import DataError
from fineparser.data.exemplar_pool import ExemplarPool
from fineparser.data.readers import syndive
from fineparser.data.readers.syndive import SimulatedFrames, SynDives, frame_labels, mean_deductions
from fineparser.data.transforms import ClipTransform
from fineparser.domain.difficulty import difficulty, has_difficulty
from fineparser.domain.dive_code import DiveCode
from fineparser.domain.faults import DEDUCTION_CURVES
from fineparser.domain.phases import Phase
from fineparser.simulator.dive import simulate
from fineparser.simulator.faults import Faults
from fineparser.simulator.plan import DiveRequest


@pytest.fixture
def sketched(monkeypatch, stub_plan):
    """Plans are sketches; gives the arguments that each was asked with."""
    asked = []

    def plan_dive(seed, request, *, split):
        code, height = request.code, request.height
        asked.append((seed, split, str(code), height))
        return stub_plan(seed=seed, split=split, code=code, height=height, difficulty=difficulty(code, height))

    monkeypatch.setattr(syndive, "plan_dive", plan_dive)
    return asked


def test_cards_cost_no_plan_and_agree_with_the_dives(sketched):
    source = SynDives(20, seed=3)
    cards = [source.card(index) for index in range(20)]
    assert sketched == []
    dives = [source[index] for index in range(20)]
    assert cards == [dive.card for dive in dives]
    assert len({card.id for card in cards}) == 20
    assert len({str(card.code) for card in cards}) > 5
    for card in cards:
        assert has_difficulty(card.code, card.height)
        assert card.difficulty == difficulty(card.code, card.height)


def test_dives_of_other_seeds_splits_and_epochs_are_other_dives(sketched):
    endless = SynDives(8, seed=3, is_endless=True)
    sources = [
        endless,
        endless.at_epoch(1),
        endless.at_epoch(2),
        SynDives(8, seed=4),
        SynDives(8, seed=3, split="validation"),
        SynDives(8, seed=3, split="test"),
    ]
    for source in sources:
        for index in range(8):
            source.plan(index)
    assert len({(seed, split) for seed, split, _, _ in sketched}) == 48


def test_a_finite_source_is_the_same_in_every_epoch():
    source = SynDives(8, seed=3)
    assert source.at_epoch(5) == source


def test_dive_numbers_can_be_chosen(sketched):
    codes = (DiveCode.parse("107B"), DiveCode.parse("612B"))
    source = SynDives(30, codes=codes)
    assert {source.card(index).code for index in range(30)} == set(codes)


def test_labels_come_from_the_plan(sketched):
    dive = SynDives(4)[2]
    # Sketches run from -20/25 s at 25 frames a second; take-off at 0 s, entry at 1 s.
    assert (dive.first_frame, dive.flight_frame, dive.entry_frame, dive.last_frame) == (0, 20, 45, 79)
    assert dive.sub_actions == (1,) * 20 + (17,) * 25 + (36,) * 35
    assert (dive.score, dive.awards, dive.source, dive.has_masks) == (72.0, (8.0,) * 7, "SynDive", True)


def test_steps_of_the_same_name_are_still_two_steps(stub_plan, stub_motion):
    plan = stub_plan(motions=(stub_motion(((-1.0, 1), (0.0, 15), (0.5, 15), (1.0, 36))),))
    labels, flight, entry = frame_labels(plan)
    assert (flight, entry) == (20, 45)
    assert np.unique(labels).tolist() == [1, 15, 36]


def test_a_clip_that_ends_before_the_entry_is_rejected(stub_plan):
    with pytest.raises(ValueError, match="seed 7 ends before the entry"):
        frame_labels(stub_plan(seed=7, times=np.arange(-20, 20) / 25))


def test_frames_and_masks_are_rendered_once(stub_plan):
    plan = stub_plan()
    footage = SimulatedFrames(plan, lines=112, width=None)
    frames = footage.read([5, 3, 3])
    masks = footage.read_masks([5, 3, 3])
    assert frames[:, 0, 0, 0].tolist() == [10, 6, 6]
    assert masks[:, :56].all()
    assert not masks[:, 56:].any()
    assert plan.renders == [[3, 5]]
    assert footage.read_masks([1]).shape == (1, 112, 112)
    assert plan.renders == [[3, 5], [1]]


def test_a_source_travels_to_workers_without_its_dives(sketched):
    source = SynDives(1_000_000, seed=2, is_endless=True)
    assert len(pickle.dumps(source)) < 1000
    assert pickle.loads(pickle.dumps(source)) == source


def test_pairs_are_fresh_in_every_epoch_of_an_endless_source(sketched):
    dataset = PairDataset(SynDives(16, is_endless=True), transform=ClipTransform())
    ids = []
    for epoch in range(3):
        dataset.set_epoch(epoch)
        pair = dataset[0]
        assert pair.query.has_masks.all()
        assert pair.has_scores.all()
        ids += [pair.query.ids[0], pair.exemplar.ids[0]]
    assert len(set(ids)) == 6


@pytest.mark.parametrize("setting", [{"count": 0}, {"count": 1, "seed": -1}, {"count": 1, "split": "val"}])
def test_impossible_sources_are_rejected(setting):
    with pytest.raises(ValueError, match=r"not count|not 'val'"):
        SynDives(**setting)


def test_a_failed_simulation_is_reported_with_its_seed(monkeypatch, stub_plan):
    def fail(seed, request, *, split):
        raise RuntimeError("no camera found")

    monkeypatch.setattr(syndive, "plan_dive", fail)
    with pytest.raises(DataError, match=r"syndive:4:0, item seed 2, split train: no camera found"):
        SynDives(4)[2]
    monkeypatch.setattr(syndive, "plan_dive", lambda seed, request, *, split: stub_plan(times=np.arange(-20, 10) / 25))
    with pytest.raises(DataError, match=r"item seed 3, split train: The simulated clip .* ends before the entry"):
        SynDives(4)[3]


def test_dives_end_where_they_end(sketched):
    with pytest.raises(IndexError):
        SynDives(4)[4]
    assert len(list(SynDives(4))) == 4


def test_a_dive_is_what_the_simulator_makes():
    """The same seed, split and wishes, straight from the simulator."""
    source = SynDives(50, seed=1)
    index = 7
    dive, card = source[index], source.card(index)
    straight = simulate(source.dive_seed(index), DiveRequest(code=card.code, height=card.height))
    numbers = dive.sample()
    assert np.array_equal(numbers, straight.source_frames)
    batch = load_clip(dive, ClipTransform(), np.random.default_rng(0))
    assert np.array_equal(dive.read(numbers[:4].tolist()), straight.frames[:4])
    assert np.array_equal(batch.masks[0, 0].numpy(), straight.masks)
    assert dive.transitions(numbers) == straight.transitions
    assert dive.sub_action_labels(numbers).tolist() == straight.sub_actions.tolist()
    assert dive.transitions(numbers).phases().tolist() == straight.phases.tolist()
    assert straight.phases[-1] == Phase.ENTRY
    assert (dive.score, dive.awards) == (straight.score, straight.awards)
    late = numbers[[90, 60, 60]]
    layers = dive.read_layers(late.tolist())
    rising, places = np.unique(late, return_inverse=True)
    assert np.array_equal(layers, straight.plan.layers(rising, 112, None)[places])
    assert np.array_equal(layers[1], layers[2])


def test_most_dives_have_a_partner_of_their_number():
    pool_source = SynDives(300)
    pool = ExemplarPool(pool_source)
    rng = np.random.default_rng(0)
    rules = [pool.choose(pool_source.card(index), rng)[0].rule for index in range(300)]
    assert rules.count("same dive number") > 200


def test_deductions_are_those_of_the_judges(stub_plan):
    plan = stub_plan(faults=(Faults(splash=0.45), Faults()))
    result = dict(zip(DEDUCTION_CURVES, mean_deductions(plan), strict=True))
    # half of the most that a splash costs, and that for one of the two divers
    assert result.pop("splash") == pytest.approx(DEDUCTION_CURVES["splash"].most / 4)
    assert set(result.values()) == {0.0}
