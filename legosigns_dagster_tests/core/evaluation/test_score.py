"""The rule by which an epoch and interpolated weights are selected."""

import math
from pathlib import Path

import pytest

from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster_tests.support.builders import evaluation, make_dataset

BASE = Score(0.85, 0.4, 0.2)


@pytest.mark.parametrize(
    ("score", "expected"),
    [
        pytest.param(Score(0.85, 0.9, 0.5), 0.5, id="nothing lost: what LEGO signs gained"),
        pytest.param(Score(0.84, 0.9, 0.5), 0.5, id="what may be lost costs nothing"),
        pytest.param(Score(0.82, 0.9, 0.5), 0.3, id="what is lost beyond it counts ten times"),
        pytest.param(Score(math.nan, 0.9, 0.5), 0.5, id="without classical images LEGO signs decide"),
    ],
)
def test_a_score_is_worth_what_it_brings_less_ten_times_what_it_costs(score: Score, expected: float) -> None:
    assert score.selection_score(BASE, 0.01) == pytest.approx(expected)


def test_a_score_has_the_figures_of_both_slices(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val", "val")
    half, nothing = evaluation(dataset, (0, 0, 0.9), (1, 0, 0.8)).matches, evaluation(dataset).matches
    score = Score.from_matches({Slice.CLASSICAL: half, Slice.LEGO: nothing})
    assert [score.classical_map50_95, score.lego_map50] == pytest.approx([0.5, 0.0], abs=0.01)
    assert math.isnan(Score.from_matches({Slice.LEGO: half}).classical_map50_95)


def test_a_score_that_was_stored_is_the_same() -> None:
    assert Score.from_dict(BASE.as_dict()) == BASE
    assert math.isnan(Score.from_dict(Score(math.nan, 0.1, 0.1).as_dict()).classical_map50_95)
