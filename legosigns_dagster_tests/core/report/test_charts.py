"""Training curves as SVG."""

import re
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from legosigns_dagster.core.report.charts import curves_picture, scale_of, training_curves
from legosigns_dagster.core.report.metric_charts import trade_off

RESULTS = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "train/box_loss": [3.0, 2.0, 1.0],
        "val/box_loss": [3.5, float("inf"), 1.5],
        "metrics/mAP50(B)": [0.1, 0.5, 0.9],
    }
)


def charts(results: pd.DataFrame) -> list[ET.Element]:
    return [ET.fromstring(chart) for chart in training_curves(results)]


def heights(chart: ET.Element, line: int) -> list[float]:
    points = chart.findall("polyline")[line].attrib["points"].split()
    return [float(point.split(",")[1]) for point in points]


def facts(alpha: float, classical: float | None, lego: float) -> dict[str, float | None]:
    return {"alpha": alpha, "classical_map50_95": classical, "lego_map50_95": lego}


def test_the_trade_off_shows_base_mixtures_earlier_runs_and_what_was_chosen() -> None:
    mixtures = [facts(0, 0.85, 0.2), facts(0.5, 0.84, 0.4), facts(1, 0.7, 0.6), facts(0.5, 0.84, 0.4)]
    chart = ET.fromstring(trade_off(mixtures, [(0.8, 0.5), (0.9, float("nan"))]))
    assert chart.attrib["aria-label"].endswith("chosen: alpha 0.5")
    line = [tuple(map(float, point.split(","))) for point in chart.findall("polyline")[0].attrib["points"].split()]
    assert line[0][0] > line[1][0] > line[2][0], "less of the old skill lies further to the left"
    assert line[0][1] > line[1][1] > line[2][1], "more of the new one lies higher"
    assert len([dot for dot in chart.findall("circle") if dot.attrib["class"] == "earlier"]) == 1


def test_there_is_no_trade_off_without_images_of_both_kinds() -> None:
    assert trade_off([facts(0, None, 0.2), facts(1, None, 0.4)], []) == ""
    assert trade_off([], [(0.8, 0.5)]) == ""


def test_there_is_a_chart_for_each_pair_of_curves_that_has_values() -> None:
    assert [c.attrib["aria-label"].split(",")[0] for c in charts(RESULTS)] == ["Box loss", "mAP on all val images"]


def test_a_falling_loss_falls_on_the_screen() -> None:
    first, second, third = heights(charts(RESULTS)[0], 0)
    assert first < second < third


def test_a_loss_that_is_no_number_leaves_a_gap_and_not_a_broken_chart() -> None:
    assert len(heights(charts(RESULTS)[0], 1)) == 2


def test_metrics_are_drawn_on_an_axis_from_zero_to_one() -> None:
    texts = {text.text for text in charts(RESULTS)[1].findall("text")}
    assert {"0", "1"} <= texts


def test_the_last_value_is_written_beside_the_curve() -> None:
    texts = [text.text for text in charts(RESULTS)[1].findall("text")]
    assert "mAP50" in texts
    assert "0.9" in texts


def test_one_epoch_is_drawn_too() -> None:
    assert len(heights(charts(RESULTS.head(1))[0], 0)) == 1


@pytest.mark.parametrize("results", [pd.DataFrame(), pd.DataFrame({"epoch": [1]})])
def test_without_curves_there_is_nothing(results: pd.DataFrame) -> None:
    assert training_curves(results) == []


@pytest.mark.parametrize("values", [[0.0, 1.0], [3.0, 3.0], [0.0, 0.0], [1.2345, 1.2346], [-5.0, 900.0]])
def test_a_scale_holds_all_its_values_and_has_round_ticks(values: list[float]) -> None:
    scale = scale_of(values, 0, 100, 5)
    assert scale.low - 1e-9 <= min(values) <= max(values) <= scale.high + 1e-9
    assert 2 <= len(scale.ticks) <= 7


def test_the_picture_of_all_charts_is_one_svg_with_every_style_it_uses() -> None:
    picture = curves_picture(RESULTS)
    assert len(ET.fromstring(picture).findall(".//{*}polyline")) == 3
    assert set(re.findall(r"var\((--\w+)\)", picture)) <= set(re.findall(r"(--\w+):", picture))
