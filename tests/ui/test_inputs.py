import pytest

from fineparser.data.example_clips import EXAMPLES
from fineparser.ui.inputs import chosen_example, dive_choices, dive_sentence


@pytest.mark.parametrize(
    ("number", "height", "own", "told"),
    [
        ("5253b", "10", None, "difficulty <b>3.2</b>"),
        ("207C", "3", 4.1, "own difficulty <b>4.1</b>"),
        ("107A", "3", None, "Nearest"),
        ("hello", "3", None, "hello"),
        ("103B", "3", 99, "between 0.5 and 6"),
        ("  ", "3", None, "No dive number yet"),
        (None, "3", None, "No dive number yet"),
    ],
)
def test_a_number_is_checked_at_once(number, height, own, told):
    assert told in dive_sentence(number, height, own)


def test_what_is_typed_is_no_markup():
    assert "<img" not in dive_sentence("<img src=x>", "3", None)


def test_every_choice_is_a_dive_with_its_name():
    choices = dict((value, label) for label, value in dive_choices())
    assert len(choices) == len(dive_choices()) > 300
    assert choices["103B"].endswith("forward 1 1/2 somersaults, pike")


def test_an_example_fills_everything_in():
    for example in EXAMPLES:
        path, code, height, own = chosen_example(example)()
        assert path == str(example.path)
        assert f"difficulty <b>{example.plan().difficulty:g}</b>" in dive_sentence(code, height, own)
