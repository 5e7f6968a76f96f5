"""Precision over recall of both weights on a slice, as an SVG chart."""

from html import escape

from legosigns_dagster.core.average_precision import RECALLS, precision_over_recall
from legosigns_dagster.core.charts import BOTTOM, HEIGHT, LEFT, SHARE, TOP, WIDTH, scale_of
from legosigns_dagster.core.comparison import Slice
from legosigns_dagster.core.trade_off import SIDE, grid


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
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<text class="title" x="4" y="18">{escape(title)}</text>{grid(across, up)}{"".join(lines)}{names}</svg>'
    )
