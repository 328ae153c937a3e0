import pytest

from fineparser.ui.public import VARIABLE, is_public


@pytest.mark.parametrize(
    ("value", "public"),
    [(None, False), ("", False), ("0", False), ("False", False), (" off ", False), ("1", True), ("true", True)],
)
def test_a_page_is_public_where_the_variable_says_so(monkeypatch, value, public):
    monkeypatch.delenv(VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    assert is_public() is public
