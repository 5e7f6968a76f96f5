"""Between base and trained weights: the rule by which one of them is chosen."""

import math
from dataclasses import replace

import pytest

from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.training.interpolation import Mixture, best_of

BASE = Score(0.85, 0.4, 0.2)
TRIED = [
    Mixture(0.3, Score(0.848, 0.7, 0.4)),
    Mixture(0.5, Score(0.842, 0.9, 0.5)),
    Mixture(0.8, Score(0.80, 0.95, 0.6)),
    Mixture(1.0, Score(0.75, 0.9, 0.55)),
]


@pytest.mark.parametrize(
    ("allowed", "alpha"),
    [
        pytest.param(0.01, 0.5, id="the best on LEGO signs that keeps the old skill"),
        pytest.param(0.007, 0.5, id="a thousandth beyond the budget is worth much more of the new skill"),
        pytest.param(0.03, 0.5, id="two hundredths beyond it are not worth a tenth"),
        pytest.param(0.2, 0.8, id="with a large budget more training is not better by itself"),
    ],
)
def test_the_budget_decides_how_far_from_the_base_the_weights_go(allowed: float, alpha: float) -> None:
    assert best_of(BASE, TRIED, allowed).alpha == alpha


def test_without_classical_images_the_best_on_lego_signs_is_kept() -> None:
    unseen = [Mixture(m.alpha, replace(m.score, classical_map50_95=math.nan)) for m in TRIED]
    assert best_of(replace(BASE, classical_map50_95=math.nan), unseen, 0.01).alpha == 0.8
    assert unseen[0].facts()["classical_map50_95"] is None


def test_of_mixtures_that_are_as_good_the_nearest_to_the_trained_weights_is_taken() -> None:
    tried = [Mixture(0.4, Score(0.85, 0.9, 0.56)), Mixture(0.8, Score(0.845, 0.9, 0.55)),
             Mixture(1.0, Score(0.84, 0.9, 0.5))]  # fmt: skip
    assert best_of(BASE, tried, 0.01).alpha == 0.8


def test_the_budget_is_not_spent_for_a_tie() -> None:
    tried = [Mixture(0.4, Score(0.841, 0.9, 0.56)), Mixture(0.8, Score(0.8395, 0.9, 0.56))]
    assert best_of(BASE, tried, 0.01).alpha == 0.4


def test_twice_the_budget_is_never_lost_whatever_it_would_bring() -> None:
    tried = [Mixture(0.5, Score(0.84, 0.9, 0.3)), Mixture(0.7, Score(0.832, 0.9, 0.5)),
             Mixture(0.9, Score(0.82, 0.9, 0.8))]  # fmt: skip
    assert best_of(BASE, tried, 0.01).alpha == 0.7
    assert best_of(BASE, tried[2:], 0.01).alpha == 0.9, "there is no choice"
