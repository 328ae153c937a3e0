"""Endpoints for programs: what is checked before a call waits in line, and what happens to the files."""

import inspect
from pathlib import Path

import gradio as gr
import pytest

from fineparser.analysis.crop_choice import CENTRE, DIVER
from fineparser.domain.standards import Standard
from fineparser.ui import api
from fineparser.ui.background_tasks import TaskRunner

CLIP = "clip.mp4"


def problems(function, *values) -> list[str]:
    """Sentences of a check, each with the name of its input."""
    names = inspect.signature(function).parameters
    answers = zip(names, function(*values), strict=True)
    return [f"{name}: {answer['message']}" for name, answer in answers if not answer["is_valid"]]


@pytest.mark.parametrize(
    ("code", "height", "difficulty", "crop", "name", "text"),
    [
        ("107A", "3", None, DIVER, "code", "107B"),
        ("nonsense", "3", None, DIVER, "code", "nonsense"),
        ("nonsense", "", None, DIVER, "code", "nonsense"),
        ("", "4", None, DIVER, "height", "4"),
        ("103B", "many", None, DIVER, "height", "many"),
        ("103B", "3", 99, DIVER, "difficulty", "between 0.5 and 6"),
        ("103B", "3", float("nan"), DIVER, "difficulty", "between 0.5 and 6"),
        ("103B", "3", None, "left", "crop", "left"),
    ],
)
def test_an_impossible_value_is_named(code, height, difficulty, crop, name, text):
    (problem,) = problems(api.check_analysis, CLIP, code, height, difficulty, None, None, crop, 0, False, "")
    assert problem.startswith(f"{name}: ")
    assert text in problem
    if crop == DIVER and difficulty is None:
        assert problems(api.check_inspection, CLIP, code, height, None, None) == [problem]


@pytest.mark.parametrize("field", ["code", "height", "crop"])
@pytest.mark.parametrize("text", ["x" * 5000, "9" * 5000, "105B" * 2000, "\n" * 3000])
def test_a_long_value_is_not_repeated_whole(field, text):
    values = {"code": "103B", "height": "3", "crop": DIVER} | {field: text}
    (problem,) = problems(
        api.check_analysis, CLIP, values["code"], values["height"], None, None, None, values["crop"], None, False, None
    )
    assert len(problem) < 400


@pytest.mark.parametrize(
    ("code", "height", "difficulty", "crop"),
    [
        ("", "", None, ""),
        (None, None, None, None),
        ("207C", "10", 0, DIVER),
        ("207c", "10 m", 3.3, CENTRE),
        ("", "3", None, DIVER),
    ],
)
def test_possible_and_missing_values_pass(code, height, difficulty, crop):
    assert problems(api.check_analysis, CLIP, code, height, difficulty, 3, 40, crop, 0, False, None) == []
    assert problems(api.check_inspection, CLIP, code, height, 3, 40) == []


def test_a_dive_is_chosen_by_its_number_or_by_its_frames():
    assert problems(api.check_analysis, CLIP, "", "", None, None, None, DIVER, 2, True, "") == []
    (problem,) = problems(api.check_analysis, CLIP, "", "", None, 3, None, DIVER, 2, False, "")
    assert problem.startswith("dive: ")


@pytest.mark.parametrize("standard", [*Standard, "", None])
def test_the_standard_is_one_of_three_or_not_known(standard):
    assert problems(api.check_analysis, CLIP, "", "", None, None, None, DIVER, 0, False, standard) == []


@pytest.mark.parametrize("standard", ["Olympic", "Club", " club", "x" * 5000])
def test_another_standard_is_refused_in_short(standard):
    (problem,) = problems(api.check_analysis, CLIP, "", "", None, None, None, DIVER, 0, False, standard)
    assert problem.startswith('standard: The standard is one of "international", "national", "club", not ')
    assert len(problem) < 400


def test_a_missing_clip_is_asked_for():
    assert problems(api.check_analysis, None, "", "", None, None, None, "", 0, False, "") == [
        "clip: Give a clip as an uploaded file."
    ]
    assert problems(api.check_inspection, None, "", "", None, None) == ["clip: Give a clip as an uploaded file."]


def test_the_folder_goes_when_a_call_ends_however_it_ends(user_home):
    folders = []

    def work(folder: Path, progress) -> str:
        folders.append(folder)
        (folder / "report.json").write_text("{}")
        if len(folders) == 2:
            raise ValueError("the dive is impossible")
        return "report"

    assert list(api.run_on_upload(TaskRunner(), work)) == ["report"]
    with pytest.raises(gr.Error, match="the dive is impossible"):
        list(api.run_on_upload(TaskRunner(), work))
    assert [folder.exists() for folder in folders] == [False, False]
