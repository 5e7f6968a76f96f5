"""The kinds of errors, and which classes are confused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from legosigns_dagster.core.analysis.confusion import confusion_matrix
from legosigns_dagster.core.analysis.errors import ErrorKind, find_errors, find_errors_in
from legosigns_dagster.core.dataset.dataset import VAL, Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.evaluation.evaluation import DETECTION_COLUMNS, Evaluation
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster_tests.support.builders import make_dataset, matches

FIRST, SECOND = (4.0, 4.0, 24.0, 24.0), (30.0, 10.0, 50.0, 40.0)  # the boxes that each image has, of class 0 and 1
RIGHT = [(0, 0.9, FIRST), (1, 0.8, SECOND)]
Found = tuple[int, float, tuple[float, float, float, float]]  # class, confidence, box


def evaluate(dataset: Dataset, *found: Found) -> Evaluation:
    """An evaluation with these detections on the first image."""
    rows = [["images/0.jpg", class_id, confidence, *box] for class_id, confidence, box in found]
    detections = pd.DataFrame(rows, columns=DETECTION_COLUMNS)
    return Evaluation(pd.DataFrame(), detections, matches(dataset, detections))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path, VAL)


@pytest.mark.parametrize(
    ("found", "kinds"),
    [
        pytest.param(RIGHT, [], id="all right"),
        pytest.param([], [("missed", 0), ("missed", 1)], id="nothing found"),
        pytest.param([(1, 0.9, FIRST), RIGHT[1]], [("wrong class", 0)], id="a sign of another class, not also missed"),
        pytest.param([(0, 0.9, (4, 4, 24, 12)), RIGHT[1]], [("badly placed", 0)], id="IoU 0.4, not also missed"),
        pytest.param([*RIGHT, (0, 0.4, FIRST)], [("doubled", 0)], id="found a second time"),
        pytest.param([*RIGHT, (1, 0.4, FIRST)], [("wrong class", 0)], id="found, and taken for another sign as well"),
        pytest.param([*RIGHT, (1, 0.4, (55, 0, 60, 5))], [("background", 1)], id="where nothing is"),
        pytest.param([*RIGHT, (1, 0.4, (4, 4, 24, 12))], [("background", 1)], id="another class, badly placed"),
    ],
)
def test_each_error_is_counted_once_and_by_its_kind(
    dataset: Dataset, found: list[Found], kinds: list[tuple[str, int]]
) -> None:
    errors = find_errors(dataset, evaluate(dataset, *found))
    assert [(error.kind.value, error.class_id) for error in errors] == kinds


def test_the_most_confident_detection_is_the_first_to_find_a_box() -> None:
    """The first box is what both overlap most; the confident one would fit the second box too."""
    boxes = tuple(LabeledBox(0, PixelBox(left, 0, left + 20, 20)) for left in (0, 4))
    image = LabeledImage("a.jpg", "", (64, 48), boxes, VAL, "g", "classical")
    doubtful, confident = Detection(0, 0.3, PixelBox(0, 0, 20, 12)), Detection(0, 0.9, PixelBox(1, 0, 21, 20))
    errors = find_errors_in(image, [doubtful, confident])
    assert [(error.kind, error.box.left) for error in errors] == [(ErrorKind.DOUBLED, 0), (ErrorKind.MISSED, 4)]


def test_the_matrix_has_a_row_for_what_is_annotated_and_a_column_for_what_is_detected(dataset: Dataset) -> None:
    found = evaluate(dataset, (1, 0.9, FIRST), (0, 0.8, (55, 0, 60, 5)))
    assert confusion_matrix(dataset, found, 2).tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_a_row_of_the_matrix_adds_up_to_the_boxes_of_its_class(dataset: Dataset) -> None:
    found = evaluate(dataset, *RIGHT, (1, 0.95, FIRST), (0, 0.3, SECOND), (0, 0.2, FIRST))
    matrix = confusion_matrix(dataset, found, 2)
    assert np.diag(matrix).tolist() == [1, 1, 0]
    assert matrix[:2].sum(axis=1).tolist() == [1, 1]
    assert matrix[2].tolist() == [2, 1, 0], "what is left over is detected in the background"
