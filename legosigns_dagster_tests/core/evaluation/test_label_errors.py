"""Suspected label errors: both weights agree, and the annotation says something else."""

from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.label_errors import find_label_errors
from legosigns_dagster_tests.support.builders import evaluation, make_dataset


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path, "val", "val")


def without(dataset: Dataset, row: int) -> Dataset:
    """The dataset as it is when somebody forgot a box."""
    return Dataset(dataset.folder, dataset.classes, dataset.images, dataset.boxes.drop(row).reset_index(drop=True))


def test_a_forgotten_box_that_both_detect_is_named(dataset: Dataset) -> None:
    base, new = evaluation(dataset, (0, 0, 0.8), (0, 1, 0.9)), evaluation(dataset, (0, 0, 0.7), (0, 1, 0.9))
    (error,) = find_label_errors(SliceResults("LEGO signs", without(dataset, 0), base, new))
    assert (error.file, error.class_name, error.confidence, error.annotation) == (
        "images/0.jpg", "SpeedLimit", 0.7, "no box")  # fmt: skip


def test_another_class_in_the_same_place_is_named(dataset: Dataset) -> None:
    found = evaluation(dataset, (1, 1, 0.9))
    dataset.boxes.loc[3, ["class_id", "class_name"]] = [0, "SpeedLimit"]
    (error,) = find_label_errors(SliceResults("LEGO signs", dataset, found, found))
    assert (error.file, error.class_name, error.annotation) == ("images/1.jpg", "DangerAhead", "SpeedLimit")


def test_what_only_one_of_them_detects_or_what_is_annotated_is_not_suspected(dataset: Dataset) -> None:
    one, nothing = evaluation(dataset, (0, 0, 0.9)), evaluation(dataset)
    assert find_label_errors(SliceResults("LEGO signs", without(dataset, 0), one, nothing)) == []
    assert find_label_errors(SliceResults("LEGO signs", dataset, one, one)) == []


def test_a_detection_with_a_low_confidence_is_not_suspected(dataset: Dataset) -> None:
    unsure = evaluation(dataset, (0, 0, 0.4))
    assert find_label_errors(SliceResults("LEGO signs", without(dataset, 0), unsure, unsure)) == []
