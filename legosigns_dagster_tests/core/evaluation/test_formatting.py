"""Metrics, differences and intervals as text."""

import math

import pandas as pd
import pytest

from legosigns_dagster.core.evaluation.formatting import (
    format_change,
    format_difference,
    format_images_needed,
    format_value,
)

ROW = pd.Series(
    {"metric": "map50", "base": 0.5, "new": 0.6, "difference": 0.1, "low": -0.1, "high": 0.3}
    | {"images": 40, "images_needed": 4000}
)


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "+0.500"), (-0.25, "-0.250"), (0.0, "0.000"), (-0.0001, "0.000"), (math.nan, "-")]
)
def test_a_difference_shows_its_sign_unless_it_rounds_to_zero(value: float, text: str) -> None:
    assert format_difference(value) == text


def test_a_value_that_is_not_known_is_a_dash() -> None:
    assert format_value(math.nan) == "-"
    assert format_value(0.98765, 2) == "0.99"


def test_a_change_says_why_it_has_no_interval() -> None:
    assert format_change(ROW) == "mAP50 0.500 → 0.600 (+0.100, 95 % interval -0.100 to +0.300)"
    few = ROW.replace({-0.1: math.nan, 0.3: math.nan})
    assert format_change(few).endswith("(+0.100, no 95 % interval: at least 6 groups of images are needed)")


def test_images_are_asked_for_only_where_more_of_them_help() -> None:
    assert "about 4000 images of this kind are needed" in format_images_needed(ROW)
    assert format_images_needed(ROW.replace({4000: 40})) == ""
    assert format_images_needed(ROW.replace({4000: 0})) == ""
