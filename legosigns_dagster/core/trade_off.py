"""Classical signs against LEGO signs as one chart: where base, mixtures, earlier runs and this run's weights lie."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from legosigns_dagster.core.charts import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, Scale, scale_of

SIDE = 16  # pixels between the plot and the chart's right edge
Point = tuple[float, float]  # classical mAP50-95, LEGO mAP50-95


def trade_off(mixtures: Sequence[Mapping[str, float | None]], runs: Sequence[Point]) -> str:
    """An SVG element; `mixtures` are facts of `Mixture`, base first and chosen last, `runs` those before this one.

    Empty where there is nothing to show.
    """
    path = [(point_of(mixture), mixture["alpha"]) for mixture in mixtures]
    known = [(point, alpha) for point, alpha in path if point]
    points = [point for point, _ in known] + [run for run in runs if all(map(math.isfinite, run))]
    if not known:
        return ""
    across = scale_of([x for x, _ in points], LEFT, WIDTH - SIDE, 4)
    up = scale_of([y for _, y in points], HEIGHT - BOTTOM, TOP, 5)
    placed = [(across.at(x), up.at(y)) for (x, y), _ in known]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed[:-1])
    earlier = "".join(
        f'<circle class="earlier" cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="3"/>' for x, y in points[len(known) :]
    )
    dots = "".join(f'<circle class="first-fill" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in placed[:-1])
    (x, y), (base_x, base_y) = placed[-1], placed[0]
    told = escape(f"classical against LEGO signs, mAP50-95; chosen: alpha {known[-1][1]:g}")
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{told}">'
        f'<text class="title" x="4" y="18">LEGO mAP50-95 over classical mAP50-95</text>{grid(across, up)}{earlier}'
        f'<polyline class="line first" points="{line}"/>{dots}'
        f'<text x="{base_x:.1f}" y="{base_y - 7:.1f}" text-anchor="middle">base</text>'
        f'<circle class="second-fill" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
        f'<text class="name second-fill" x="{x:.1f}" y="{y - 9:.1f}" text-anchor="middle">'
        f"alpha {known[-1][1]:g}</text></svg>"
    )


def point_of(mixture: Mapping[str, float | None]) -> Point | None:
    """A mixture's place; None where one of its slices has no image."""
    classical, lego = mixture["classical_map50_95"], mixture["lego_map50_95"]
    return None if classical is None or lego is None else (classical, lego)


def grid(across: Scale, up: Scale) -> str:
    """Lines and numbers of both axes."""
    parts = []
    for tick in up.ticks:
        y = up.at(tick)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - SIDE}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.4g}</text>')
    for tick in across.ticks:
        x = across.at(tick)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{tick:.4g}</text>')
    return "".join(parts)
