"""The comparison as one page that opens from a file: no script, no network. No number is computed here."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import ClassVar

import pandas as pd

from legosigns_dagster.core.bootstrap import RESAMPLES
from legosigns_dagster.core.charts import STYLE as CHART_STYLE
from legosigns_dagster.core.charts import training_curves
from legosigns_dagster.core.comparison import COLUMNS, Comparison, Slice
from legosigns_dagster.core.gallery import Strip, strips_of
from legosigns_dagster.core.precision_recall import precision_recall
from legosigns_dagster.core.report_tables import errors, table

FIGURES = ["base", "new", "difference", "low", "high"]
STRIPS = 8  # for each slice
STYLE = """
:root { color-scheme: light dark; --ink: #1d2129; --soft: #5b6270; --line: #8884; --good: #1b7f3b; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaf0; --soft: #a8afbd; --good: #6fd58c; --bad: #ff8a80; }
}
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); margin: 0 auto; max-width: 78rem; padding: 1rem; }
h1 { font-size: 1.6rem; margin: .5rem 0; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
.lead { font-size: 1.1rem; } .note, .same, figcaption { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .4rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
small { color: var(--soft); font-weight: 400; } td.verdict { white-space: normal; min-width: 6rem; }
th.text, td.text { text-align: left; } thead th { font-weight: 600; }
tr.all > * { border-top: 2px solid var(--line); font-weight: 600; } tr.class > * { font-weight: 400; }
.up { color: var(--good); } .down { color: var(--bad); }
figure { margin: 0 0 1.25rem; } figure img { width: 100%; height: auto; border-radius: 4px; }
figcaption { font-size: .9rem; }
.panels { display: flex; font-size: .9rem; } .panels span { flex: 1; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; }
dt { font-weight: 600; } dd { margin: 0; overflow-wrap: anywhere; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } }
@page { size: landscape; }
@media print { .scroll { overflow: visible; } table { font-size: .55rem; } }
@media print { th, td { padding: .15rem .2rem; } td.verdict { min-width: 0; } }
@media print { figure, table, svg { break-inside: avoid; } body { max-width: none; } }
"""


@dataclass(frozen=True)
class ComparisonReport:
    """`comparison.html`, `metrics.json` and `metrics.csv` in a folder, and the comparison they show."""

    downloads: ClassVar[tuple[str, ...]] = ("comparison.html", "metrics.json", "metrics.csv")
    folder: Path
    comparison: Comparison

    def save(self) -> Path:
        """Write the figures beside the page and return the folder."""
        self.comparison.table.to_csv(self.folder / "metrics.csv", index=False, lineterminator="\n")
        figures = json.dumps(self.comparison.as_json(), indent=1)
        (self.folder / "metrics.json").write_text(figures, encoding="utf-8")
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "ComparisonReport":
        """The report that `save` left in this folder."""
        table = pd.read_csv(folder / "metrics.csv", keep_default_na=False, na_values={name: [""] for name in FIGURES})
        return cls(folder, Comparison(table[COLUMNS]))


def write_report(
    comparison: Comparison,
    slices: Sequence[Slice],
    curves: pd.DataFrame | None,
    facts: Mapping[str, str],
    into: Path,
    trade_off: str = "",
) -> ComparisonReport:
    """Write the page into a folder; `curves` has a row an epoch, `facts` a line each, `trade_off` is an SVG element."""
    strips = {part.name: strips_of(part, STRIPS) for part in slices}
    charts = [trade_off, *map(precision_recall, slices), *(training_curves(curves) if curves is not None else [])]
    page = render(comparison, strips, "".join(charts), facts, "".join(map(errors, slices)))
    (into / "comparison.html").write_text(page, encoding="utf-8")
    return ComparisonReport(into, comparison)


def render(
    comparison: Comparison, strips: Mapping[str, Sequence[Strip]], charts: str, facts: Mapping[str, str], doubts: str
) -> str:
    """The page's HTML."""
    gallery = "".join(
        f"<h2>{escape(name)}: the same images, truth, base and new</h2>{''.join(map(figure, found))}"
        for name, found in strips.items()
    )
    listed = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in facts.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Base against new weights</title><style>{STYLE}{CHART_STYLE}</style>
</head>
<body>
<h1>Base against new weights</h1>
<p class="lead">{escape(sentence(comparison))}</p>
<div class="scroll">{table(comparison)}</div>
<p class="note">{escape(caution(comparison))}</p>
<h2>Charts</h2>
<div class="charts">{charts or "<p>There are no curves.</p>"}</div>
{gallery}
{doubts}
<h2>What was compared</h2>
<dl>{listed}</dl>
</body>
</html>
"""


def sentence(comparison: Comparison) -> str:
    """The verdict on each slice, in a sentence each."""
    return " ".join(comparison.verdict(str(name)) for name in comparison.table["slice"].unique())


def caution(comparison: Comparison) -> str:
    """How many images there are, what the intervals say, and what they do not."""
    rows = comparison.table[comparison.table["class_name"] == "all"].drop_duplicates("slice")
    counts = ", ".join(f"{row.slice}: {row.images} images with {row.boxes} boxes" for row in rows.itertuples())
    return (
        f"{counts}. Intervals hold 95 % of {RESAMPLES} comparisons of both weights on the same resampled scenes; a "
        "verdict is given where the whole interval is on one side. The checkpoint and the mixture were chosen on these "
        "images, which flatters the new weights a little, and another training would differ a little too."
    )


def figure(strip: Strip) -> str:
    """One image three times, with what the new weights gained and lost on it."""
    changes = [f"{strip.gained} newly found"] * bool(strip.gained) + [f"{strip.lost} no longer found"] * bool(
        strip.lost
    )
    caption = f"{strip.file}: {', '.join(changes) or 'the same signs found'}"
    encoded = base64.b64encode(strip.jpeg).decode()
    return (
        '<figure><div class="panels"><span>truth</span><span>base</span><span>new</span></div>'
        f'<img alt="{escape(caption, quote=True)}" src="data:image/jpeg;base64,{encoded}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )
