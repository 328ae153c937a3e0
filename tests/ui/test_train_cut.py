"""Clips cut to what an analysis sees: the frames, the switches, the table, and the originals kept."""

import numpy as np
import pytest

from fineparser.data.clip_folder import read_clip_folder
from fineparser.data.clip_table import COLUMNS, TABLE, read_rows, row_of, write_rows
from fineparser.data.dives import Problems
from fineparser.data.intake import clips_in
from fineparser.ui.train_cut import cut_collection
from fineparser.video.writing import write_video
from tests.ui.conftest import FPS


@pytest.fixture
def collection(tmp_path):
    """Two rows of one clip with a bright middle, and one with a mask of its own."""
    frames = np.full((60, 96, 160, 3), 40, np.uint8)
    frames[:, :, 70:90] = np.linspace(60, 240, 60).astype(np.uint8)[:, None, None, None]
    write_video(tmp_path / "meet.mp4", frames, FPS)
    write_video(tmp_path / "masked.mp4", 255 - frames, FPS)
    np.savez_compressed(tmp_path / "mask.npz", mask=np.ones((60, 96, 160), bool))
    switches = {"flight_frame": "12", "entry_frame": "20"}
    write_rows(
        tmp_path / TABLE,
        [
            row_of("meet.mp4", score="50", start_frame="5", end_frame="29", **switches),
            row_of("meet.mp4", score="60", start_frame="30", end_frame="59"),
            row_of("masked.mp4", score="70", mask="mask.npz"),
        ],
    )
    return tmp_path


def dives_of(folder):
    return {dive.id: dive for dive in read_clip_folder(folder, validation=0)}


def test_cut_frames_are_what_an_analysis_sees_and_labels_move_along(collection, tiny_analyser):
    seen = tiny_analyser.propose(collection / "meet.mp4", 5, 29).read(224)
    assert cut_collection(collection, dives_of(collection), tiny_analyser, lambda step, done: None) == 2
    rows = [row for _, row in read_rows(collection / TABLE, Problems(skip_broken=False))]
    assert [row["clip"] for row in rows] == ["cut/meet", "cut/meet-2", "masked.mp4"]
    assert [(row["flight_frame"], row["entry_frame"]) for row in rows[:2]] == [("7", "15"), ("", "")]
    assert [row["score"] for row in rows] == ["50", "60", "70"]
    assert set(rows[0]) == set(COLUMNS)
    first, second, _ = dives_of(collection).values()
    assert (first.frame_count, second.frame_count) == (25, 30)
    numbers = first.sample()
    np.testing.assert_array_equal(first.read(numbers), seen.frames.transpose(1, 2, 3, 0))
    # The clip is kept where nothing takes it for another dive; doing it again does nothing.
    assert (collection / ".originals" / "meet.mp4").is_file()
    assert sorted(clips_in(collection)) == ["cut/meet", "cut/meet-2", "masked.mp4"]
    assert cut_collection(collection, dives_of(collection), tiny_analyser, lambda step, done: None) == 0


def test_a_stop_between_two_dives_leaves_a_whole_collection(collection, tiny_analyser):
    def stop(step, done):
        if done > 0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_collection(collection, dives_of(collection), tiny_analyser, stop)
    assert [dive.id for dive in dives_of(collection).values()] == ["cut/meet", "meet.mp4#30", "masked.mp4"]
    assert (collection / "meet.mp4").is_file()
