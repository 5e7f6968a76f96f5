"""Charts of metrics as SVG."""

import math
import xml.etree.ElementTree as ET

from legosigns_dagster.core.detector.training_record import InterpolatedWeights, Selection
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.report.metric_charts import trade_off_chart


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
    assert len([dot for dot in chart.findall("circle") if dot.attrib["class"] == "earlier"]) == 1
    (selected,) = [dot for dot in chart.findall("circle") if dot.attrib["class"] == "second-fill"]
    assert (float(selected.attrib["cx"]), float(selected.attrib["cy"])) == line[1]


def test_there_is_no_trade_off_without_images_of_both_slices() -> None:
    assert trade_off_chart(select((0, math.nan, 0.2), (0.2, math.nan, 0.4), alpha=0.2), [(0.8, 0.5)]) == ""
