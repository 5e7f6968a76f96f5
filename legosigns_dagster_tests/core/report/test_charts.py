"""Training curves as SVG."""

import re
import xml.etree.ElementTree as ET

import pandas as pd
import pytest

from legosigns_dagster.core.report.charts import curves_picture, training_curves

RESULTS = pd.DataFrame(
    {
        "epoch": [1, 2, 3],
        "train/box_loss": [3.0, 2.0, 1.0],
        "val/box_loss": [3.5, float("inf"), 1.5],
        "metrics/mAP50(B)": [0.1, 0.5, 0.9],
    }
)


def draw_charts(results: pd.DataFrame) -> list[ET.Element]:
    return [ET.fromstring(chart) for chart in training_curves(results)]


def heights(chart: ET.Element, line: int) -> list[float]:
    points = chart.findall("polyline")[line].attrib["points"].split()
    return [float(point.split(",")[1]) for point in points]


def test_there_is_a_chart_for_each_pair_of_curves_that_has_values() -> None:
    assert [c.attrib["aria-label"].split(",")[0] for c in draw_charts(RESULTS)] == ["Box loss", "mAP on all val images"]


def test_a_falling_loss_falls_on_the_screen() -> None:
    first, second, third = heights(draw_charts(RESULTS)[0], 0)
    assert first < second < third


def test_an_infinite_loss_leaves_a_gap_and_not_a_broken_chart() -> None:
    assert len(heights(draw_charts(RESULTS)[0], 1)) == 2


def test_metrics_are_drawn_on_an_axis_from_zero_to_one() -> None:
    texts = {text.text for text in draw_charts(RESULTS)[1].findall("text")}
    assert {"0", "1"} <= texts


def test_the_last_value_is_written_beside_the_curve() -> None:
    texts = [text.text for text in draw_charts(RESULTS)[1].findall("text")]
    assert "mAP50" in texts
    assert "0.9" in texts


def test_one_epoch_is_drawn_too() -> None:
    assert len(heights(draw_charts(RESULTS.head(1))[0], 0)) == 1


@pytest.mark.parametrize("results", [pd.DataFrame(), pd.DataFrame({"epoch": [1]})])
def test_without_curves_there_are_no_charts(results: pd.DataFrame) -> None:
    assert training_curves(results) == []


def test_the_picture_of_all_charts_is_one_svg_with_every_style_it_uses() -> None:
    picture = curves_picture(RESULTS)
    assert len(ET.fromstring(picture).findall(".//{*}polyline")) == 3
    assert set(re.findall(r"var\((--\w+)\)", picture)) <= set(re.findall(r"(--\w+):", picture))


@pytest.mark.parametrize(
    ("columns", "size", "places"),
    [(3, ("1080", "220"), ["0 0", "360 0"]), (1, ("360", "440"), ["0 0", "0 220"])],
    ids=["beside each other", "below each other"],
)
def test_the_picture_is_as_large_as_its_columns_and_rows_of_charts(
    columns: int, size: tuple[str, str], places: list[str]
) -> None:
    picture = ET.fromstring(curves_picture(RESULTS, columns))
    assert (picture.attrib["width"], picture.attrib["height"]) == size
    moved = [group.attrib["transform"] for group in picture.findall("{*}g")]
    assert moved == [f"translate({place})" for place in places]
