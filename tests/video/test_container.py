"""Containers are recognised by their bytes."""

import pytest

from fineparser.video.container import recognise_container
from fineparser.video.info import VideoError
from tests.video.clips import H264, encode, numbered_frames


def test_transport_streams_with_time_stamps_and_cut_starts(tmp_path):
    plain = encode(tmp_path / "plain.ts", numbered_frames(30), *H264).read_bytes()
    stamped = encode(
        tmp_path / "stamped.ts", numbered_frames(30), *H264, "-f", "mpegts", "-mpegts_m2ts_mode", "1"
    ).read_bytes()
    for data in (plain, stamped, plain[100:], stamped[50:]):
        path = tmp_path / "recording"
        path.write_bytes(data)
        assert recognise_container(path).kind == "mpegts"


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\0\0\0\x14ftyp3gp4", "mp4"),
        (b"\0\0\0\x08wide\0\0", "mp4"),
        (b"\x1aE\xdf\xa3", "matroska"),
        (b"RIFF\0\0\0\0AVI LIST", "avi"),
        (b"GIF89a", "gif"),
        (b"0&\xb2u\x8ef\xcf\x11", "asf"),
        (b"FLV\x01", "flv"),
        (b"OggS\0", "ogg"),
        (b"\0\0\x01\xba", "mpeg"),
    ],
)
def test_first_bytes(tmp_path, head, kind):
    (tmp_path / "clip").write_bytes(head.ljust(64, b"\0"))
    assert recognise_container(tmp_path / "clip").kind == kind


@pytest.mark.parametrize(
    "text", [b"#EXTM3U\n", b"ffconcat version 1.0\n", b"G" * 9000, b"<MPD>", b"[InternetShortcut]"]
)
def test_what_names_other_files_is_no_video(tmp_path, text):
    """A text of the letter G has the sync byte of a transport stream everywhere."""
    (tmp_path / "clip.mp4").write_bytes(text)
    with pytest.raises(VideoError, match="is a text file"):
        recognise_container(tmp_path / "clip.mp4")
