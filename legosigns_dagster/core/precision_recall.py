"""Precision over recall of both weights on a slice, as an SVG chart."""

from legosigns_dagster.core.evaluation.average_precision import RECALLS, precision_over_recall
from legosigns_dagster.core.report.charts import BOTTOM, HEIGHT, LEFT, SHARE, SIDE, TOP, WIDTH, framed, grid, scale_of
from legosigns_dagster.core.evaluation.comparison import Slice


def precision_recall(part: Slice) -> str:
    """An SVG element with a line for the base and one for the new weights, at an IoU of 0.5."""
    across, up = scale_of(SHARE, LEFT, WIDTH - SIDE, 5), scale_of(SHARE, HEIGHT - BOTTOM, TOP, 5)
    lines = []
    for evaluation, style in ((part.base, "second"), (part.new, "first")):
        curve = zip(RECALLS, precision_over_recall(evaluation.matches), strict=True)
        points = " ".join(f"{across.at(recall):.1f},{up.at(precision):.1f}" for recall, precision in curve)
        lines.append(f'<polyline class="line {style}" points="{points}"/>')
    title = f"{part.name}: precision over recall"
    names = "".join(
        f'<text class="name {style}-fill" x="{LEFT + 8}" y="{HEIGHT - BOTTOM - 8 - 15 * row}">{name}</text>'
        for row, (name, style) in enumerate((("new", "first"), ("base", "second")))
    )
    return framed(title, title, f"{grid(across, up)}{''.join(lines)}{names}")
