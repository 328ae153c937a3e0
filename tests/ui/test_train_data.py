"""Data of the Train tab: what an upload becomes, and what the summary says of it."""

from fineparser.data.dataset_summary import summarise_dataset
from fineparser.data.readers.clip_folder import read_clip_folder
from fineparser.ui.train_data import import_uploads, save_table, summary_html, table_rows
from fineparser.ui.training_storage import TrainingStorage
from tests.data.readers.test_clip_folder import write_video


def test_a_table_with_an_unknown_column_leaves_nothing_out(tmp_path):
    write_video(tmp_path / "Müller.avi")
    table = tmp_path / "dives.csv"
    table.write_bytes("Clip;Athlete;Height;Score\nMÜLLER.avi;Jane;10m platform;60,25\n".encode("cp1252"))
    storage = TrainingStorage(tmp_path / "data")
    name, problems = import_uploads(storage, "club", [str(tmp_path / "Müller.avi"), str(table)])
    assert table_rows(storage, name) == [["Müller.avi", "", "10", "", "60.25", "", "", "", "", "", "", ""]]
    html = summary_html(summarise_dataset(f"clips:{storage.collection(name)}", "everything", 0.0), problems)
    assert "Left out" not in html
    assert "dives.csv, line 1: the column" in html
    assert "passed over" in html


def test_what_is_typed_is_saved_with_the_names_on_the_disk(tmp_path):
    write_video(tmp_path / "a.avi")
    storage = TrainingStorage(tmp_path / "data")
    name, _ = import_uploads(storage, "club", [str(tmp_path / "a.avi")])
    save_table(storage, name, [["A.AVI", "１０５ｂ", "3 m", "2,4", "60,5", "4.0", "", "", "", "", "Club", "meet"]])
    assert table_rows(storage, name) == [["a.avi", "105B", "3", "2.4", "60.5", "4", "", "", "", "", "club", "meet"]]
    (dive,) = read_clip_folder(storage.collection(name))
    assert (str(dive.code), dive.height, dive.difficulty, dive.score, dive.first_frame) == ("105B", 3, 2.4, 60.5, 4)
