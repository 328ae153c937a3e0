"""Cropping of a collection: frames, transitions, table, and originals."""

import numpy as np
import pytest

from fineparser.data.dive_tables import COLUMNS, TABLE, make_row, read_rows, write_rows
from fineparser.data.dives import ProblemLog, ReadOptions
from fineparser.data.importer import list_clips
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.ui.train_data_events import crop_collection
from fineparser.video.writer import write_video
from tests.builders import FPS


@pytest.fixture
def collection(tmp_path):
    """Two rows of one clip with a bright middle, and one with a mask of its own."""
    frames = np.full((60, 96, 160, 3), 40, np.uint8)
    frames[:, :, 70:90] = np.linspace(60, 240, 60).astype(np.uint8)[:, None, None, None]
    write_video(tmp_path / "meet.mp4", frames, FPS)
    write_video(tmp_path / "masked.mp4", 255 - frames, FPS)
    np.savez_compressed(tmp_path / "mask.npz", mask=np.ones((60, 96, 160), bool))
    transitions = {"flight_frame": "12", "entry_frame": "20"}
    write_rows(
        tmp_path / TABLE,
        [
            make_row("meet.mp4", score="50", start_frame="5", end_frame="29", **transitions),
            make_row("meet.mp4", score="60", start_frame="30", end_frame="59"),
            make_row("masked.mp4", score="70", mask="mask.npz"),
        ],
    )
    return tmp_path


def dives_of(folder):
    return {dive.id: dive for dive in read_clip_folder(folder, ReadOptions(validation=0))}


def test_cropped_frames_are_those_of_an_analysis_and_labels_are_shifted(collection, tiny_analyser):
    seen = tiny_analyser.propose(collection / "meet.mp4", 5, 29).read(224)
    assert crop_collection(collection, dives_of(collection), tiny_analyser, lambda step, done: None) == 2
    rows = [row for _, row in read_rows(collection / TABLE, ProblemLog())]
    assert [row["clip"] for row in rows] == ["cut/meet", "cut/meet-2", "masked.mp4"]
    assert [(row["flight_frame"], row["entry_frame"]) for row in rows[:2]] == [("7", "15"), ("", "")]
    assert [row["score"] for row in rows] == ["50", "60", "70"]
    assert set(rows[0]) == set(COLUMNS)
    first, second, _ = dives_of(collection).values()
    assert (first.frame_count, second.frame_count) == (25, 30)
    numbers = first.sample()
    np.testing.assert_array_equal(first.read(numbers), seen.frames.transpose(1, 2, 3, 0))
    # The original is where nothing takes it for another dive, and cropping again does nothing.
    assert (collection / ".originals" / "meet.mp4").is_file()
    assert sorted(list_clips(collection)) == ["cut/meet", "cut/meet-2", "masked.mp4"]
    assert crop_collection(collection, dives_of(collection), tiny_analyser, lambda step, done: None) == 0


def test_names_in_another_form_and_one_transition_alone_survive_the_crop(collection, tiny_analyser):
    rows = [row for _, row in read_rows(collection / TABLE, ProblemLog())]
    rows[0] |= {"clip": "MEET.mp4", "start_frame": "5.0", "entry_frame": ""}
    write_rows(collection / TABLE, rows[:1])
    assert crop_collection(collection, dives_of(collection), tiny_analyser, lambda step, done: None) == 1
    ((_, row),) = read_rows(collection / TABLE, ProblemLog())
    assert (row["clip"], row["flight_frame"], row["entry_frame"]) == ("cut/meet", "7", "")


def test_a_stop_between_two_dives_leaves_a_complete_collection(collection, tiny_analyser):
    def stop(step, done):
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crop_collection(collection, dives_of(collection), tiny_analyser, stop)
    assert [dive.id for dive in dives_of(collection).values()] == ["cut/meet", "meet.mp4#30", "masked.mp4"]
    assert (collection / "meet.mp4").is_file()
