"""Between base and trained weights: the rule by which one of them is chosen."""

import math

import pytest

from legosigns_dagster.core.interpolation import Mixture, best_of

BASE = Mixture(0.0, 0.85, 0.4, 0.2)
TRIED = [
    Mixture(0.3, 0.848, 0.7, 0.4),
    Mixture(0.5, 0.842, 0.9, 0.5),
    Mixture(0.8, 0.80, 0.95, 0.6),
    Mixture(1.0, 0.75, 0.9, 0.55),
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


def test_without_classical_images_the_trained_weights_are_kept() -> None:
    unknown = [Mixture(m.alpha, math.nan, m.lego_map50, m.lego_map50_95) for m in (BASE, *TRIED)]
    assert best_of(unknown[0], unknown[1:], 0.01).alpha == 1.0
    assert unknown[0].facts()["classical_map50_95"] is None
