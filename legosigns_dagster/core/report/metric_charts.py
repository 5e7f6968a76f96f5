"""Charts of metrics: classical signs against LEGO signs, precision over recall, and metrics over confidence."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.analysis.confidence import CONFIDENCES
from legosigns_dagster.core.detector.training_record import Selection
from legosigns_dagster.core.evaluation.average_precision import RECALLS, precision_recall_curve
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.score import Score
from legosigns_dagster.core.report.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    METRIC_RANGE,
    NARROW_RIGHT,
    TOP,
    WIDTH,
    chart_svg,
    grid,
)
from legosigns_dagster.core.report.scale import fit_scale

Point = tuple[float, float]  # classical mAP50-95, LEGO mAP50-95


def trade_off_chart(selection: Selection, earlier: Sequence[Point]) -> str:
    """Draw what weights forget on classical signs against what they gain on LEGO signs.

    Args:
        selection: The base, the weights that were tried, and the selected ones.
        earlier: The new weights of earlier runs.

    Returns:
        An SVG element, empty where one of the slices has no val image.
    """
    tried = [point for weights in selection.candidates if (point := validation_point(weights.score))]
    selected = validation_point(selection.selected.score)
    if selected is None:
        return ""
    earlier = [point for point in earlier if all(map(math.isfinite, point))]
    across = fit_scale([x for x, _ in (*tried, selected, *earlier)], LEFT, WIDTH - NARROW_RIGHT, 4)
    up = fit_scale([y for _, y in (*tried, selected, *earlier)], HEIGHT - BOTTOM, TOP, 5)
    *path, (x, y) = [(across.at(classical), up.at(lego)) for classical, lego in (*tried, selected)]
    alpha = f"alpha {selection.selected.alpha:g}"
    content = [
        grid(across, up, ("classical mAP50-95", "LEGO mAP50-95")),
        *(dot(across.at(classical), up.at(lego), 3, "earlier") for classical, lego in earlier),
        f'<polyline class="line ink" points="{" ".join(f"{left:.1f},{top:.1f}" for left, top in path)}"/>',
        *(dot(left, top, 2.5, "ink-fill") for left, top in path[1:]),
        dot(*path[0], 4, "base-fill"),
        f'<text class="name base-fill" x="{path[0][0]:.1f}" y="{path[0][1] - 7:.1f}" text-anchor="middle">base</text>',
        dot(x, y, 5, "new-fill"),
        f'<text class="name new-fill" x="{x:.1f}" y="{y - 9:.1f}" text-anchor="middle">{alpha}</text>',
    ]
    description = f"classical against LEGO signs, mAP50-95; selected: {alpha}"
    return chart_svg("LEGO mAP50-95 over classical mAP50-95", description, "".join(content))


def dot(x: float, y: float, radius: float, style: str) -> str:
    """Draw a circle around a pixel, as SVG."""
    return f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>'


def validation_point(score: Score) -> Point | None:
    """The place of weights in the chart, None where one of the slices has no val image."""
    point = (score.classical_map50_95, score.lego_map50_95)
    return point if all(map(math.isfinite, point)) else None


def precision_recall_chart(results: SliceResults) -> str:
    """Draw precision over recall at an IoU of 0.5, a line for the base and one for the new weights.

    Returns:
        An SVG element.
    """
    across = fit_scale(METRIC_RANGE, LEFT, WIDTH - NARROW_RIGHT, 5)
    up = fit_scale(METRIC_RANGE, HEIGHT - BOTTOM, TOP, 5)
    lines = []
    for evaluation, style in ((results.base, "base"), (results.new, "new")):
        curve = zip(RECALLS, precision_recall_curve(evaluation.matches), strict=True)
        points = " ".join(f"{across.at(recall):.1f},{up.at(precision):.1f}" for recall, precision in curve)
        lines.append(f'<polyline class="line {style}" points="{points}"/>')
    title = f"{results.name}: precision over recall"
    names = "".join(
        f'<text class="name {style}-fill" x="{LEFT + 8}" y="{HEIGHT - BOTTOM - 8 - 15 * row}">{style}</text>'
        for row, style in enumerate(("new", "base"))
    )
    return chart_svg(title, title, f"{grid(across, up, ('recall', 'precision'))}{''.join(lines)}{names}")


def confidence_chart(class_name: str, curves: npt.NDArray[np.float64], threshold: float) -> str:
    """Draw precision, recall and F1 of one class over the confidence, with the advised threshold.

    Args:
        class_name: The chart's title.
        curves: Shape (3, 101), as `confidence_curves` gives them.
        threshold: From which confidence on detections of the class should be believed, 0 to 1.

    Returns:
        An SVG element.
    """
    across = fit_scale(METRIC_RANGE, LEFT, WIDTH - NARROW_RIGHT, 5)
    up = fit_scale(METRIC_RANGE, HEIGHT - BOTTOM, TOP, 5)
    content = [grid(across, up, ("confidence", "precision, recall, F1"))]
    for row, (name, curve) in enumerate(zip(("precision", "recall", "F1"), curves, strict=True)):
        style = ("one", "two", "ink")[row]
        known = [(x, y) for x, y in zip(CONFIDENCES, curve, strict=True) if math.isfinite(y)]
        points = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in known)
        content.append(f'<polyline class="line {style}" points="{points}"/>')
        y = HEIGHT - BOTTOM - 8 - 15 * (2 - row)
        content.append(f'<text class="name {style}-fill" x="{LEFT + 8}" y="{y}">{name}</text>')
    left, side = (across.at(threshold), "start" if threshold < 0.5 else "end")
    content.append(f'<line class="threshold" x1="{left:.1f}" x2="{left:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
    x = left + (5 if side == "start" else -5)
    content.append(f'<text x="{x:.1f}" y="{TOP + 60}" text-anchor="{side}">advised {threshold:.3g}</text>')
    best = f"best F1 {np.nanmax(curves[2]):.3g}" if np.isfinite(curves[2]).any() else "no annotated box"
    description = f"{class_name}: precision, recall and F1 over confidence; advised threshold {threshold:.3g}, {best}"
    return chart_svg(class_name, description, "".join(content))
