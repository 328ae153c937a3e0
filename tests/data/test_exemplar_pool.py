"""Which exemplar is chosen, and why."""

import numpy as np
import pytest

from fineparser.data.dives import Card, DataError, DiveList
from fineparser.data.exemplar_pool import ExemplarPool, code_distance
from fineparser.domain.dive_code import DiveCode


def parse(code):
    return DiveCode.parse(code)


@pytest.fixture
def pool(make_dive):
    def build(*dives):
        """Each dive is (id, code, height, difficulty, score)."""
        return ExemplarPool(
            DiveList(
                "clips:x",
                tuple(
                    make_dive(name, code, height=height, difficulty=difficulty, score=score)
                    for name, code, height, difficulty, score in dives
                ),
            )
        )

    return build


def names(choices):
    return [choice.exemplar for choice in choices]


def rng(seed=0):
    return np.random.default_rng(seed)


def test_the_same_number_is_preferred(pool):
    dives = pool(("a", "107B", 10, 3.0, 80.0), ("b", "107C", 10, 2.7, 70.0), ("c", "107B", 10, 3.0, 60.0))
    (choice,) = dives.choose(Card("a", parse("107B"), 10, source="constant"), rng())
    assert (choice.query, choice.exemplar, choice.index) == ("a", "c", 2)
    assert choice.rule == "same dive number"


def test_a_dive_is_never_its_own_exemplar(pool):
    dives = pool(*[(name, "107B", 10, 3.0, 80.0) for name in "abc"])
    for seed in range(30):
        assert sorted(names(dives.choose(Card("b", parse("107B"), 10, source="constant"), rng(seed), count=5))) == [
            "a",
            "c",
        ]


def test_the_same_height_comes_first(pool):
    dives = pool(("low", "107B", 3, 3.1, 80.0), ("high", "107B", 10, 3.0, 60.0))
    for seed in range(10):
        choices = dives.choose(Card("q", parse("107B"), 10), rng(seed), count=2)
        assert names(choices) == ["high", "low"]
    assert choices[1].rule == "same dive number"


def test_the_choice_is_seeded_and_reaches_every_dive(pool):
    dives = pool(*[(f"d{index}", "107B", 10, 3.0, 80.0) for index in range(6)])
    query = Card("d0", parse("107B"), 10, source="constant")
    assert names(dives.choose(query, rng(5), 3)) == names(dives.choose(query, rng(5), 3))
    drawn = {names(dives.choose(query, rng(seed)))[0] for seed in range(60)}
    assert drawn == {"d1", "d2", "d3", "d4", "d5"}


@pytest.mark.parametrize(
    ("query", "height", "others", "expected"),
    [
        # group before everything else
        ("107B", 10, [("105C", 3), ("207B", 10)], "105C"),
        # then somersaults before the position
        ("107B", 10, [("105B", 10), ("107C", 3)], "107C"),
        # then twists before the position
        ("5253B", 10, [("5255B", 10), ("5253C", 10)], "5253C"),
        # then the position before the height
        ("405B", 10, [("405C", 10), ("405B", 3)], "405B"),
        # a twister's direction is half a group
        ("5253B", 10, [("5353B", 10), ("5255B", 10)], "5255B"),
        ("5253B", 10, [("5353B", 10), ("205B", 10)], "5353B"),
        # a flying dive is further than the same one not flying
        ("105B", 3, [("113B", 3), ("103B", 3)], "103B"),
    ],
)
def test_the_nearest_number_stands_in(pool, query, height, others, expected):
    dives = pool(*[(f"{code} {at}", code, at, 3.0, 70.0) for code, at in others])
    (choice,) = dives.choose(Card("q", parse(query), height), rng())
    assert choice.exemplar.split()[0] == expected
    if expected != query:
        assert choice.rule == "nearest dive number"


def test_equally_near_dives_are_chosen_at_random(pool):
    dives = pool(("a", "105B", 10, 2.3, 70.0), ("b", "109B", 10, 4.1, 70.0), ("c", "103B", 10, 1.6, 70.0))
    drawn = {names(dives.choose(Card("q", parse("107B"), 10), rng(seed)))[0] for seed in range(30)}
    assert drawn == {"a", "b"}


def test_without_a_number_the_difficulty_decides(pool):
    dives = pool(("a", None, None, 3.0, 70.0), ("b", None, None, 3.4, 70.0), ("c", "107B", 10, None, 60.0))
    (choice,) = dives.choose(Card("q", difficulty=3.3), rng())
    assert choice.exemplar == "b"
    assert choice.rule == "nearest difficulty"


def test_with_nothing_known_any_dive_will_do(pool):
    dives = pool(("a", "107B", 10, 3.0, 70.0), ("q", None, None, None, 60.0))
    (choice,) = dives.choose(Card("q", source="constant"), rng())
    assert choice.exemplar == "a"
    assert choice.rule == "any dive"


def test_dives_without_a_score_are_no_exemplars_unless_none_has_one(pool):
    dives = pool(("a", "107B", 10, 3.0, None), ("b", "105B", 10, 2.3, 60.0))
    assert len(dives) == 1
    assert names(dives.choose(Card("q", parse("107B"), 10), rng())) == ["b"]
    unscored = pool(("a", "107B", 10, 3.0, None), ("b", "105B", 10, 2.3, None))
    assert names(unscored.choose(Card("q", parse("107B"), 10), rng())) == ["a"]


def test_a_source_without_a_second_dive_is_named(pool):
    dives = pool(("a", "107B", 10, 3.0, 70.0))
    with pytest.raises(DataError, match="clips:x: no dive to compare a with"):
        dives.choose(Card("a", parse("107B"), 10, source="constant"), rng())


def test_unique_codes_are_those_of_one_dive(pool):
    dives = pool(
        ("a", "107B", 10, 3.0, 70.0),
        ("b", "107B", 3, 3.1, 70.0),
        ("c", "105B", 10, 2.3, 60.0),
        ("d", None, None, None, 60.0),
    )
    assert dives.unique_codes() == ("105B",)


def test_the_distance_is_symmetric_and_zero_for_the_same_dive():
    assert code_distance(parse("5253B"), parse("5253B"), 10, 10) == (0, 0, 0, 0, 0)
    assert code_distance(parse("107B"), parse("6243D"), 3, 10) == code_distance(parse("6243D"), parse("107B"), 10, 3)


def test_joined_sources_are_compared_within_themselves(make_dive):
    dives = [
        make_dive(name, "107B", height=10, score=70.0, source=source)
        for name, source in [("a", "FineDiving"), ("a", "SynDive"), ("b", "SynDive"), ("b", "club")]
    ]
    joined = ExemplarPool(DiveList("joined", tuple(dives)))
    for seed in range(20):
        (choice,) = joined.choose(dives[1].card, rng(seed))
        assert choice.index == 2
    # The only dive of its source, and one of a source that is not there, are compared with any.
    for query, expected in ((dives[3].card, {0, 1, 2}), (Card("q", parse("107B"), 10, source="x"), {0, 1, 2, 3})):
        assert {joined.choose(query, rng(seed))[0].index for seed in range(40)} == expected
