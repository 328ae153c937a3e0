"""Warnings about a clip or a result: a code and its values. The sentences are in `fineparser.rendering.messages`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = str | int | float | None | tuple[int, ...]


@dataclass(frozen=True)
class QualityWarning:
    """A reason to trust a result less, or something a person should know about how it was made."""

    code: str
    """Name of the check, such as "diver_not_found"."""
    values: Mapping[str, Value] = field(default_factory=dict)
    """Numbers and names that its sentence mentions."""

    def to_json(self) -> dict[str, str | int | float | list[int] | None]:
        """Plain values: the code and the values."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in self.values.items()}
        return {"code": self.code, **plain}
