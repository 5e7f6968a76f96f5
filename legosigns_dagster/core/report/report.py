"""The comparison as one page that opens from a file: no script, no network. No number is computed here."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import ClassVar

import pandas as pd

from legosigns_dagster.core.evaluation.bootstrap import RESAMPLES
from legosigns_dagster.core.evaluation.comparison import COLUMNS, Comparison, SliceResults
from legosigns_dagster.core.evaluation.flips import GAINED, LOST, find_flips
from legosigns_dagster.core.files import FolderIndex
from legosigns_dagster.core.report.charts import STYLE as CHART_STYLE
from legosigns_dagster.core.report.charts import training_curves
from legosigns_dagster.core.report.flip_pictures import COLORS, Picture, draw_flip, flip_caption
from legosigns_dagster.core.report.metric_charts import precision_recall
from legosigns_dagster.core.report.notes import Told
from legosigns_dagster.core.report.tables import errors, table

FIGURES = ["base", "new", "difference", "low", "high"]
MOST = 12  # pictures for each slice and way
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
figure { margin: 0; } figure img { width: 100%; height: auto; border-radius: 4px; }
figcaption { font-size: .9rem; }
.flips { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 17rem), 1fr)); gap: 1rem; }
.careful { border-left: 4px solid var(--bad); padding-left: .75rem; }
.key b { padding: 0 .4rem; border-radius: 3px; background: #222; }
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
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

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
    comparison: Comparison, slices: Sequence[SliceResults], curves: pd.DataFrame | None, told: Told, into: Path
) -> ComparisonReport:
    """Write the page into a folder; `curves` has a row an epoch."""
    charts = [told.trade_off, *map(precision_recall, slices), *(training_curves(curves) if curves is not None else [])]
    page = render(comparison, "".join(map(gallery, slices)), "".join(charts), told, "".join(map(errors, slices)))
    (into / "comparison.html").write_text(page, encoding="utf-8")
    return ComparisonReport(into, comparison)


def render(comparison: Comparison, flips: str, charts: str, told: Told, doubts: str) -> str:
    """The page's HTML."""
    careful = "".join(f'<p class="careful">{escape(caution)}</p>' for caution in told.cautions)
    listed = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in told.facts.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Base against new weights</title><style>{STYLE}{CHART_STYLE}</style>
</head>
<body>
<h1>Base against new weights</h1>
<p class="lead">{escape(sentence(comparison))}</p>
{careful}
<div class="scroll">{table(comparison)}</div>
<p class="note">{escape(caution(comparison))}</p>
<h2>Charts</h2>
<div class="charts">{charts or "<p>There are no curves.</p>"}</div>
{flips}
{doubts}
<h2>What synthesis contributed</h2>
{told.synthesis}
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
        "verdict is given where the whole interval is on one side. Another training would differ a little too."
    )


def gallery(part: SliceResults) -> str:
    """What flipped on a slice, the worse way first, each with how often."""
    found, sources = find_flips(part), part.dataset.sources_by_file()
    key = " ".join(f'<b style="color: {color}">{name}</b>' for name, color in COLORS.items())
    shown = [f'<h2>{escape(part.name)}: what flipped</h2><p class="key">Boxes: {key}</p>']
    for way in (LOST, GAINED):
        mine = [flip for flip in found if flip.way == way]
        first = f", the surest {MOST} of them" if len(mine) > MOST else ""
        pictures = "".join(figure(draw_flip(flip, part), sources) for flip in mine[:MOST])
        shown.append(f'<h3>{way}: {len(mine)}{first}</h3><div class="flips">{pictures}</div>')
    return "".join(shown)


def figure(picture: Picture, sources: dict[str, dict[str, str]]) -> str:
    """One flip, with a link to its task where Label Studio's address is known."""
    caption, link = flip_caption(picture.flip, sources)
    said = f'<a href="{escape(link, quote=True)}">{escape(caption)}</a>' if link.startswith("http") else escape(caption)
    encoded = base64.b64encode(picture.jpeg).decode()
    return (
        f'<figure><img alt="{escape(caption, quote=True)}" src="data:image/jpeg;base64,{encoded}">'
        f"<figcaption>{said}</figcaption></figure>"
    )
