"""Between base and trained weights: the rule by which one of them is chosen."""

import math
from dataclasses import replace

import pytest

from legosigns_dagster.core.detector.training_record import InterpolatedWeights
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.training.interpolation import select_best

BASE = Score(0.85, 0.4, 0.2)
TRIED = [
    InterpolatedWeights(0.3, Score(0.848, 0.7, 0.4)),
    InterpolatedWeights(0.5, Score(0.842, 0.9, 0.5)),
    InterpolatedWeights(0.8, Score(0.80, 0.95, 0.6)),
    InterpolatedWeights(1.0, Score(0.75, 0.9, 0.55)),
]


@pytest.mark.parametrize(
    ("allowed", "alpha"),
    [
        pytest.param(0.01, 0.5, id="the best on LEGO signs that keeps the old skill"),
        pytest.param(0.007, 0.5, id="a thousandth beyond the allowed drop is worth much more of the new skill"),
        pytest.param(0.03, 0.5, id="two hundredths beyond it are not worth a tenth"),
        pytest.param(0.2, 0.8, id="with a large allowed drop more training is not better by itself"),
    ],
)
def test_the_allowed_drop_decides_how_far_from_the_base_the_weights_go(allowed: float, alpha: float) -> None:
    assert select_best(BASE, TRIED, allowed).alpha == alpha


def test_without_classical_images_the_best_on_lego_signs_is_kept() -> None:
    unseen = [InterpolatedWeights(m.alpha, replace(m.score, classical_map50_95=math.nan)) for m in TRIED]
    assert select_best(replace(BASE, classical_map50_95=math.nan), unseen, 0.01).alpha == 0.8
    assert unseen[0].as_dict()["classical_map50_95"] is None


def test_of_candidates_that_are_as_good_the_nearest_to_the_trained_weights_is_selected() -> None:
    tried = [InterpolatedWeights(0.4, Score(0.85, 0.9, 0.56)), InterpolatedWeights(0.8, Score(0.845, 0.9, 0.55)),
             InterpolatedWeights(1.0, Score(0.84, 0.9, 0.5))]  # fmt: skip
    assert select_best(BASE, tried, 0.01).alpha == 0.8


def test_no_more_is_lost_for_a_tie() -> None:
    tried = [InterpolatedWeights(0.4, Score(0.841, 0.9, 0.56)), InterpolatedWeights(0.8, Score(0.8395, 0.9, 0.56))]
    assert select_best(BASE, tried, 0.01).alpha == 0.4


def test_twice_the_allowed_drop_is_never_lost_whatever_it_would_bring() -> None:
    tried = [InterpolatedWeights(0.5, Score(0.84, 0.9, 0.3)), InterpolatedWeights(0.7, Score(0.832, 0.9, 0.5)),
             InterpolatedWeights(0.9, Score(0.82, 0.9, 0.8))]  # fmt: skip
    assert select_best(BASE, tried, 0.01).alpha == 0.7
    assert select_best(BASE, tried[2:], 0.01).alpha == 0.9, "there is no choice"
