"""Which scored dive a dive is compared with.

FineParser compares dives of the same number. Where there is none, the nearest one stands in: by group, then
somersaults, twists, position and height. Every choice says how it came about.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fineparser.data.dives import Card, DataError, DiveSource
from fineparser.domain.dive_code import DiveCode

SAME_NUMBER = "same dive number"
NEAREST_NUMBER = "nearest dive number"
NEAREST_DIFFICULTY = "nearest difficulty"
ANY_DIVE = "any dive"


@dataclass(frozen=True)
class ExemplarChoice:
    """Which dive was chosen as the exemplar of which, and why."""

    query: str
    """Id of the dive that is judged."""

    exemplar: str
    """Id of the dive that it is compared with."""

    index: int
    """The exemplar's place in its source."""

    rule: str
    """"same dive number", "nearest dive number", "nearest difficulty" or "any dive"."""

    reason: str
    """The rule with its particulars, for people."""


def code_distance(
    one: DiveCode, other: DiveCode, one_height: float | None = None, other_height: float | None = None
) -> tuple[float, ...]:
    """How far two dives are from each other; compares as a tuple, all zeros for the same dive.

    By group (the direction of twisting and armstand dives counts half a group), then half somersaults, half
    twists, position, and height in metres where both are known.

    >>> code_distance(DiveCode.parse("107B"), DiveCode.parse("105C"), 10, 3)
    (0, 2, 0, 1, 7)
    """
    group = 2 * (one.group != other.group) + ((one.direction, one.flying) != (other.direction, other.flying))
    height = 0.0 if None in (one_height, other_height) else abs(one_height - other_height)
    return (
        group,
        abs(one.half_somersaults - other.half_somersaults),
        abs(one.half_twists - other.half_twists),
        int(one.position != other.position),
        height,
    )


class ExemplarPool:
    """The dives of a source that can be exemplars, sorted so that choosing is quick.

    Only scored dives are taken, unless there are none (masks and transitions can still be learnt from such pairs).
    Where several sources are joined, a dive is compared within its own source if that has another dive.
    """

    def __init__(self, source: DiveSource):
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
        """Up to `count` exemplars for a dive, never the dive itself, in an order drawn by `rng`.

        Of the same dive number, those of the same height come first. Where no other dive has the number, the
        nearest number stands in; where the number is not known, the difficulty; else any dive. DataError
        where the source has no second dive.
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
        return [
            ExemplarChoice(query.id, group.cards[index].id, index, rule, _reason(rule, query, group.cards[index]))
            for index in ranked[:count]
        ]

    def lonely_numbers(self) -> tuple[str, ...]:
        """The dive numbers that only one dive has: its exemplar is the nearest number."""
        counts: dict[str, int] = {}
        for (code, _), indices in self._all.by_dive.items():
            counts[str(code)] = counts.get(str(code), 0) + len(indices)
        return tuple(sorted(number for number, count in counts.items() if count == 1))


class _Group:
    """Dives that may be compared with each other, by dive number and height."""

    def __init__(self, cards: Sequence[Card], indices: Sequence[int]):
        self.cards = cards
        self.usable = [index for index in indices if cards[index].is_scored] or list(indices)
        self.by_dive: dict[tuple[DiveCode, float | None], list[int]] = {}
        for index in self.usable:
            card = cards[index]
            if card.code is not None:
                self.by_dive.setdefault((card.code, card.height), []).append(index)

    def others(self, indices: Sequence[int], query: Card) -> list[int]:
        """Those of `indices` that are not the query itself."""
        return [
            index for index in indices if (self.cards[index].id, self.cards[index].source) != (query.id, query.source)
        ]

    def rank(self, query: Card, rng: np.random.Generator) -> tuple[list[int], str]:
        """The exemplars that the first rule to find any finds, best first, and the rule."""
        if query.code is not None:
            if same := self._same_number(query, rng):
                return same, SAME_NUMBER
            if near := self._nearest_number(query, rng):
                return near, NEAREST_NUMBER
        if query.difficulty is not None and (near := self._nearest_difficulty(query, rng)):
            return near, NEAREST_DIFFICULTY
        return _shuffled(self.others(self.usable, query), rng), ANY_DIVE

    def _same_number(self, query: Card, rng: np.random.Generator) -> list[int]:
        same_height, other_height = [], []
        for (code, height), indices in self.by_dive.items():
            if code == query.code:
                same = query.height is None or height == query.height
                (same_height if same else other_height).extend(self.others(indices, query))
        return _shuffled(same_height, rng) + _shuffled(other_height, rng)

    def _nearest_number(self, query: Card, rng: np.random.Generator) -> list[int]:
        distances = {
            dive: code_distance(query.code, dive[0], query.height, dive[1])
            for dive, indices in self.by_dive.items()
            if self.others(indices, query)
        }
        shortest = min(distances.values(), default=None)
        nearest = [dive for dive, distance in distances.items() if distance == shortest]
        return _shuffled([index for dive in nearest for index in self.others(self.by_dive[dive], query)], rng)

    def _nearest_difficulty(self, query: Card, rng: np.random.Generator) -> list[int]:
        gaps = {
            index: abs(self.cards[index].difficulty - query.difficulty)
            for index in self.others(self.usable, query)
            if self.cards[index].difficulty is not None
        }
        shortest = min(gaps.values(), default=0.0)
        # Difficulties are tenths; a hair's breadth keeps float noise from deciding between equals.
        return _shuffled([index for index, gap in gaps.items() if gap < shortest + 1e-6], rng)


def _shuffled(indices: Sequence[int], rng: np.random.Generator) -> list[int]:
    return [indices[place] for place in rng.permutation(len(indices))]


def _reason(rule: str, query: Card, exemplar: Card) -> str:
    if rule == SAME_NUMBER:
        if None in (query.height, exemplar.height) or query.height == exemplar.height:
            return f"{rule}, {exemplar.code}"
        return f"{rule}, {exemplar.code}, from {exemplar.height:g} m instead of {query.height:g} m"
    if rule == NEAREST_NUMBER:
        return f"{rule}: {exemplar.code} for {query.code}, of which there is no other"
    if rule == NEAREST_DIFFICULTY:
        return f"{rule}: {exemplar.difficulty:g} for {query.difficulty:g}, the dive number being unknown"
    return f"{rule}: neither the dive number nor the difficulty can be compared"
