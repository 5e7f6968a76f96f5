"""Intervals and verdicts: chance is not called a difference, and a difference is found."""

import math

import numpy as np
import pytest

from legosigns_dagster.core.evaluation.bootstrap import (
    Interval,
    Verdict,
    bootstrap_intervals,
    draw_groups,
    percentile_interval,
)
from legosigns_dagster.core.evaluation.evaluation import Matches
from legosigns_dagster_tests.support.builders import make_matches


def verdicts(base: Matches, new: Matches, groups: list[str] | None = None) -> tuple[str, str]:
    map50, map50_95 = bootstrap_intervals(base, new, groups or list(base.files))[0]
    return map50.verdict, map50_95.verdict


def test_the_same_detections_are_inconclusive() -> None:
    assert verdicts(make_matches(40, missed=5), make_matches(40, missed=5)) == (
        Verdict.INCONCLUSIVE,
        Verdict.INCONCLUSIVE,
    )


def test_boxes_that_are_no_longer_found_are_worse_and_newly_found_ones_better() -> None:
    assert verdicts(make_matches(40), make_matches(40, missed=12)) == (Verdict.WORSE, Verdict.WORSE)
    assert verdicts(make_matches(40, missed=12), make_matches(40)) == (Verdict.BETTER, Verdict.BETTER)


def test_boxes_that_fit_less_well_are_worse_at_high_overlap_only() -> None:
    assert verdicts(make_matches(40), make_matches(40, loose=20)) == (Verdict.INCONCLUSIVE, Verdict.WORSE)


def test_one_scene_with_many_images_decides_nothing() -> None:
    groups = ["one scene"] * 30 + [f"other {n}" for n in range(10)]
    base, new = make_matches(40), make_matches(40, missed=30)
    assert verdicts(base, new)[0] == Verdict.WORSE
    assert verdicts(base, new, groups)[0] == Verdict.INCONCLUSIVE


def test_fewer_than_six_groups_are_never_enough() -> None:
    groups = [f"group {n % 5}" for n in range(40)]
    assert verdicts(make_matches(40), make_matches(40, missed=40 - 1), groups) == (
        Verdict.INCONCLUSIVE,
        Verdict.INCONCLUSIVE,
    )


def test_the_interval_holds_the_middle_95_percent_of_what_is_known() -> None:
    interval = percentile_interval(np.append(np.linspace(-0.5, 0.5, 1001), math.nan), groups=6)
    assert (interval.low, interval.high) == pytest.approx((-0.475, 0.475))


def test_groups_come_whole_and_as_many_as_there_are() -> None:
    counts = draw_groups(["a", "a", "b", "c"], 50, 0)
    assert (counts[:, 0] == counts[:, 1]).all()
    assert (counts[:, 1:].sum(axis=1) == 3).all()
    assert (draw_groups(["a", "b"], 5, 1) == draw_groups(["a", "b"], 5, 1)).all()


def test_an_interval_says_how_many_images_a_narrower_one_takes() -> None:
    assert Interval(-0.04, 0.04).images_needed(100) == 400
    assert Interval(-0.01, 0.01).images_needed(100) == 100


def test_a_class_without_a_box_has_no_interval_and_does_not_spoil_the_others() -> None:
    base, new = make_matches(40), make_matches(40, missed=12)
    for matches in (base, new):
        matches.box_counts[:, 1] = 0
    whole, first, second = bootstrap_intervals(base, new, list(base.files))
    assert whole[0] == first[0]
    assert math.isnan(second[0].low)
    assert second[0].verdict == Verdict.INCONCLUSIVE
