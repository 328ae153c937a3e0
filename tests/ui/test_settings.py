import pytest

from fineparser.ui import settings
from fineparser.ui.settings import PUBLIC_VARIABLE, SPACE_VARIABLE, gpu_function, is_public, on_zero_gpu


@pytest.mark.parametrize(
    ("value", "public"),
    [(None, False), ("", False), ("0", False), ("False", False), (" off ", False), ("1", True), ("true", True)],
)
def test_the_variable_makes_a_page_public(monkeypatch, value, public):
    monkeypatch.delenv(SPACE_VARIABLE, raising=False)
    set_variable(monkeypatch, value)
    assert is_public() is public


@pytest.mark.parametrize("value", [None, "", "0", "false", "1"])
def test_a_space_is_public_whatever_the_variable_says(monkeypatch, value):
    monkeypatch.setenv(SPACE_VARIABLE, "owner/fineparser")
    set_variable(monkeypatch, value)
    assert is_public()


def set_variable(monkeypatch, value: str | None) -> None:
    monkeypatch.delenv(PUBLIC_VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(PUBLIC_VARIABLE, value)


def test_functions_are_wrapped_on_a_zero_gpu_space_only(monkeypatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    assert not on_zero_gpu()
    assert gpu_function(len) is len
    monkeypatch.setenv("SPACES_ZERO_GPU", "1")
    monkeypatch.setattr(settings.importlib.util, "find_spec", lambda name: None)
    assert not on_zero_gpu()  # the variable alone is not enough
