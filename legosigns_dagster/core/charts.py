"""Training curves as inline SVG: nothing to load, sharp in print."""

from collections.abc import Mapping, Sequence
from html import escape

import pandas as pd

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 340, 200, 44, 12, 28, 26
COLORS = ["#1565c0", "#e65100"]
PANELS: Mapping[str, Mapping[str, str]] = {
    "box loss": {"train": "train/box_loss", "val": "val/box_loss"},
    "class loss": {"train": "train/cls_loss", "val": "val/cls_loss"},
    "mAP on both val parts": {"mAP50": "metrics/mAP50(B)", "mAP50-95": "metrics/mAP50-95(B)"},
    "precision and recall": {"precision": "metrics/precision(B)", "recall": "metrics/recall(B)"},
}


def training_curves(results: pd.DataFrame) -> str:
    """A panel for each pair of curves in Ultralytics' results (a row an epoch), as SVG elements side by side."""
    panels = []
    for title, names in PANELS.items():
        series = {label: [float(v) for v in results[column]] for label, column in names.items() if column in results}
        if series:
            panels.append(chart(title, [int(epoch) for epoch in results["epoch"]], series))
    return "\n".join(panels)


def chart(title: str, epochs: Sequence[int], series: Mapping[str, Sequence[float]]) -> str:
    """One panel: a line a series, named at its end, with the lowest and highest value and the epochs as ticks."""
    values = [value for line in series.values() for value in line if value == value]
    low, high = min(values, default=0.0), max(values, default=1.0)
    high = high if high > low else low + 1
    last = max(epochs[-1] - epochs[0], 1)

    def at(epoch: int, value: float) -> tuple[float, float]:
        x = LEFT + (epoch - epochs[0]) / last * (WIDTH - LEFT - RIGHT)
        return x, HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    lines = []
    for number, (label, line) in enumerate(series.items()):
        points = [at(epoch, value) for epoch, value in zip(epochs, line, strict=True) if value == value]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        color = COLORS[number % len(COLORS)]
        lines.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{color}"/>' for x, y in points]
        where = WIDTH - RIGHT - 70 * (len(series) - 1 - number)
        lines.append(f'<text x="{where}" y="16" text-anchor="end" fill="{color}">{escape(label)}</text>')
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f'<text x="4" y="16" class="title">{escape(title)}</text>{axes(low, high, epochs)}{"".join(lines)}</svg>'
    )


def axes(low: float, high: float, epochs: Sequence[int]) -> str:
    """Three lines across with their values, and the first and last epoch."""
    parts = []
    for share in (0.0, 0.5, 1.0):
        y = HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 4}" y="{y + 4}" text-anchor="end">{low + share * (high - low):.2f}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 8}">epoch {epochs[0]}</text>')
    parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">{epochs[-1]}</text>')
    return "".join(parts)
