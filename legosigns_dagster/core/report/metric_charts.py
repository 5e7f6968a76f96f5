"""Classical signs against LEGO signs as one chart: where base, mixtures, earlier runs and this run's weights lie."""

import math
from collections.abc import Mapping, Sequence

from legosigns_dagster.core.evaluation.average_precision import RECALLS, precision_over_recall
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.report.charts import BOTTOM, HEIGHT, LEFT, SHARE, SIDE, TOP, WIDTH, framed, grid, scale_of

Point = tuple[float, float]  # classical mAP50-95, LEGO mAP50-95


def trade_off(mixtures: Sequence[Mapping[str, float | None]], runs: Sequence[Point]) -> str:
    """An SVG element; `mixtures` are facts of `Mixture`, base first and chosen last, `runs` those before this one.

    Empty where there is nothing to show.
    """
    known = [(point, mixture["alpha"]) for mixture in mixtures if (point := point_of(mixture))]
    if not known:
        return ""
    earlier = [run for run in runs if all(map(math.isfinite, run))]
    points = [*(point for point, _ in known), *earlier]
    across = scale_of([x for x, _ in points], LEFT, WIDTH - SIDE, 4)
    up = scale_of([y for _, y in points], HEIGHT - BOTTOM, TOP, 5)
    *path, (x, y) = [(across.at(classical), up.at(lego)) for (classical, lego), _ in known]
    alpha = f"alpha {known[-1][1]:g}"
    content = [
        grid(across, up),
        *(dot(across.at(classical), up.at(lego), 3, "earlier") for classical, lego in earlier),
        f'<polyline class="line first" points="{" ".join(f"{left:.1f},{top:.1f}" for left, top in path)}"/>',
        *(dot(left, top, 2.5, "first-fill") for left, top in path),
        f'<text x="{path[0][0]:.1f}" y="{path[0][1] - 7:.1f}" text-anchor="middle">base</text>',
        dot(x, y, 5, "second-fill"),
        f'<text class="name second-fill" x="{x:.1f}" y="{y - 9:.1f}" text-anchor="middle">{alpha}</text>',
    ]
    told = f"classical against LEGO signs, mAP50-95; chosen: {alpha}"
    return framed("LEGO mAP50-95 over classical mAP50-95", told, "".join(content))


def dot(x: float, y: float, radius: float, style: str) -> str:
    """A circle around a pixel."""
    return f'<circle class="{style}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}"/>'


def point_of(mixture: Mapping[str, float | None]) -> Point | None:
    """A mixture's place; None where one of its slices has no image."""
    classical, lego = mixture["classical_map50_95"], mixture["lego_map50_95"]
    return None if classical is None or lego is None else (classical, lego)


def precision_recall(part: SliceResults) -> str:
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
