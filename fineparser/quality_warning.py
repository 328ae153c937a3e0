"""Warnings about a clip or a result: a code and its values. The sentences are in `fineparser.rendering.messages`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class QualityWarning:
    """A reason to trust a result less, or something a person should know about how it was made."""

    code: str
    """Name of the check, such as "diver_not_found"."""
    values: Mapping[str, str | int | float | None] = field(default_factory=dict)
    """Numbers and names that its sentence mentions."""

    def to_json(self) -> dict:
        """Plain values: the code and the values."""
        return {"code": self.code, **self.values}
