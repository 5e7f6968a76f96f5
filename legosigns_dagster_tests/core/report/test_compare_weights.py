"""The report of base and new weights."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from legosigns_dagster.core.dataset.dataset import TEST, VAL, Dataset, Split
from legosigns_dagster.core.detector.evaluate_slices import evaluate_both
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.report.compare_weights import compare_weights, serving_differences
from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster_tests.support.builders import make_dataset
from legosigns_dagster_tests.support.fixed_detector import CONTRACT, DETECTOR, SIZE, write_weights

BOTH, ONE = (0.9, 0.8), (0.9, 0.0)
LARGER = replace(CONTRACT, image_size=96)


def make_images(folder: Path, *classical: Split, lego: Split) -> Mapping[Slice, Dataset]:
    other = make_dataset(folder / "classical", *classical)
    return {
        Slice.CLASSICAL: other if classical else other.part(),
        Slice.LEGO: make_dataset(folder / "lego", lego),
    }


def write_report(folder: Path, new: Weights, images: Mapping[Slice, Dataset]) -> tuple[ComparisonReport, str]:
    """Compare new weights with a base that finds one box of two; the report, and its page."""
    pd.DataFrame({"epoch": [1, 2], "train/box_loss": [2.0, 1.0]}).to_csv(new.folder / "results.csv", index=False)
    (folder / "report").mkdir()
    base = write_weights(folder / "base", {SIZE: ONE})
    found = compare_weights(DETECTOR, base, new, images, [], "run-1", folder / "report", ["of the caller"])
    return found, (found.folder / "comparison.html").read_text(encoding="utf-8")


def test_both_weights_are_evaluated_on_each_slice_that_has_images(tmp_path: Path) -> None:
    new = write_weights(tmp_path / "new", {SIZE: BOTH}, CONTRACT)
    found, page = write_report(tmp_path, new, make_images(tmp_path, lego=TEST))
    assert set(found.comparison.table["slice"]) == {"LEGO signs"}
    base, reached = (found.comparison.value("LEGO signs", "map50_95", which) for which in ("base", "new"))
    assert (base, reached) == pytest.approx((0.5, 1), abs=0.01)
    assert "of the caller" in page
    assert "were selected on the same images" not in page
    assert "served at" not in page


def test_the_page_says_which_images_also_selected_the_weights_and_what_is_reached_where_they_are_served(
    tmp_path: Path,
) -> None:
    new = write_weights(tmp_path / "new", {SIZE: BOTH, 96: ONE}, LARGER)
    _, page = write_report(tmp_path, new, make_images(tmp_path, TEST, lego=VAL))
    assert "LEGO signs: epoch and interpolation were selected on the same images" in page
    assert "classical signs and LEGO signs: epoch" not in page
    lost = r"mAP50-95 0.49[78] \(-0.49[78]\)"  # the half of 0.995
    told = f"served at 96 px, against 64 px</dt><dd>classical signs: {lost}; LEGO signs: {lost}</dd>"
    assert re.search(told, page)


@pytest.mark.parametrize(
    ("contract", "told"),
    [
        pytest.param(LARGER, r"LEGO signs: mAP50-95 0.995 \(\+0.49[78]\)", id="another size"),
        pytest.param(CONTRACT, "", id="the same size"),
        pytest.param(None, "", id="an old version, which wrote no contract"),
    ],
)
def test_weights_are_evaluated_a_second_time_only_where_they_are_served_at_another_size(
    contract: ModelContract | None, told: str, tmp_path: Path
) -> None:
    images = make_images(tmp_path, lego=VAL)
    new = write_weights(tmp_path / "new", {SIZE: ONE, 96: BOTH}, contract)
    slices = evaluate_both(DETECTOR, new, new, images)
    assert re.fullmatch(told, "; ".join(serving_differences(DETECTOR, new, images, slices)))
