"""The rule by which an epoch and a mixture are chosen, and when a training has learned enough."""

import math
from pathlib import Path

import pytest

from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.detectors.ultralytics.epoch_monitor import Plateau
from legosigns_dagster_tests.support.builders import evaluation, make_dataset

BASE = Score(0.85, 0.4, 0.2)


@pytest.mark.parametrize(
    ("score", "worth"),
    [
        pytest.param(Score(0.85, 0.9, 0.5), 0.5, id="nothing lost: what LEGO signs gained"),
        pytest.param(Score(0.84, 0.9, 0.5), 0.5, id="what may be lost costs nothing"),
        pytest.param(Score(0.82, 0.9, 0.5), 0.3, id="what is lost beyond it counts ten times"),
        pytest.param(Score(math.nan, 0.9, 0.5), 0.5, id="without classical images LEGO signs decide"),
    ],
)
def test_a_score_is_worth_what_it_brings_less_ten_times_what_it_costs(score: Score, worth: float) -> None:
    assert score.worth(BASE, 0.01) == pytest.approx(worth)


def test_a_score_has_the_figures_of_both_slices(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val", "val")
    half, nothing = evaluation(dataset, (0, 0, 0.9), (1, 0, 0.8)).matches, evaluation(dataset).matches
    score = Score.of(half, nothing)
    assert [score.classical_map50_95, score.lego_map50] == pytest.approx([0.5, 0.0], abs=0.01)
    assert math.isnan(Score.of(None, half).classical_map50_95)


def test_facts_and_back_are_the_same_score() -> None:
    assert Score.from_facts(BASE.facts()) == BASE
    assert math.isnan(Score.from_facts(Score(math.nan, 0.1, 0.1).facts()).classical_map50_95)


def reached(patience: int, *scores: tuple[float, float]) -> list[bool]:
    plateau = Plateau(patience)
    return [plateau.reached(Score(classical, 0.5, lego)) for classical, lego in scores]


def test_training_goes_on_while_either_slice_still_gets_better() -> None:
    assert reached(2, (0.8, 0.1), (0.7, 0.2), (0.81, 0.1), (0.8, 0.3)) == [False] * 4


def test_training_ends_when_neither_slice_has_moved_for_the_patience() -> None:
    assert reached(2, (0.8, 0.3), (0.7, 0.2), (0.79, 0.3)) == [False, False, True]


def test_without_patience_training_never_ends_early() -> None:
    assert not any(reached(0, *[(0.8, 0.3)] * 20))
