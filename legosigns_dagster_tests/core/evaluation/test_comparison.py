"""The table of base against new."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest

from legosigns_dagster.core.evaluation.comparison import Comparison, SliceResults, compare, signed
from legosigns_dagster_tests.support.builders import evaluation, make_dataset


@pytest.fixture
def part(tmp_path: Path) -> SliceResults:
    dataset = make_dataset(tmp_path, "val", "val")
    return SliceResults("LEGO signs", dataset, evaluation(dataset, map50=0.25), evaluation(dataset, map50=0.75))


def test_the_difference_is_new_minus_base_for_every_class_and_metric(part: SliceResults) -> None:
    comparison = compare([part])
    assert comparison.value("LEGO signs", "map50", "difference") == 0.5
    assert comparison.value("LEGO signs", "map50_95", "difference", "DangerAhead") == 0.25
    assert comparison.value("LEGO signs", "recall", "difference", "SpeedLimit") == 0
    assert len(comparison.table) == 3 * 4


def test_each_slice_is_judged_by_itself(part: SliceResults) -> None:
    worse = replace(part, name="classical signs", new=part.base, base=part.new)
    comparison = compare([worse, part])
    assert comparison.value("classical signs", "map50", "difference") == -0.5
    assert comparison.value("LEGO signs", "map50", "difference") == 0.5


def test_evaluations_of_different_images_are_not_compared(part: SliceResults, tmp_path: Path) -> None:
    other = evaluation(make_dataset(tmp_path / "other", "val"))
    with pytest.raises(ValueError, match="LEGO signs: base and new were evaluated on different images"):
        compare([replace(part, new=other)])


def test_a_class_without_a_box_has_no_number_anywhere(part: SliceResults) -> None:
    def without_danger(given: SliceResults) -> SliceResults:
        for found in (given.base, given.new):
            found.metrics.loc[2, ["precision", "recall", "map50", "map50_95"]] = math.nan
        return given

    comparison = compare([without_danger(part)])
    shown = comparison.as_json()["LEGO signs"]["DangerAhead"]["map50"]
    assert {key: shown[key] for key in ("base", "new", "difference")} == dict.fromkeys(("base", "new", "difference"))
    line = next(line for line in comparison.summary().splitlines() if "DangerAhead" in line)
    assert "nan" not in line
    assert line.count("- ->") == 2


def test_the_summary_has_a_line_for_each_class_with_both_figures_and_the_difference(part: SliceResults) -> None:
    lines = compare([part]).summary().splitlines()
    assert len(lines) == 1 + 3
    assert " ".join(lines[1].split()) == (
        "LEGO signs all 2 4 0.250 -> 0.750 (+0.500 not distinguishable) 0.125 -> 0.375 (+0.250 not distinguishable)"
    )


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "+0.500"), (-0.25, "-0.250"), (0.0, "0.000"), (-0.0001, "0.000"), (math.nan, "-")]
)
def test_a_difference_shows_its_sign_unless_it_rounds_to_zero(value: float, text: str) -> None:
    assert signed(value) == text


def test_the_verdict_is_about_the_headline_and_says_how_sure_it_is(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, *["val"] * 12)
    everything = evaluation(dataset, *[(image, box, 0.9) for image in range(12) for box in (0, 1)])
    half = evaluation(dataset, *[(image, box, 0.9) for image in range(6) for box in (0, 1)])
    lost = compare([SliceResults("classical signs", dataset, everything, half, "map50")])
    assert lost.verdict("classical signs").startswith("classical signs: worse, mAP50 ")
    same = compare([SliceResults("LEGO signs", dataset, half, half, "map50")])
    assert "not distinguishable" in same.verdict("LEGO signs")
    assert "would take about" not in same.verdict("LEGO signs"), "the interval is narrow enough"
    few = evaluation(dataset, *[(image, box, 0.9) for image in range(0, 12, 2) for box in (0, 1)])
    swapped = compare([SliceResults("LEGO signs", dataset, half, few, "map50")])
    assert re.search(r"would take about \d+ images like these", swapped.verdict("LEGO signs"))


def test_a_slice_that_is_not_there_is_an_error(part: SliceResults) -> None:
    with pytest.raises(KeyError):
        Comparison(compare([part]).table).value("other signs", "map50", "new")
