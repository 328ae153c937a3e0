from dataclasses import replace

import pytest

from fineparser.ui.upload import facts, look_through, plain_sentence, problem
from fineparser.video.error import VideoError


def test_what_is_no_clip_is_thrown_away_and_named_without_its_place(tmp_path):
    path = tmp_path / "dive.mp4"
    path.write_text("no pictures in here")
    with pytest.raises(VideoError) as caught:
        look_through(path)
    assert not path.exists()
    sentence = plain_sentence(caught.value)
    assert sentence.startswith("dive.mp4 ")
    assert str(tmp_path) not in sentence


def test_a_clip_in_a_line(survey):
    assert "160 x 96, 150 frames, 6.00 s, 25 frames a second" in facts(survey)
    assert "warning" not in facts(survey)
    jumpy = replace(survey, info=replace(survey.info, timestamps=tuple(range(150)), fps=29.97))
    assert "29.97 frames a second" in facts(jumpy)
    assert "frame rate varies" in facts(jumpy)


def test_a_sentence_is_no_markup():
    assert "&lt;script&gt;" in problem("<script>")
    assert plain_sentence(ValueError("as it is")) == "as it is"
