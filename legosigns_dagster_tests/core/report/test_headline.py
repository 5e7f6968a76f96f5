"""The card of a slice: verdict, plain sentence, and the interval as a bar."""

import math
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from legosigns_dagster.core.evaluation.comparison import COMPARISON_COLUMNS, Comparison
from legosigns_dagster.core.report.headline import interval_bar, plain_sentence, verdict_cards
from legosigns_dagster.core.report.tables import metrics_tables


def headline(low: float, high: float, verdict: str, difference: float = 0.1, needed: int = 0) -> pd.Series:
    """The row of a slice's headline metric."""
    cells = ["LEGO signs", "all", 14, 28, "map50", 0.4, 0.4 + difference, difference, low, high, verdict, needed, True]
    return pd.Series(cells, COMPARISON_COLUMNS)


BETTER = headline(0.05, 0.15, "better")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (BETTER, "The new weights are better: mAP50 rose by 0.100, which is more than chance explains."),
        (
            headline(-0.3, -0.1, "worse", -0.2),
            "The new weights are worse: mAP50 fell by 0.200, which is more than chance explains.",
        ),
        (
            headline(0.0004, 0.15, "better"),
            "The new weights are better: mAP50 rose by 0.100, which is more than chance explains. "
            "The end of the interval that rounds to 0.000 is above 0.",
        ),
        (
            headline(-0.1, 0.3, "inconclusive", needed=1400),
            "The difference may be chance: 14 images do not tell which weights are better. "
            "To detect a difference of 0.02, about 1400 images of this kind are needed.",
        ),
        (
            headline(math.nan, math.nan, "inconclusive"),
            "Too few images for a verdict: at least 6 groups of images with such signs are needed.",
        ),
    ],
)
def test_a_card_says_in_a_plain_sentence_what_came_out(row: pd.Series, sentence: str) -> None:
    assert plain_sentence(row) == sentence


def test_the_bar_lies_on_the_side_of_zero_on_which_the_interval_is() -> None:
    bar = ET.fromstring(interval_bar(BETTER))
    (zero,) = [float(line.attrib["x1"]) for line in bar.findall("line") if line.get("class") == "zero"]
    rect, dot = bar.findall("rect")[0].attrib, bar.findall("circle")[0].attrib
    assert zero < float(rect["x"]) < float(dot["cx"]) < float(rect["x"]) + float(rect["width"])
    assert bar.attrib["aria-label"] == "95 % interval from +0.050 to +0.150, new minus base"


def test_without_an_interval_there_is_no_bar() -> None:
    assert interval_bar(headline(math.nan, math.nan, "inconclusive")) == ""


@pytest.mark.parametrize(
    ("name", "title"),
    [("classical signs", "Old skill: classical signs"), ("LEGO signs", "New skill: LEGO signs"), ("<x>", "&lt;x&gt;")],
)
def test_a_card_says_which_skill_it_is_about(name: str, title: str) -> None:
    assert f"<h3>{title}</h3>" in verdict_cards(Comparison(pd.DataFrame([dict(BETTER) | {"slice": name}])))


def test_card_table_and_log_show_the_same_figures() -> None:
    rows = [
        dict(BETTER) | {"metric": m, "headline": m == "map50"} for m in ("map50", "map50_95", "precision", "recall")
    ]
    comparison = Comparison(pd.DataFrame(rows))
    assert f"{comparison.verdict_sentence('LEGO signs')}</p>" in verdict_cards(comparison)
    assert "<small>+0.050 to +0.150</small>" in metrics_tables(comparison)
