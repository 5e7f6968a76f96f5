"""Average precision, where images count differently often."""

import numpy as np
import pytest

from legosigns_dagster.core.evaluation.average_precision import (
    average_precision,
    mean_precisions,
    precision_recall_curve,
)
from legosigns_dagster.core.evaluation.evaluation import IOU_COUNT
from legosigns_dagster_tests.support.builders import make_matches


def test_a_detector_that_finds_nothing_has_a_precision_of_zero() -> None:
    matches = make_matches(10, missed=10)
    assert average_precision(matches, np.ones((1, 10), int)).tolist() == [[[0.0] * IOU_COUNT] * 2]
    assert precision_recall_curve(matches).tolist() == [0.0] * 101


def test_an_image_that_counts_twice_is_as_one_that_is_there_twice() -> None:
    matches, counts = make_matches(6, missed=2), np.array([[2, 0, 1, 1, 1, 1]])
    expected = 4 / 6  # of the six boxes of a class that count, the two of the first image are missed
    assert mean_precisions(average_precision(matches, counts))[0, 0, 0] == pytest.approx(expected, abs=0.01)


def test_the_curve_falls_to_zero_at_the_recall_that_is_reached() -> None:
    curve = precision_recall_curve(make_matches(10, missed=5))
    assert curve[:50].tolist() == [1.0] * 50
    assert curve[51:].tolist() == [0.0] * 50
