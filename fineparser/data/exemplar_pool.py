"""Choice of exemplars: the scored dives that a dive is compared with.

FineParser compares dives of the same number. Without one, the nearest number is used: by group, then somersaults,
twists, position and height. Every choice records the rule that made it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fineparser.data.dives import Card, DataError
from fineparser.domain.dive_code import DiveCode

SAME_NUMBER = "same dive number"
NEAREST_NUMBER = "nearest dive number"
NEAREST_DIFFICULTY = "nearest difficulty"
ANY_DIVE = "any dive"


@dataclass(frozen=True)
class ExemplarChoice:
    """Exemplar chosen for a dive, and the rule."""

    query: str
    """Id of the query dive."""

    exemplar: str
    """Id of the exemplar."""

    index: int
    """Index of the exemplar in its source."""

    rule: str
    """"same dive number", "nearest dive number", "nearest difficulty" or "any dive"."""


def code_distance(
    one: DiveCode, other: DiveCode, one_height: float | None = None, other_height: float | None = None
) -> tuple[float, ...]:
    """Distance of two dives as a tuple to compare by, all zeros for the same dive.

    By group (the direction of twisting and armstand dives counts half a group), then half somersaults, half
    twists, position, and height in metres where both are known.

    >>> code_distance(DiveCode.parse("107B"), DiveCode.parse("105C"), 10, 3)
    (0, 2, 0, 1, 7)
    """
    group = 2 * (one.group != other.group) + ((one.direction, one.flying) != (other.direction, other.flying))
    height = 0.0 if one_height is None or other_height is None else abs(one_height - other_height)
    return (
        group,
        abs(one.half_somersaults - other.half_somersaults),
        abs(one.half_twists - other.half_twists),
        int(one.position != other.position),
        height,
    )


class CardSource(Protocol):
    """Dives from which exemplars are chosen, such as a `DiveSource` or an exemplar bank."""

    @property
    def name(self) -> str: ...

    def __len__(self) -> int: ...

    def card(self, index: int) -> Card: ...


class ExemplarPool:
    """Dives of a source that can be exemplars, indexed for a quick choice.

    Only scored dives are used, unless there are none (masks and transitions can still be trained with such pairs).
    Where several sources are joined, a dive is compared within its own source if that has another dive.
    """

    def __init__(self, source: CardSource) -> None:
        cards = [source.card(index) for index in range(len(source))]
        by_source: dict[str, list[int]] = {}
        for index, card in enumerate(cards):
            by_source.setdefault(card.source, []).append(index)
        self._name = source.name
        self._all = _Group(cards, range(len(cards)))
        self._groups = {
            name: self._all if len(by_source) == 1 else _Group(cards, indices) for name, indices in by_source.items()
        }

    def __len__(self) -> int:
        return len(self._all.usable)

    def choose(self, query: Card, rng: np.random.Generator, count: int = 1) -> list[ExemplarChoice]:
        """Choose up to `count` exemplars for a dive, never the dive itself, in random order.

        Of the same dive number, those of the same height come first. Where no other dive has the number, the nearest
        number is used; where the number is unknown, the difficulty; else any dive. DataError where the source has no
        second dive.
        """
        group = self._groups.get(query.source, self._all)
        if not group.others(group.usable, query):
            group = self._all
        ranked, rule = group.rank(query, rng)
        if not ranked:
            raise DataError(
                f"{self._name}: no dive to compare {query.id} with. Give a source with at least two dives that can "
                "be exemplars."
            )
        return [ExemplarChoice(query.id, group.cards[index].id, index, rule) for index in ranked[:count]]

    def unique_codes(self) -> tuple[str, ...]:
        """Dive numbers that only one dive has: its exemplar has the nearest number."""
        counts: dict[str, int] = {}
        for (code, _), indices in self._all.by_dive.items():
            counts[str(code)] = counts.get(str(code), 0) + len(indices)
        return tuple(sorted(code for code, count in counts.items() if count == 1))


class _Group:
    """Dives that are compared with each other, by dive number and height."""

    def __init__(self, cards: Sequence[Card], indices: Sequence[int]) -> None:
        self.cards = cards
        self.usable = [index for index in indices if cards[index].is_scored] or list(indices)
        self.by_dive: dict[tuple[DiveCode, float | None], list[int]] = {}
        for index in self.usable:
            card = cards[index]
            if card.code is not None:
                self.by_dive.setdefault((card.code, card.height), []).append(index)

    def others(self, indices: Sequence[int], query: Card) -> list[int]:
        """Those of `indices` other than the query."""
        return [
            index for index in indices if (self.cards[index].id, self.cards[index].source) != (query.id, query.source)
        ]

    def rank(self, query: Card, rng: np.random.Generator) -> tuple[list[int], str]:
        """Exemplars by the first rule that has any, best first, and the rule."""
        if query.code is not None:
            if same := self._same_number(query, rng):
                return same, SAME_NUMBER
            if near := self._nearest_number(query, query.code, rng):
                return near, NEAREST_NUMBER
        if query.difficulty is not None and (near := self._nearest_difficulty(query, query.difficulty, rng)):
            return near, NEAREST_DIFFICULTY
        return _shuffled(self.others(self.usable, query), rng), ANY_DIVE

    def _same_number(self, query: Card, rng: np.random.Generator) -> list[int]:
        same_height: list[int] = []
        other_height: list[int] = []
        for (code, height), indices in self.by_dive.items():
            if code == query.code:
                same = query.height is None or height == query.height
                (same_height if same else other_height).extend(self.others(indices, query))
        return _shuffled(same_height, rng) + _shuffled(other_height, rng)

    def _nearest_number(self, query: Card, code: DiveCode, rng: np.random.Generator) -> list[int]:
        distances = {
            dive: code_distance(code, dive[0], query.height, dive[1])
            for dive, indices in self.by_dive.items()
            if self.others(indices, query)
        }
        shortest = min(distances.values(), default=None)
        nearest = [dive for dive, distance in distances.items() if distance == shortest]
        return _shuffled([index for dive in nearest for index in self.others(self.by_dive[dive], query)], rng)

    def _nearest_difficulty(self, query: Card, difficulty: float, rng: np.random.Generator) -> list[int]:
        gaps = {
            index: abs(value - difficulty)
            for index in self.others(self.usable, query)
            if (value := self.cards[index].difficulty) is not None
        }
        shortest = min(gaps.values(), default=0.0)
        # Difficulties are tenths; the margin keeps rounding errors from deciding between equal ones.
        return _shuffled([index for index, gap in gaps.items() if gap < shortest + 1e-6], rng)


def _shuffled(indices: Sequence[int], rng: np.random.Generator) -> list[int]:
    return [indices[place] for place in rng.permutation(len(indices))]
