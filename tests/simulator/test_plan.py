"""Plans of simulated dives."""

from dataclasses import replace

import numpy as np
import pytest

from fineparser.domain.standards import Standard
from fineparser.simulator.athlete.skeleton import JOINT_INDEX
from fineparser.simulator.judges import noise_free_award
from fineparser.simulator.plan import DiveRequest, plan_dive


def test_points_are_projected_to_where_the_diver_is_seen():
    """The pelvis of the pose labels, of a squeezed image with moving camera; a metre up is a metre of them."""
    plan = plan_dive(3, DiveRequest(camera="broadcast", opening=False), split="test")
    plan = replace(plan, style=replace(plan.style, stretch=1.2))
    numbers = np.arange(0, len(plan.times), 9)
    pelvis = plan.motions[0].at(plan.times[numbers]).joints[:, JOINT_INDEX["pelvis"]]
    points = np.stack([pelvis, pelvis + np.array([0.0, 0.0, 0.02])], axis=1)
    pixels = plan.project(points, numbers, 144)
    poses = plan.poses(numbers, 144)
    np.testing.assert_allclose(pixels[:, 0], poses[:, -3:-1] * 144, atol=0.01)
    rise = np.linalg.norm((pixels[:, 1] - pixels[:, 0]) / (1.2, 1.0), axis=1) / 0.02
    # Seen from above, the vertical is foreshortened.
    assert (rise <= poses[:, -1] * 144 * 1.02).all()
    assert (rise >= poses[:, -1] * 144 * 0.5).all()


def test_repeated_pictures_are_projected_alike():
    plans = (plan_dive(seed, DiveRequest(camera="static", amateur=True, opening=False)) for seed in range(50))
    plan = next(plan for plan in plans if len(np.unique(plan.times)) < len(plan.times))
    numbers = np.arange(len(plan.times))
    pelvis = plan.motions[0].at(plan.times).joints[:, JOINT_INDEX["pelvis"]][:, None]
    np.testing.assert_allclose(
        plan.project(pelvis, numbers, 112)[:, 0], plan.poses(numbers, 112)[:, -3:-1] * 112, atol=0.01
    )


def test_competition_dives_are_international_and_amateurs_are_not():
    """Of dives whose number and height are sampled."""
    usual = [plan_dive(seed, DiveRequest(camera="broadcast", opening=False, synchro=False)) for seed in range(30)]
    standards = [plan.standard for plan in usual if plan.height == 10]
    assert standards.count(Standard.INTERNATIONAL) > 0.8 * len(standards) > 5
    amateurs = [plan_dive(seed, DiveRequest(amateur=True, opening=False)).standard for seed in range(12)]
    assert set(amateurs) == {Standard.NATIONAL, Standard.CLUB}


def test_a_standard_has_its_awards():
    means = {
        standard: np.mean(
            [
                plan_dive(seed, DiveRequest(code="103B", height=3, standard=standard, opening=False)).noise_free_award
                for seed in range(25)
            ]
        )
        for standard in (Standard.INTERNATIONAL, Standard.CLUB)
    }
    assert means[Standard.INTERNATIONAL] > means[Standard.CLUB] + 0.5


def test_a_level_is_given_instead_of_a_standard():
    assert plan_dive(1, DiveRequest(level=0.5, opening=False)).standard is None
    with pytest.raises(ValueError, match=r"level 0\.5 and standard club"):
        plan_dive(1, DiveRequest(level=0.5, standard=Standard.CLUB))


def test_partners_are_about_as_good_as_each_other():
    plans = [plan_dive(seed, DiveRequest(code="107B", height=3, synchro=True, opening=False)) for seed in range(25)]
    first, second = (np.array([noise_free_award(plan.faults[diver]) for plan in plans]) for diver in (0, 1))
    assert np.corrcoef(first, second)[0, 1] > 0.6
    assert 0.2 < np.std(first - second) < 0.8
