"""What changed from base to new weights as one picture, for places that show no page: a drawing of its own."""

from html import escape

import pandas as pd

from legosigns_dagster.core.evaluation.comparison import Comparison
from legosigns_dagster.core.evaluation.formatting import format_change
from legosigns_dagster.core.palette import page_colors
from legosigns_dagster.core.report.headline import BAR_STYLE, HEIGHT, SYMBOLS, WIDTH, headline_rows, interval_bar
from legosigns_dagster.core.report.tables import VERDICT_STYLES

SCALE = 1.6  # of a bar, against the page's
TEXT_PX, MARGIN_PX = 52, 16  # above a bar, and around everything
NOTHING = '<text x="16" y="32">there is no image to compare on</text>'
STYLE = """
text { font: 13px system-ui, sans-serif; fill: var(--soft); } .verdict { font-size: 18px; font-weight: 700; }
.up { fill: var(--good); } .down { fill: var(--bad); } .same { fill: var(--open); }
"""


def comparison_picture(comparison: Comparison) -> str:
    """Draw the verdict on each slice with its interval, as an SVG document on white that needs no page's style."""
    rows = [row for _, row in headline_rows(comparison).iterrows()]
    step = TEXT_PX + HEIGHT * SCALE + MARGIN_PX
    drawn = "".join(draw_row(row, MARGIN_PX + number * step) for number, row in enumerate(rows))
    size = f'width="{WIDTH * SCALE + 2 * MARGIN_PX:g}" height="{MARGIN_PX + max(len(rows), 1) * step:g}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>:root {{ {page_colors()} }}{BAR_STYLE}{STYLE}</style>'
        f'<rect width="100%" height="100%" fill="white"/>{drawn or NOTHING}'
        "</svg>"
    )


def draw_row(row: pd.Series, top: float) -> str:
    """Draw the verdict, the figures and the bar of one slice, from this pixel on."""
    style, symbol = VERDICT_STYLES[row["verdict"]], SYMBOLS[row["verdict"]]
    bar = interval_bar(row).replace(
        "<svg ", f'<svg x="{MARGIN_PX}" y="{top + TEXT_PX:g}" width="{WIDTH * SCALE:g}" height="{HEIGHT * SCALE:g}" '
    )
    return (
        f'<text class="verdict {style}" x="{MARGIN_PX}" y="{top + 18:g}">'
        f"{escape(row['slice'])}: {symbol} {row['verdict']}</text>"
        f'<text x="{MARGIN_PX}" y="{top + 40:g}">{escape(format_change(row))}</text>{bar}'
    )
