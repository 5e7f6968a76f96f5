"""Intervals and verdicts: what is chance is not called a difference, and what is a difference is found."""

import math

import numpy as np
import pytest

from legosigns_dagster.core.evaluation.average_precision import average_precision, mean_precisions
from legosigns_dagster.core.evaluation.bootstrap import BETTER, UNKNOWN, WORSE, Interval, paired_intervals, resampled
from legosigns_dagster.core.evaluation.evaluation import IOUS, Matches


def found(images: int, missed: int = 0, loose: int = 0, classes: int = 2) -> Matches:
    """One box of each class on each image: on some it is missed, on some found only up to an IoU of 0.7."""
    rows = [(i, c) for i in range(images) for c in range(classes) if i >= missed]
    hit = np.ones((len(rows), IOUS), bool)
    for number, (image, _) in enumerate(rows):
        hit[number, 5:] = image >= missed + loose
    return Matches(
        files=tuple(f"{i}.jpg" for i in range(images)),
        image=np.array([i for i, _ in rows], int),
        class_id=np.array([c for _, c in rows], int),
        confidence=np.linspace(0.9, 0.5, len(rows), dtype=np.float64),
        hit=hit,
        truths=np.ones((images, classes), int),
    )


def verdicts(base: Matches, new: Matches, groups: list[str] | None = None) -> tuple[str, str]:
    map50, map50_95 = paired_intervals(base, new, groups or list(base.files))[0]
    return map50.verdict, map50_95.verdict


def test_the_same_detections_are_not_distinguishable() -> None:
    assert verdicts(found(40, missed=5), found(40, missed=5)) == (UNKNOWN, UNKNOWN)


def test_boxes_that_are_no_more_found_are_worse_and_newly_found_ones_better() -> None:
    assert verdicts(found(40), found(40, missed=12)) == (WORSE, WORSE)
    assert verdicts(found(40, missed=12), found(40)) == (BETTER, BETTER)


def test_boxes_that_fit_less_well_are_worse_at_high_overlap_only() -> None:
    assert verdicts(found(40), found(40, loose=20)) == (UNKNOWN, WORSE)


def test_one_scene_with_many_frames_decides_nothing() -> None:
    scenes = ["scene"] * 30 + [f"other {n}" for n in range(10)]
    base, new = found(40), found(40, missed=30)
    assert verdicts(base, new)[0] == WORSE
    assert verdicts(base, new, scenes)[0] == UNKNOWN


def test_fewer_than_six_groups_are_never_enough() -> None:
    groups = [f"group {n % 5}" for n in range(40)]
    assert verdicts(found(40), found(40, missed=40 - 1), groups) == (UNKNOWN, UNKNOWN)


def test_groups_come_whole_and_as_many_as_there_are() -> None:
    counts = resampled(["a", "a", "b", "c"], 50, 0)
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 1:].sum(axis=1) == 3).all()
    assert (resampled(["a", "b"], 5, 1) == resampled(["a", "b"], 5, 1)).all()


def test_an_interval_says_how_many_images_a_sharper_answer_takes() -> None:
    assert Interval(-0.04, 0.04).images_needed(100) == 400
    assert Interval(-0.01, 0.01).images_needed(100) == 100


def test_a_class_without_a_box_has_no_interval_and_does_not_spoil_the_others() -> None:
    base, new = found(40), found(40, missed=12)
    for matches in (base, new):
        matches.truths[:, 1] = 0
    whole, first, second = paired_intervals(base, new, list(base.files))
    assert whole[0] == first[0]
    assert math.isnan(second[0].low)
    assert second[0].verdict == UNKNOWN


def test_a_model_that_finds_nothing_has_a_precision_of_zero() -> None:
    precision = average_precision(found(10, missed=10), np.ones((1, 10), int))
    assert precision.tolist() == [[[0.0] * IOUS] * 2]


def test_an_image_that_counts_twice_is_as_one_that_is_there_twice() -> None:
    once, weights = found(6, missed=2), np.array([[2, 0, 1, 1, 1, 1]])
    expected = 4 / 6  # of the six boxes of a class that count, the two of the first image are missed
    assert mean_precisions(average_precision(once, weights))[0, 0, 0] == pytest.approx(expected, abs=0.01)
