import numpy as np
import pytest
from scipy.stats import ks_2samp, spearmanr

from fineparser.domain.dive_code import DiveCode
from fineparser.exemplars.exemplar import Exemplar
from fineparser.exemplars.simulated_exemplars import (
    graded_recipes,
    plan_exemplar,
    render_exemplar_clip,
    representatives,
    simulate_exemplar,
    typical_recipe,
)
from fineparser.simulator.faults import sample_level
from fineparser.video.reader import open_source

CODE = DiveCode.parse("103B")


def test_quality_is_graded():
    plans = [plan_exemplar(CODE, 3, recipe) for recipe in graded_recipes(CODE, 3, 10)]
    assert spearmanr([plan.score for plan in plans], range(10)).statistic > 0.7
    assert max(plan.score for plan in plans) - min(plan.score for plan in plans) > 10
    assert not any(plan.synchro for plan in plans)


def test_typical_dives_have_the_levels_of_competitors():
    levels = [typical_recipe(CODE, 3, seed).level for seed in range(400)]
    sampled = [sample_level(np.random.default_rng(1000 + seed), CODE, 3) for seed in range(400)]
    assert ks_2samp(levels, sampled).pvalue > 0.01
    assert typical_recipe(CODE, 3, 7) == typical_recipe(CODE, 3, 7) != typical_recipe(CODE, 1, 7)


def test_a_recipe_gives_the_same_dive_again():
    recipe = graded_recipes(CODE, 1, 3)[2]
    first, again = (simulate_exemplar("one", CODE, 1, recipe, 112) for _ in range(2))
    assert first.exemplar == again.exemplar
    assert (first.frames == again.frames).all()
    assert first.exemplar.score == plan_exemplar(CODE, 1, recipe, camera="broadcast").score
    assert first.frames.shape == (96, 112, 112, 3)


def test_representatives_are_chosen_by_score():
    assert representatives(range(9)) == (1, 4, 7)
    assert representatives([3.0, 1.0, 2.0]) == (1, 2, 0)
    assert representatives([5.0]) == (0,)


def test_the_clip_shows_the_dive_with_its_phases(tmp_path):
    recipe = graded_recipes(CODE, 1, 3)[1]
    exemplar = simulate_exemplar("one", CODE, 1, recipe, 112).exemplar
    clip = render_exemplar_clip(exemplar, tmp_path / "one.mp4")
    with open_source(clip.path) as source:
        info = source.info
        frames = source.read([clip.flight, clip.entry])
    assert (info.width, info.height, info.fps) == (276, 208, 25)
    assert clip.last == info.frame_count - 1
    assert clip.path.stat().st_size < 250_000
    # Flights last 0.98 to 1.23 s from 1 m ; beginners in the simulator stay a little shorter.
    assert 0.7 < (clip.entry - clip.flight) / 25 < 1.4
    assert np.abs(frames[0].astype(int) - frames[1]).mean() > 3
    with pytest.raises(ValueError, match="no simulated dive"):
        render_exemplar_clip(Exemplar("mine", CODE, 1, 1.7, 30.0, "own dives"), tmp_path / "two.mp4")
