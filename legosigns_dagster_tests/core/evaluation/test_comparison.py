"""The comparison of base and new weights."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.dataset import VAL
from legosigns_dagster.core.evaluation.comparison import Comparison, SliceResults, compare, read_new_value
from legosigns_dagster_tests.support.builders import evaluation, make_dataset


@pytest.fixture
def results(tmp_path: Path) -> SliceResults:
    dataset = make_dataset(tmp_path, "val", "val")
    return SliceResults("LEGO signs", dataset, evaluation(dataset, map50=0.25), evaluation(dataset, map50=0.75))


def test_the_difference_is_new_minus_base_for_every_class_and_metric(results: SliceResults) -> None:
    comparison = compare([results])
    assert comparison.value("LEGO signs", "map50", "difference") == 0.5
    assert comparison.value("LEGO signs", "map50_95", "difference", "DangerAhead") == 0.25
    assert comparison.value("LEGO signs", "recall", "difference", "SpeedLimit") == 0
    assert len(comparison.table) == 3 * 4


def test_each_slice_is_judged_by_itself(results: SliceResults) -> None:
    worse = replace(results, name="classical signs", new=results.base, base=results.new)
    comparison = compare([worse, results])
    assert comparison.value("classical signs", "map50", "difference") == -0.5
    assert comparison.value("LEGO signs", "map50", "difference") == 0.5


def test_evaluations_of_different_images_are_not_compared(results: SliceResults, tmp_path: Path) -> None:
    other = evaluation(make_dataset(tmp_path / "other", "val"))
    with pytest.raises(ValueError, match="LEGO signs: base and new were evaluated on different images"):
        compare([replace(results, new=other)])


def test_a_class_without_a_box_has_no_number_anywhere(results: SliceResults) -> None:
    for evaluated in (results.base, results.new):
        evaluated.metrics.loc[2, ["precision", "recall", "map50", "map50_95"]] = math.nan
    comparison = compare([results])
    values = comparison.as_json()["LEGO signs"]["DangerAhead"]["map50"]
    assert {key: values[key] for key in ("base", "new", "difference")} == dict.fromkeys(("base", "new", "difference"))
    line = next(line for line in comparison.summary().splitlines() if "DangerAhead" in line)
    assert "nan" not in line
    assert line.count("- ->") == 2


def test_the_summary_has_a_line_for_each_class_with_both_figures_and_the_difference(results: SliceResults) -> None:
    lines = compare([results]).summary().splitlines()
    assert len(lines) == 1 + 3
    assert " ".join(lines[1].split()) == (
        "LEGO signs all 2 4 0.250 -> 0.750 (+0.500 inconclusive) 0.125 -> 0.375 (+0.250 inconclusive)"
    )


def test_the_verdict_is_about_the_headline_and_says_how_sure_it_is(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, *[VAL] * 12)
    everything = evaluation(dataset, *[(image, box, 0.9) for image in range(12) for box in (0, 1)])
    half = evaluation(dataset, *[(image, box, 0.9) for image in range(6) for box in (0, 1)])
    lost = compare([SliceResults("classical signs", dataset, everything, half, "map50")])
    assert lost.verdict_sentence("classical signs").startswith("classical signs: worse, mAP50 ")
    same = compare([SliceResults("LEGO signs", dataset, half, half, "map50")])
    assert "inconclusive" in same.verdict_sentence("LEGO signs")
    assert "are needed" not in same.verdict_sentence("LEGO signs"), "the interval is narrow enough"
    few = evaluation(dataset, *[(image, box, 0.9) for image in range(0, 12, 2) for box in (0, 1)])
    swapped = compare([SliceResults("LEGO signs", dataset, half, few, "map50")])
    assert re.search(
        r"To detect a difference of 0\.02, about \d+ images of this kind are needed",
        swapped.verdict_sentence("LEGO signs"),
    )


def test_a_slice_that_is_not_there_is_an_error(results: SliceResults) -> None:
    with pytest.raises(KeyError):
        Comparison(compare([results]).table).value("other signs", "map50", "new")


def test_the_value_of_the_new_weights_is_read_from_stored_figures(results: SliceResults) -> None:
    stored = json.dumps(compare([results]).as_json())
    assert read_new_value(stored, "LEGO signs", "map50_95") == 0.375
    assert read_new_value(stored, "classical signs", "map50_95") is None


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param('{"LEGO signs": {"all": {"map50": {"base": 0.4, "new": null}}}}', id="no box, no value"),
        pytest.param('{"LEGO signs": {"map50": 0.9}}', id="an older layout without classes"),
        pytest.param('{"LEGO signs": {"all": {"map50": 0.9}}}', id="an older layout with the new value alone"),
    ],
)
def test_stored_figures_without_the_value_give_none(stored: str) -> None:
    assert read_new_value(stored, "LEGO signs", "map50") is None
