"""The verdict on each slice, as a card: what came out, in one plain sentence, and how sure that is, as a bar."""

import math
from html import escape

import pandas as pd

from legosigns_dagster.core.evaluation.bootstrap import MIN_EFFECT, MIN_GROUPS, Verdict
from legosigns_dagster.core.evaluation.comparison import Comparison
from legosigns_dagster.core.evaluation.evaluation import ALL
from legosigns_dagster.core.evaluation.formatting import (
    METRIC_TITLES,
    format_change,
    format_difference,
    format_images_needed,
    format_value,
)
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.report.scale import Scale, fit_scale
from legosigns_dagster.core.report.tables import VERDICT_STYLES

SKILLS = {Slice.CLASSICAL.title: "Old skill: classical signs", Slice.LEGO.title: "New skill: LEGO signs"}
SYMBOLS = {Verdict.BETTER: "▲", Verdict.WORSE: "▼", Verdict.INCONCLUSIVE: "◆"}  # a verdict is more than its colour
BAR_STYLE = """
.interval text { font: 11px system-ui, sans-serif; fill: var(--soft); } .interval line { stroke: var(--line); }
.interval .zero { stroke: var(--ink); stroke-width: 1.5; } .interval circle { fill: var(--ink); }
.interval rect { fill: var(--open); fill-opacity: .55; }
.interval.up rect { fill: var(--good); } .interval.down rect { fill: var(--bad); }
"""
WIDTH, MARGIN, AXIS, HEIGHT = 320, 16, 40, 76  # of the bar, in px; `AXIS` is the height of the axis from the top


def verdict_cards(comparison: Comparison) -> str:
    """Write a card for each slice."""
    rows = headline_rows(comparison)
    return f'<div class="cards">{"".join(verdict_card(row) for _, row in rows.iterrows())}</div>' if len(rows) else ""


def headline_rows(comparison: Comparison) -> pd.DataFrame:
    """Choose the rows of a comparison that its verdicts are about: one for each slice."""
    table = comparison.table
    return table[(table["class_name"] == ALL) & table["headline"]]


def verdict_card(row: pd.Series) -> str:
    """Write the card of one slice, given the row of its headline metric."""
    style, title = VERDICT_STYLES[row["verdict"]], SKILLS.get(row["slice"], row["slice"])
    return (
        f'<article class="card {style}"><h3>{escape(title)}</h3>'
        f'<p class="verdict"><span aria-hidden="true">{SYMBOLS[row["verdict"]]}</span> {row["verdict"]}</p>'
        f"<p>{plain_sentence(row)}</p>{interval_bar(row)}"
        f'<p class="note">{escape(row["slice"])}: {row["verdict"]}, {format_change(row)}.</p></article>'
    )


def plain_sentence(row: pd.Series) -> str:
    """Say what a verdict means, for people who do not read intervals.

    Example:
        >>> figures = {"metric": "map50", "difference": 0.39, "low": 0.179, "high": 0.633, "verdict": "better"}
        >>> plain_sentence(pd.Series(figures))
        'The new weights are better: mAP50 rose by 0.390, which is more than chance explains.'
    """
    if math.isnan(row["low"]):
        return f"Too few images for a verdict: at least {MIN_GROUPS} groups of images with such signs are needed."
    if row["verdict"] == Verdict.INCONCLUSIVE:
        sentence = f"The difference may be chance: {row['images']} images do not tell which weights are better."
        return f"{sentence} {format_images_needed(row)}".strip()
    moved = "rose" if row["verdict"] == Verdict.BETTER else "fell"
    amount = format_value(abs(row["difference"]))
    sentence = f"The new weights are {row['verdict']}: {METRIC_TITLES[row['metric']]} {moved} by {amount}, "
    return f"{sentence}which is more than chance explains.{rounding_note(row)}"


def rounding_note(row: pd.Series) -> str:
    """Say on which side of 0 an end of the interval is that is shown as 0.000 but is not 0."""
    nearest = row["low"] if row["verdict"] == Verdict.BETTER else row["high"]
    side = "above" if nearest > 0 else "below"
    return f" The end of the interval that rounds to 0.000 is {side} 0." if not float(format_value(nearest)) else ""


def interval_bar(row: pd.Series) -> str:
    """Draw the 95 % interval of a difference on an axis around 0, with the difference as a dot.

    Returns:
        An SVG element. Empty where there is no interval.
    """
    low, high, difference = float(row["low"]), float(row["high"]), float(row["difference"])
    if math.isnan(low):
        return ""
    limit = max(abs(low), abs(high), abs(difference), MIN_EFFECT)
    scale = fit_scale([-limit, limit], MARGIN, WIDTH - MARGIN, 4)
    left, right = scale.at(low), scale.at(high)
    description = f"95 % interval from {format_difference(low)} to {format_difference(high)}, new minus base"
    return (
        f'<svg class="interval {VERDICT_STYLES[row["verdict"]]}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{description}"><text x="{MARGIN}" y="12">← new weights worse</text>'
        f'<text x="{WIDTH - MARGIN}" y="12" text-anchor="end">new weights better →</text>{bar_axis(scale)}'
        f'<text x="{WIDTH / 2:g}" y="{HEIGHT - 4}" text-anchor="middle">{METRIC_TITLES[row["metric"]]}, '
        "new minus base</text>"
        f'<rect x="{left:.1f}" y="{AXIS - 14}" width="{max(right - left, 2):.1f}" height="10" rx="3"/>'
        f'<circle cx="{scale.at(difference):.1f}" cy="{AXIS - 9}" r="4"/></svg>'
    )


def bar_axis(scale: Scale) -> str:
    """Draw the axis below a bar, with a number at each tick and a line at 0, as SVG."""
    ticks = "".join(
        f'<line x1="{scale.at(tick):.1f}" x2="{scale.at(tick):.1f}" y1="{AXIS}" y2="{AXIS + 4}"/>'
        f'<text x="{scale.at(tick):.1f}" y="{AXIS + 17}" text-anchor="middle">{tick_label(tick)}</text>'
        for tick in scale.ticks
    )
    zero = f'<line class="zero" x1="{scale.at(0):.1f}" x2="{scale.at(0):.1f}" y1="18" y2="{AXIS + 4}"/>'
    return f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{AXIS}" y2="{AXIS}"/>{ticks}{zero}'


def tick_label(value: float) -> str:
    """Write the number of a tick with its sign, as short as it can be."""
    return f"{value:+.3g}" if abs(value) > 1e-9 else "0"
