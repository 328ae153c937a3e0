"""Names in tables against those on the disk."""

import unicodedata

import pytest

from fineparser.data.file_names import FolderFiles, NameIndex, is_absolute

COMPOSED, DECOMPOSED = (unicodedata.normalize(form, "Müller.mp4") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("name", "on_disk"),
    [
        ("sub\\a.mp4", "sub/a.mp4"),
        ("sub/a.mp4", "sub\\a.mp4"),  # unpacked by a program that takes Windows' separator for a letter
        ("./sub//a.mp4", "sub/a.mp4"),
        (COMPOSED, DECOMPOSED),
        (DECOMPOSED, COMPOSED),
        ("MÜLLER.MP4", DECOMPOSED),
        ("a.mp4", "sub/deep/a.mp4"),
        ("Sub\\A.mp4", "day/sub/a.MP4"),
        ("C:\\Users\\jo\\Videos\\sub\\a.mp4", "sub/a.mp4"),
        ("C:\\Users\\jo\\a.mp4", "a.mp4"),
        ("/home/jo/sub/a.mp4", "a.mp4"),
        ("sub/a.mp4", "a.mp4"),
        ("a", "a.mp4"),
        ("ａ１.mp4", "a1.mp4"),
        ("Dive #3; final.mp4", "Dive 3 final.mp4"),
        ("sub", "sub/a.mp4"),
    ],
)
def test_a_name_finds_its_file(tmp_path, name, on_disk):
    file = tmp_path / on_disk
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch()
    (tmp_path / "other.mp4").touch()
    expected = file.parent if name == "sub" else file
    assert FolderFiles(tmp_path).find(name, "clip", (".mp4",)) == expected


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone.mp4", "clip 'gone.mp4' does not exist: correct the name"),
        ("day2/a.mp4", "clip 'day2/a.mp4' does not exist"),
        ("../a.mp4", "leads out of the folder; put the file into it"),
        ("D:\\gone.mp4", "leads out of the folder"),
        ("A.mp4", "clip 'A.mp4' could be 'day1/a.mp4' or 'day3/a.mp4': write the name as it is on the disk"),
        ("b.MP4", "could be 'B.mp4' or 'b.mp4'"),
        ("x" * 5000, r"clip 'x{76}\.\.\. does not exist"),
        ("a\0.mp4", "does not exist"),
    ],
)
def test_a_name_without_one_file_gets_the_reason(tmp_path, name, reason):
    for path in ("club/day1/a.mp4", "club/day3/a.mp4", "club/B.mp4", "club/b.mp4", "a.mp4"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    with pytest.raises(ValueError, match=reason):
        FolderFiles(tmp_path / "club").find(name, "clip")


def test_the_name_in_the_same_case_comes_first():
    index = NameIndex(["B.mp4", "b.mp4", "sub/B.mp4"])
    assert (index.find("B.mp4"), index.find("b.mp4"), index.find("B.mp4", "sub")) == ("B.mp4", "b.mp4", "sub/B.mp4")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "club").mkdir()
    (tmp_path / "secret.mp4").touch()
    (tmp_path / "club" / "Link.mp4").symlink_to(tmp_path / "secret.mp4")
    for name in ("Link.mp4", "link.mp4"):
        with pytest.raises(ValueError, match="leads out of the folder"):
            FolderFiles(tmp_path / "club").find(name, "clip")


def test_paths_from_the_root_of_a_disk_are_absolute():
    assert all(map(is_absolute, ("/a", "\\a", "C:\\a", "c:/a", "\\\\server\\a")))
    assert not any(map(is_absolute, ("a", "a/b", "a:b", "..\\a")))
