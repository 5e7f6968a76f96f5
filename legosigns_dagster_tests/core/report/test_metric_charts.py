"""Charts of metrics as SVG."""

import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from legosigns_dagster.core.analysis.confidence import confidence_curves
from legosigns_dagster.core.detector.training_record import InterpolatedWeights, Selection
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.evaluation.thresholds import advised_thresholds
from legosigns_dagster.core.report.charts import BOTTOM, HEIGHT, LEFT, NARROW_RIGHT, TOP, WIDTH, training_curves
from legosigns_dagster.core.report.metric_charts import confidence_chart, precision_recall_chart, trade_off_chart
from legosigns_dagster_tests.support.builders import evaluation, make_dataset


def select(*scores: tuple[float, float, float], alpha: float) -> Selection:
    """A selection among weights, each given as alpha, classical mAP50-95 and LEGO mAP50-95."""
    candidates = tuple(InterpolatedWeights(a, Score(classical, math.nan, lego)) for a, classical, lego in scores)
    return Selection(candidates, next(weights for weights in candidates if weights.alpha == alpha))


def test_the_trade_off_shows_base_interpolated_weights_earlier_runs_and_what_was_selected() -> None:
    selection = select((0, 0.85, 0.2), (0.5, 0.84, 0.4), (1, 0.7, 0.6), alpha=0.5)
    chart = ET.fromstring(trade_off_chart(selection, [(0.8, 0.5), (0.9, math.nan)]))
    assert chart.attrib["aria-label"].endswith("selected: alpha 0.5")
    line = [tuple(map(float, point.split(","))) for point in chart.findall("polyline")[0].attrib["points"].split()]
    assert len(line) == 3
    assert line[0][0] > line[1][0] > line[2][0], "less of the old skill lies further to the left"
    assert line[0][1] > line[1][1] > line[2][1], "more of the new one lies higher"
    (earlier,) = [dot for dot in chart.findall("circle") if dot.attrib["class"] == "earlier"]
    between = [line[2][0] + (line[1][0] - line[2][0]) * 0.10 / 0.14, line[2][1] + (line[1][1] - line[2][1]) * 0.1 / 0.2]
    assert [float(earlier.attrib["cx"]), float(earlier.attrib["cy"])] == pytest.approx(between, abs=0.2)
    (selected,) = [dot for dot in chart.findall("circle") if dot.attrib["class"] == "new-fill"]
    assert (float(selected.attrib["cx"]), float(selected.attrib["cy"])) == line[1]


def test_there_is_no_trade_off_without_images_of_both_slices() -> None:
    assert trade_off_chart(select((0, math.nan, 0.2), (0.2, math.nan, 0.4), alpha=0.2), [(0.8, 0.5)]) == ""


def test_precision_over_recall_fills_the_chart_from_nothing_found_to_all_found(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    part = SliceResults("LEGO signs", dataset, evaluation(dataset), evaluation(dataset, (0, 0, 0.9), (0, 1, 0.8)))
    nothing_found, all_found = [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in ET.fromstring(precision_recall_chart(part)).findall("polyline")
    ]
    assert {y for _, y in nothing_found} == {HEIGHT - BOTTOM}
    assert {y for _, y in all_found[:-1]} == {TOP}, "at a recall of 1 any precision ends in 0"
    assert (all_found[0][0], all_found[-1][0]) == (LEFT, WIDTH - NARROW_RIGHT)


def test_the_advised_threshold_stands_where_f1_is_best(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val", "val")
    matches = evaluation(dataset, (0, 0, 0.9), (1, 0, 0.5)).matches
    (threshold, _) = advised_thresholds([matches], 2)
    chart = ET.fromstring(confidence_chart("SpeedLimit", confidence_curves([matches], 0), threshold))
    precision, recall, f1 = [
        [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        for line in chart.findall("polyline")
    ]
    (line,) = [line for line in chart.findall("line") if line.get("class") == "threshold"]
    best = [x for x, y in f1 if y == TOP]
    assert best[0] <= float(line.attrib["x1"]) <= best[-1]
    assert recall == f1[:51] + recall[51:], "up to a confidence of 0.5 both boxes are found"
    assert precision[-1][0] < recall[-1][0], "where nothing is kept, there is no precision"


def test_a_class_without_a_box_has_a_chart_that_says_so(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    matches = replace(evaluation(dataset).matches, box_counts=np.zeros((1, 2), int))
    chart = ET.fromstring(confidence_chart("Stop", confidence_curves([matches], 0), 0.25))
    assert chart.attrib["aria-label"].endswith("advised threshold 0.25, no annotated box")


def test_base_and_new_weights_have_colours_that_mean_nothing_else(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    part = SliceResults("LEGO signs", dataset, evaluation(dataset), evaluation(dataset, (0, 0, 0.9)))
    lines = [line.attrib["class"] for line in ET.fromstring(precision_recall_chart(part)).findall("polyline")]
    assert lines == ["line base", "line new"]
    trade_off = ET.fromstring(trade_off_chart(select((0, 0.85, 0.2), (1, 0.7, 0.6), alpha=1), []))
    assert {dot.attrib["class"] for dot in trade_off.findall("circle")} == {"base-fill", "ink-fill", "new-fill"}
    confidence = confidence_chart("Stop", confidence_curves([part.new.matches], 0), 0.25)
    curves = training_curves(pd.DataFrame({"epoch": [1], "train/box_loss": [1.0], "val/box_loss": [1.5]}))
    assert not re.search(r"\b(base|new)\b", confidence + "".join(curves))


def test_both_axes_of_every_chart_have_a_name(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    part = SliceResults("LEGO signs", dataset, evaluation(dataset), evaluation(dataset, (0, 0, 0.9)))
    drawn = [
        precision_recall_chart(part),
        trade_off_chart(select((0, 0.85, 0.2), (1, 0.7, 0.6), alpha=1), []),
        confidence_chart("Stop", confidence_curves([part.new.matches], 0), 0.25),
        *training_curves(pd.DataFrame({"epoch": [1], "train/box_loss": [1.0], "lr/pg0": [0.1]})),
    ]
    names = [[text.text for text in ET.fromstring(one).findall("text[@class='axis']")] for one in drawn]
    assert names == [
        ["recall", "precision"],
        ["classical mAP50-95", "LEGO mAP50-95"],
        ["confidence", "precision, recall, F1"],
        ["epoch", "loss"],
        ["epoch", "rate"],
    ]
