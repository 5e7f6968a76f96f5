"""Training curves as inline SVG: nothing to load, sharp in print, coloured by the page.

Sizes are in pixels of the chart, from its top-left corner.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

from legosigns_dagster.core.palette import page_colors
from legosigns_dagster.core.report.scale import Scale, fit_scale

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360, 220, 46, 84, 44, 36
NARROW_RIGHT = 16  # instead of RIGHT, for a chart without labels at the ends of its lines
LABEL_GAP = 14  # between two labels at the ends of lines
SVG_STYLE = """
.charts svg { font: 11px system-ui, sans-serif; }
.charts text { fill: var(--soft); } .charts .title { fill: var(--ink); font-size: 13px; font-weight: 600; }
.charts .grid { stroke: var(--line); } .charts .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.charts .name { font-weight: 600; font-size: 12px; }
.charts .new { stroke: var(--new); } .charts .base { stroke: var(--base); stroke-dasharray: 5 3; }
.charts .new-fill { fill: var(--new); } .charts .base-fill { fill: var(--base); }
.charts .one { stroke: var(--one); } .charts .two { stroke: var(--two); stroke-dasharray: 5 3; }
.charts .one-fill { fill: var(--one); } .charts .two-fill { fill: var(--two); }
.charts .ink { stroke: var(--ink); } .charts .ink-fill { fill: var(--ink); }
.charts .threshold { stroke: var(--ink); stroke-dasharray: 2 3; }
.charts .earlier { fill: none; stroke: var(--soft); }
"""
CHART_STYLE = f"""
.charts {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.25rem; }}
.charts svg {{ width: 100%; height: auto; }}
{SVG_STYLE}"""
LINE_STYLES = ("one", "two")  # a chart of one training has at most two lines
METRIC_RANGE = (0.0, 1.0)
# By title: the name of the vertical axis, and the column of each line.
PANELS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "Box loss": ("loss", {"train": "train/box_loss", "val": "val/box_loss"}),
    "Class loss": ("loss", {"train": "train/cls_loss", "val": "val/cls_loss"}),
    "Distribution focal loss": ("loss", {"train": "train/dfl_loss", "val": "val/dfl_loss"}),
    "mAP50-95 of each slice": (
        "mAP50-95",
        {"classical": "slices/classical_map50_95", "LEGO": "slices/lego_map50_95"},
    ),
    "mAP on all val images": ("mAP", {"mAP50": "metrics/mAP50(B)", "mAP50-95": "metrics/mAP50-95(B)"}),
    "Precision and recall on all val images": (
        "precision, recall",
        {"precision": "metrics/precision(B)", "recall": "metrics/recall(B)"},
    ),
    "Learning rate": ("rate", {"": "lr/pg0"}),
}


def training_curves(results: pd.DataFrame) -> list[str]:
    """Draw the curves in Ultralytics' results, which have a row an epoch.

    Returns:
        An SVG element for each entry of `PANELS` of which `results` has a column with a finite value.
    """
    charts: list[str] = []
    if "epoch" not in results:
        return charts
    for title, (value, names) in PANELS.items():
        series = {label: finite_points(results, column) for label, column in names.items() if column in results}
        if any(series.values()):
            are_metrics = all(column.startswith(("metrics/", "slices/")) for column in names.values())
            drawn = {label: points for label, points in series.items() if points}
            charts.append(chart(title, value, drawn, METRIC_RANGE if are_metrics else None))
    return charts


def curves_picture(results: pd.DataFrame, columns: int = 3) -> str:
    """Draw all charts as one SVG document on white that needs no style from a page."""
    charts = training_curves(results)
    placed = "".join(
        f'<g transform="translate({index % columns * WIDTH} {index // columns * HEIGHT})">{chart}</g>'
        for index, chart in enumerate(charts)
    )
    width, height = columns * WIDTH, -(-len(charts) // columns) * HEIGHT
    sized = placed.replace("<svg ", f'<svg width="{WIDTH}" height="{HEIGHT}" ')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" class="charts">'
        f"<style>:root {{ {page_colors()} }}{SVG_STYLE}</style>"
        f"<rect width='100%' height='100%' fill='white'/>{sized}</svg>"
    )


def finite_points(results: pd.DataFrame, column: str) -> list[tuple[float, float]]:
    """The pairs of epoch and value of a column, without values that are missing or infinite."""
    values = pd.to_numeric(results[column], errors="coerce")
    pairs = zip(results["epoch"], values, strict=True)
    return [(float(epoch), float(value)) for epoch, value in pairs if math.isfinite(value)]


def chart(
    title: str,
    value: str,
    series: Mapping[str, Sequence[tuple[float, float]]],
    limits: tuple[float, float] | None = None,
) -> str:
    """Draw a chart of up to two lines, each a list of epoch and value; `limits` fixes the range of the values."""
    points = [point for line in series.values() for point in line]
    epochs = fit_scale([epoch for epoch, _ in points], LEFT, WIDTH - RIGHT, 6, whole=True)
    values = fit_scale(limits or [value for _, value in points], HEIGHT - BOTTOM, TOP, 5)
    lines = [line_svg(line, style, epochs, values) for line, style in zip(series.values(), LINE_STYLES, strict=False)]
    ends = "; ".join(f"{name} {line[0][1]:.4g} to {line[-1][1]:.4g}".strip() for name, line in series.items())
    description = f"{title}, first to last epoch: {ends}"
    return chart_svg(title, description, f"{axes(epochs, values, value)}{''.join(lines)}{end_labels(series, values)}")


def chart_svg(title: str, description: str, content: str) -> str:
    """Write a chart's SVG element: a title above its content, and a description for screen readers."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(description)}">'
        f'<text class="title" x="4" y="18">{escape(title)}</text>{content}</svg>'
    )


def line_svg(points: Sequence[tuple[float, float]], style: str, epochs: Scale, values: Scale) -> str:
    """Draw a line through the points and a dot on the last one, as SVG."""
    placed = [(epochs.at(epoch), values.at(value)) for epoch, value in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    x, y = placed[-1]
    dot = f'<circle class="{style}-fill" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    return f'<polyline class="line {style}" points="{path}"/>{dot}'


def end_labels(series: Mapping[str, Sequence[tuple[float, float]]], values: Scale) -> str:
    """Write the lines' names and last values beside their ends, as SVG, moved apart where they would overlap."""
    top, bottom = TOP + 4, HEIGHT - BOTTOM - 12
    wanted = [min(max(values.at(line[-1][1]), top), bottom) for line in series.values()]
    if len(wanted) == 2 and abs(wanted[0] - wanted[1]) < 2 * LABEL_GAP:
        middle = min(max(sum(wanted) / 2, top + LABEL_GAP), bottom - LABEL_GAP)
        down = 1 if wanted[0] > wanted[1] else -1
        wanted = [middle + down * LABEL_GAP, middle - down * LABEL_GAP]
    parts = []
    for (name, line), style, y in zip(series.items(), LINE_STYLES, wanted, strict=False):
        x = WIDTH - RIGHT + 8
        parts.append(f'<text class="name {style}-fill" x="{x}" y="{y - 1:.1f}">{escape(name)}</text>')
        parts.append(f'<text x="{x}" y="{y + 11:.1f}">{line[-1][1]:.3g}</text>')
    return "".join(parts)


def axes(epochs: Scale, values: Scale, value: str) -> str:
    """Draw the axes of epochs and of values of this name, as SVG."""
    names = axis_names("epoch", value, WIDTH - RIGHT)
    return f"{value_axis(values, WIDTH - RIGHT)}{numbers_below(epochs, '.0f')}{names}"


def grid(across: Scale, up: Scale, names: tuple[str, str]) -> str:
    """Draw both axes where both are metrics, as SVG with lines in both directions.

    Args:
        across: The horizontal axis.
        up: The vertical axis.
        names: Of the horizontal and of the vertical axis.
    """
    xs = [across.at(tick) for tick in across.ticks]
    lines = [f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>' for x in xs]
    drawn = f"{value_axis(up, across.end)}{''.join(lines)}{numbers_below(across, '.4g')}"
    return f"{drawn}{axis_names(*names, across.end)}"


def axis_names(across: str, up: str, right: float) -> str:
    """Name the horizontal axis below its numbers, up to the pixel `right`, and the vertical one above its numbers."""
    return (
        f'<text class="axis" x="{right:g}" y="{HEIGHT - 4}" text-anchor="end">{escape(across)}</text>'
        f'<text class="axis" x="4" y="{TOP - 11}">{escape(up)}</text>'
    )


def value_axis(values: Scale, right: float) -> str:
    """Draw a horizontal line and a number for each tick, as SVG, up to the pixel `right`."""
    return "".join(
        f'<line class="grid" x1="{LEFT}" x2="{right:g}" y1="{values.at(tick):.1f}" y2="{values.at(tick):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{values.at(tick) + 4:.1f}" text-anchor="end">{tick:.4g}</text>'
        for tick in values.ticks
    )


def numbers_below(scale: Scale, number_format: str) -> str:
    """Write the number of each tick below the chart, as SVG, in a format such as `.0f`."""
    return "".join(
        f'<text x="{scale.at(tick):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:{number_format}}</text>'
        for tick in scale.ticks
    )
