"""Training curves as inline SVG: nothing to load, sharp in print, coloured by the page's `STYLE`."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import pandas as pd

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360, 220, 46, 84, 34, 36
SIDE = 16  # pixels to the right of a chart without labels at the ends of its lines
LABEL_GAP = 14  # pixels between two labels at the ends of lines
LINES = """
.charts svg { font: 11px system-ui, sans-serif; }
.charts text { fill: var(--soft); } .charts .title { fill: var(--ink); font-size: 13px; font-weight: 600; }
.charts .grid { stroke: var(--line); } .charts .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
.charts .name { font-weight: 600; font-size: 12px; }
.charts .first { stroke: var(--first); } .charts .second { stroke: var(--second); stroke-dasharray: 5 3; }
.charts .earlier { fill: none; stroke: var(--soft); }
.charts .first-fill { fill: var(--first); } .charts .second-fill { fill: var(--second); }
"""
STYLE = f"""
:root {{ --first: #0b57d0; --second: #b3460b; }}
.charts {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); gap: 1.25rem; }}
.charts svg {{ width: 100%; height: auto; }}
@media (prefers-color-scheme: dark) {{ :root {{ --first: #8ab4f8; --second: #ffb07c; }} }}
@media print {{ :root {{ --first: #0b57d0; --second: #b3460b; }} }}
{LINES}"""
STYLES = ("first", "second")  # a chart has at most two lines
SHARE = (0.0, 1.0)
PANELS: Mapping[str, Mapping[str, str]] = {
    "Box loss": {"train": "train/box_loss", "val": "val/box_loss"},
    "Class loss": {"train": "train/cls_loss", "val": "val/cls_loss"},
    "Distribution focal loss": {"train": "train/dfl_loss", "val": "val/dfl_loss"},
    "mAP50-95 of each slice": {"classical": "slices/classical_map50_95", "LEGO": "slices/lego_map50_95"},
    "mAP on all val images": {"mAP50": "metrics/mAP50(B)", "mAP50-95": "metrics/mAP50-95(B)"},
    "Precision and recall on all val images": {"precision": "metrics/precision(B)", "recall": "metrics/recall(B)"},
    "Learning rate": {"": "lr/pg0"},
}


@dataclass(frozen=True)
class Scale:
    """How values in [low, high] are placed on pixels from `start` to `end`, and where the ticks are."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """The pixel of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def training_curves(results: pd.DataFrame) -> list[str]:
    """A chart for each pair of curves in Ultralytics' results (a row an epoch), each an SVG element.

    Curves without a column are left out, points that are no finite number too.
    """
    charts: list[str] = []
    if "epoch" not in results:
        return charts
    for title, names in PANELS.items():
        series = {label: finite_points(results, column) for label, column in names.items() if column in results}
        if any(series.values()):
            is_share = all(column.startswith(("metrics/", "slices/")) for column in names.values())
            charts.append(chart(title, {k: v for k, v in series.items() if v}, SHARE if is_share else None))
    return charts


def curves_picture(results: pd.DataFrame, columns: int = 3) -> str:
    """The charts as one SVG picture on white, to be shown where the page's style is not at hand."""
    charts = training_curves(results)
    placed = "".join(
        f'<g transform="translate({index % columns * WIDTH} {index // columns * HEIGHT})">{one}</g>'
        for index, one in enumerate(charts)
    )
    width, height = columns * WIDTH, -(-len(charts) // columns) * HEIGHT
    colors = ":root { --ink: #1d2129; --soft: #5b6270; --line: #8884; --first: #0b57d0; --second: #b3460b; }"
    sized = placed.replace("<svg ", f'<svg width="{WIDTH}" height="{HEIGHT}" ')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" class="charts">'
        f"<style>{LINES}{colors}</style><rect width='100%' height='100%' fill='white'/>{sized}</svg>"
    )


def finite_points(results: pd.DataFrame, column: str) -> list[tuple[float, float]]:
    """Epoch and value of each row that has one."""
    values = pd.to_numeric(results[column], errors="coerce")
    pairs = zip(results["epoch"], values, strict=True)
    return [(float(epoch), float(value)) for epoch, value in pairs if math.isfinite(value)]


def nice_step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5, 10, … times a power of ten that divides a span into at most `most` parts."""
    power = 10.0 ** math.floor(math.log10(span / most))
    return next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= most * (1 + 1e-9))


def scale_of(values: Sequence[float], start: float, end: float, most: int, whole: bool = False) -> Scale:
    """A scale over these values with round ticks; `whole` for ticks that are whole numbers and no wider than they."""
    low, high = min(values), max(values)
    if high == low:
        low, high = low - (abs(low) or 1) / 2, high + (abs(high) or 1) / 2
    step = max(nice_step(high - low, most), 1.0) if whole else nice_step(high - low, most)
    if not whole:
        low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return Scale(low, high, start, end, tuple(number * step for number in range(first, last + 1)))


def chart(
    title: str, series: Mapping[str, Sequence[tuple[float, float]]], limits: tuple[float, float] | None = None
) -> str:
    """One chart of up to two lines, each a list of epoch and value; `limits` fixes the values' axis."""
    points = [point for line in series.values() for point in line]
    epochs = scale_of([epoch for epoch, _ in points], LEFT, WIDTH - RIGHT, 6, whole=True)
    values = scale_of(limits or [value for _, value in points], HEIGHT - BOTTOM, TOP, 5)
    lines = [curve(line, style, epochs, values) for line, style in zip(series.values(), STYLES, strict=False)]
    ends = "; ".join(f"{name} {line[0][1]:.4g} to {line[-1][1]:.4g}".strip() for name, line in series.items())
    told = f"{title}, first to last epoch: {ends}"
    return framed(title, told, f"{axes(epochs, values)}{''.join(lines)}{end_labels(series, values)}")


def framed(title: str, told: str, content: str) -> str:
    """A chart's SVG element: its title above, `told` for those who hear it, and its content."""
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(told)}">'
        f'<text class="title" x="4" y="18">{escape(title)}</text>{content}</svg>'
    )


def curve(points: Sequence[tuple[float, float]], style: str, epochs: Scale, values: Scale) -> str:
    """A line through the points and a dot on the last one."""
    placed = [(epochs.at(epoch), values.at(value)) for epoch, value in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    x, y = placed[-1]
    dot = f'<circle class="{style}-fill" cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
    return f'<polyline class="line {style}" points="{path}"/>{dot}'


def end_labels(series: Mapping[str, Sequence[tuple[float, float]]], values: Scale) -> str:
    """The lines' names and last values beside their ends, moved apart where they would overlap."""
    top, bottom = TOP + 4, HEIGHT - BOTTOM - 12
    wanted = [min(max(values.at(line[-1][1]), top), bottom) for line in series.values()]
    if len(wanted) == 2 and abs(wanted[0] - wanted[1]) < 2 * LABEL_GAP:
        middle = min(max(sum(wanted) / 2, top + LABEL_GAP), bottom - LABEL_GAP)
        down = 1 if wanted[0] > wanted[1] else -1
        wanted = [middle + down * LABEL_GAP, middle - down * LABEL_GAP]
    parts = []
    for (name, line), style, y in zip(series.items(), STYLES, wanted, strict=False):
        x = WIDTH - RIGHT + 8
        parts.append(f'<text class="name {style}-fill" x="{x}" y="{y - 1:.1f}">{escape(name)}</text>')
        parts.append(f'<text x="{x}" y="{y + 11:.1f}">{line[-1][1]:.3g}</text>')
    return "".join(parts)


def axes(epochs: Scale, values: Scale) -> str:
    """A line across with its value for each tick, and the epochs below."""
    unit = f'<text x="{WIDTH - RIGHT + 14}" y="{HEIGHT - BOTTOM + 16}">epoch</text>'
    return f"{levels(values, WIDTH - RIGHT)}{numbers_below(epochs, '.0f')}{unit}"


def grid(across: Scale, up: Scale) -> str:
    """Lines and numbers of both axes, where both are metrics; as wide as `across`."""
    xs = [across.at(tick) for tick in across.ticks]
    lines = [f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>' for x in xs]
    return f"{levels(up, across.end)}{''.join(lines)}{numbers_below(across, '.4g')}"


def levels(values: Scale, right: float) -> str:
    """A line across with its value for each tick, up to the pixel `right`."""
    return "".join(
        f'<line class="grid" x1="{LEFT}" x2="{right:g}" y1="{values.at(tick):.1f}" y2="{values.at(tick):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{values.at(tick) + 4:.1f}" text-anchor="end">{tick:.4g}</text>'
        for tick in values.ticks
    )


def numbers_below(scale: Scale, digits: str) -> str:
    """The ticks' numbers below the chart."""
    return "".join(
        f'<text x="{scale.at(tick):.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:{digits}}</text>'
        for tick in scale.ticks
    )
