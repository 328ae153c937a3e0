"""Status lines: texts are escaped, and errors keep their message."""

import pytest

from fineparser.ui.background_tasks import TaskProgress
from fineparser.ui.components import error_html, error_text, note_html, progress_html, progress_update, warning_html


@pytest.mark.parametrize("html", [error_html, note_html, warning_html])
def test_texts_are_escaped(html):
    assert "&lt;script&gt;" in html("<script>")


def test_a_message_is_unchanged():
    assert error_text(ValueError("as it is")) == "as it is"


def test_progress_is_a_bar_with_the_name_of_the_stage():
    text = progress_html("Reading <clip>", 0.256)
    assert "Reading &lt;clip&gt;" in text
    assert 'value="0.26"' in text
    assert progress_update(TaskProgress("Reading <clip>", 0.256)) == text
    assert progress_update(None)["__type__"] == "update"
