"""The list against domain.md's own words: FineDiving's action types and the numbers named beside them."""

from collections import Counter

from fineparser.exemplars.usual_dives import usual_dives
from fineparser.domain.difficulty import difficulty

# shared/domain.md, "Action types known" and the numbers named elsewhere in it
NAMED = """101b 103b 105b 107b 107c 109b 109c 205b 205c 207b 207c 303c 305c 307c 401b 403b 405b 405c 407b 407c 409c
5132d 5152b 5154b 5156b 5172b 5231d 5233d 5235d 5237d 5251b 5253b 5255b 5331d 5335d 5337d 5353b 5355b 612b 614b 6142d
6241b 6243d 6245d 626b 626c 636c 209b 209c 305b""".upper().split()


def test_every_number_of_the_domain_is_there():
    numbers = {str(code) for code, _ in usual_dives()}
    assert set(NAMED) <= numbers


def test_every_dive_exists_and_stands_once():
    dives = usual_dives()
    assert len(dives) == len(set(dives))
    assert all(difficulty(code, height) > 0 for code, height in dives)
    assert all(height >= 5 for code, height in dives if code.armstand)
    assert set(Counter(height for _, height in dives)) == {1, 3, 5, 7.5, 10}


def test_hard_dives_are_not_dived_from_low_heights():
    heights = {}
    for code, height in usual_dives():
        heights.setdefault(str(code), []).append(height)
    assert heights["103B"] == [1, 3, 5, 7.5, 10]
    assert heights["109C"] == [3, 10]
    assert heights["626B"] == [10]
