"""The advised threshold of a class keeps what is right and drops what is wrong."""

import numpy as np
import pytest

from legosigns_dagster.core.evaluation.evaluation import IOU_COUNT, Matches
from legosigns_dagster.core.evaluation.thresholds import advised_thresholds
from legosigns_dagster.core.inference.contract import DEFAULT_THRESHOLD


def found(*detections: tuple[int, float, bool], boxes: tuple[int, int]) -> Matches:
    """One image with so many boxes of each class, and detections as class, confidence and whether they are right."""
    class_ids, confidence, right = (np.array(values) for values in zip(*detections, strict=True))
    hit = np.zeros((len(detections), IOU_COUNT), bool)
    hit[:, 0] = right
    image = np.zeros(len(detections), np.int64)
    return Matches(("a.jpg",), image, class_ids, confidence, hit, np.array([boxes]))


def test_each_class_is_cut_between_right_and_wrong_detections() -> None:
    matches = found((0, 0.9, True), (0, 0.3, False), (1, 0.2, True), (1, 0.1, False), boxes=(1, 1))
    assert advised_thresholds([matches], 2) == (0.6, 0.15)


def test_all_slices_count_together() -> None:
    """Alone, the first one would be cut at half of 0.8."""
    first, second = found((0, 0.8, True), boxes=(1, 0)), found((0, 0.5, False), (0, 0.4, False), boxes=(0, 0))
    assert advised_thresholds([first], 1) == (0.4,)
    assert advised_thresholds([first, second], 1) == (0.65,)


def test_a_few_false_alarms_are_accepted_for_a_sign_that_would_be_missed() -> None:
    matches = found((0, 0.9, True), (0, 0.8, False), (0, 0.7, True), (0, 0.6, True), (0, 0.1, False), boxes=(3, 0))
    assert advised_thresholds([matches], 1) == (0.35,)


def test_a_class_that_nothing_is_known_of_has_the_default() -> None:
    matches = found((0, 0.9, True), (1, 0.8, False), boxes=(1, 0))
    assert advised_thresholds([matches], 2)[1] == pytest.approx(DEFAULT_THRESHOLD)
