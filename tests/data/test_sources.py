"""Sources as they are named on the command line."""

import pickle

import cv2
import numpy as np
import pytest

from fineparser.data.dives import DataError, OnBroken, ReadOptions
from fineparser.data.finediving_writer import SimulationJob, write_finediving
from fineparser.data.readers.syndive import ENDLESS_EPOCH, SynDives
from fineparser.data.sources import FirstDives, JoinedDives, open_data


@pytest.fixture
def clips(tmp_path):
    root = tmp_path / "club"
    for name in ("a", "b", "c"):
        (root / name).mkdir(parents=True)
        for number in range(10):
            picture = np.full((24, 40, 3), number + 20 * ord(name) % 200, np.uint8)
            cv2.imwrite(str(root / name / f"{number}.png"), picture)
    (root / "dives.csv").write_text("clip,score\na,50\nb,60\nc,70\n")
    return root


def test_a_finite_simulated_source():
    assert open_data("syndive:200", "train") == SynDives(200)
    assert open_data("syndive:200:7", "test") == SynDives(200, 7, "test")
    assert open_data("syndive:200:7", "validation") == SynDives(20, 7, "validation")
    assert len(open_data("syndive:8", "validation")) == 16


def test_simulated_frames_have_the_requested_scale():
    plain, fine = (open_data("syndive:2", "test", scale=detail)[0] for detail in (1, 2))
    assert (plain.id, plain.score) == (fine.id, fine.score)
    assert [dive.read([0]).shape for dive in (plain, fine)] == [(1, 112, 112, 3), (1, 224, 224, 3)]


def test_an_endless_simulated_source_is_fresh_in_training_only():
    source = open_data("syndive:endless", "train")
    assert len(source) == ENDLESS_EPOCH
    assert source.at_epoch(1) != source
    validation = open_data("syndive:endless:3", "validation")
    assert validation.at_epoch(1) == validation
    assert validation.seed == 3


def test_a_clip_folder_is_tested_on_whole(clips):
    assert [dive.id for dive in open_data(f"clips:{clips}", "test")] == ["a", "b", "c"]
    train = open_data(f"clips:{clips}", "train", ReadOptions(validation=0))
    assert [dive.id for dive in train] == ["a", "b", "c"]
    assert train.name == f"clips:{clips}"


def test_a_folder_of_another_kind_is_named(clips):
    with pytest.raises(DataError, match="no folder FineDiving"):
        open_data(f"finediving:{clips}", "train")
    with pytest.raises(DataError, match=r"no final_annotations_dict\.pkl"):
        open_data(f"mtl-aqa:{clips}", "train")


def test_finediving_is_opened_by_split(tmp_path, stub_plan):
    class Job(SimulationJob):
        def plan(self, index):
            return stub_plan(seed=index, split=["train", "train", "test"][index])

    write_finediving(Job(3), tmp_path)
    assert len(open_data(f"finediving:{tmp_path}", "train", ReadOptions(validation=0))) == 2
    assert len(open_data(f"finediving:{tmp_path}", "test")) == 1


def test_sources_are_joined(clips):
    joined = open_data(["syndive:endless", f"clips:{clips}"], "train", ReadOptions(validation=0))
    assert isinstance(joined, JoinedDives)
    assert joined.name == f"syndive:endless:0 clips:{clips}"
    assert len(joined) == ENDLESS_EPOCH + 3
    assert joined[ENDLESS_EPOCH + 1].id == "b"
    assert joined.card(ENDLESS_EPOCH + 2).id == "c"
    assert joined.card(0).id != joined.at_epoch(1).card(0).id
    assert joined.at_epoch(1).card(ENDLESS_EPOCH).id == "a"
    assert pickle.loads(pickle.dumps(joined)) == joined
    for index in (-1, len(joined)):
        with pytest.raises(IndexError):
            joined.card(index)


def test_problems_are_reported(clips):
    (clips / "dives.csv").write_text("clip,score\na,50\ngone,60\n")
    dives = open_data([f"clips:{clips}", "syndive:4"], "test", ReadOptions(on_broken=OnBroken.SKIP))
    assert len(dives.problems) == 1
    assert "'gone' does not exist" in str(dives.problems[0])


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ([], "No source of dives was given. Sources are syndive:COUNT"),
        ("kinetics:/x", "'kinetics:/x' is no source of dives. Sources are syndive:COUNT"),
        ("finediving", "'finediving' is no source"),
        ("clips:", "'clips:' is no source"),
        ("syndive:many", "'syndive:many': a simulated source is syndive:COUNT"),
        ("syndive:-5", "a simulated source is"),
        ("syndive:5:x", "a simulated source is"),
        ("syndive:0", "'syndive:0': SynDive takes a count from 1"),
        ("finediving:/nowhere/at/all", "/nowhere/at/all"),
        ("clips:/nowhere/at/all", "no such table"),
    ],
)
def test_an_invalid_source_is_rejected(specs, message):
    with pytest.raises(DataError, match=message):
        open_data(specs, "train")


def test_an_empty_split_is_named_with_what_was_left_out(clips):
    (clips / "dives.csv").write_text("clip\ngone\n")
    with pytest.raises(DataError, match=r"no dive in its train split\. 1 dives were left out.*'gone' does not exist"):
        open_data(f"clips:{clips}", "train", ReadOptions(on_broken=OnBroken.SKIP))


def test_an_unknown_split_is_rejected():
    with pytest.raises(ValueError, match="not 'val'"):
        open_data("syndive:5", "val")


def test_the_first_dives_of_a_source(clips):
    source = open_data(f"clips:{clips}", "test")
    first = FirstDives(source, 2)
    assert [dive.id for dive in first] == [source[0].id, source[1].id]
    assert first.card(1) == source.card(1)
    assert first.name == source.name
    assert len(FirstDives(source, 9)) == 3
    for index in (-1, 2):
        with pytest.raises(IndexError):
            first.card(index)
    endless = FirstDives(open_data("syndive:endless", "train"), 5)
    assert endless.at_epoch(1).card(0) != endless.card(0)
