"""The description of a dive, the examples, and the scan of an upload."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from fineparser.data.example_clips import EXAMPLES
from fineparser.domain.standards import Standard
from fineparser.ui.components import error_text
from fineparser.ui.input_panel import (
    STANDARD_CHOICES,
    DiveInputs,
    DiveValues,
    clip_html,
    dive_choices,
    dive_html,
    example_updates,
    known_standard,
    scan_upload,
)
from fineparser.video.info import VideoError
from tests.ui.conftest import placeholder_panel


@pytest.mark.parametrize(
    ("code", "height", "difficulty", "text"),
    [
        ("5253b", "10", None, "difficulty <b>3.2</b>"),
        ("207C", "3", 4.1, "your difficulty <b>4.1</b>"),
        ("107A", "3", None, "Nearest"),
        ("hello", "3", None, "hello"),
        ("103B", "3", 99, "between 0.5 and 6"),
        ("  ", "3", None, "No dive number yet"),
        (None, None, None, "No dive number yet"),
        ("103B", None, None, "Choose the height"),
        ("hello", None, None, "hello"),
    ],
)
def test_a_dive_is_checked_at_once(code, height, difficulty, text):
    assert text in dive_html(DiveValues(code=code, height=height, difficulty=difficulty))


def test_the_answer_to_who_judges_becomes_a_standard():
    assert [known_standard(answer) for _, answer in STANDARD_CHOICES] == [None, *Standard]
    assert known_standard(None) is None


def test_input_is_escaped():
    assert "<img" not in dive_html(DiveValues(code="<img src=x>", height="3", difficulty=None))


def test_every_choice_is_a_dive_with_its_name():
    choices = dict((value, label) for label, value in dive_choices())
    assert len(choices) == len(dive_choices()) > 300
    assert choices["103B"].endswith("forward 1 1/2 somersaults, pike")


def test_an_example_fills_in_clip_and_dive():
    dive = placeholder_panel(DiveInputs)
    for example in EXAMPLES:
        updates = example_updates(example, "clip", dive)()
        assert updates["clip"] == str(example.path)
        values = SimpleNamespace(code=updates["code"], height=updates["height"], difficulty=updates["difficulty"])
        assert f"difficulty <b>{example.plan().difficulty:g}</b>" in dive_html(values)


def test_an_unusable_upload_is_named_without_its_folder_and_stays(tmp_path):
    path = tmp_path / "dive.mp4"
    path.write_text("not a video")
    with pytest.raises(VideoError) as caught:
        scan_upload(path)
    assert path.is_file()  # another visitor may have uploaded the same file to the same path
    text = error_text(caught.value)
    assert text.startswith("dive.mp4 ")
    assert str(tmp_path) not in text


def test_a_clip_is_described_in_a_line(scan):
    assert "160 x 96, 150 frames, 6.00 s, 25 frames per second" in clip_html(scan)
    assert "warning" not in clip_html(scan)
    variable = replace(scan, info=replace(scan.info, timestamps=tuple(range(150)), fps=29.97))
    assert "29.97 frames per second" in clip_html(variable)
    assert "frame rate varies" in clip_html(variable)
