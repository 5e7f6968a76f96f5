"""The comparison as one page that opens from a file: no script, no network. No figure is computed here."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import ClassVar

import pandas as pd

from legosigns_dagster.core.evaluation.bootstrap import RESAMPLES, Verdict
from legosigns_dagster.core.evaluation.comparison import COMPARISON_COLUMNS, Comparison, SliceResults
from legosigns_dagster.core.evaluation.flips import FlipKind, find_flips
from legosigns_dagster.core.files import FolderIndex
from legosigns_dagster.core.lineage import read_made_from, write_made_from
from legosigns_dagster.core.report.charts import CHART_STYLE, training_curves
from legosigns_dagster.core.report.flip_pictures import SOURCE_COLORS, FlipPicture, draw_flip, flip_caption
from legosigns_dagster.core.report.metric_charts import precision_recall_chart
from legosigns_dagster.core.report.notes import ReportNotes
from legosigns_dagster.core.report.tables import label_errors_section, metrics_table

FIGURE_COLUMNS = ["base", "new", "difference", "low", "high"]
OLD_VERDICTS = {"not distinguishable": Verdict.INCONCLUSIVE.value}  # in tables that were stored before it was renamed
MAX_FLIPS = 12  # pictures for each slice and kind
PAGE_STYLE = """
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
.caveat { border-left: 4px solid var(--bad); padding-left: .75rem; }
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
    """The report as it is stored: `comparison.html`, `metrics.json` and `metrics.csv` in a folder.

    Attributes:
        downloads: Files that people download.
        folder: Where the files are.
        comparison: The comparison that they show.
        made_from: First digits of the digest of the base and of each dataset, by asset; empty in older reports.
        index: Sizes and digests of the files, where they are known.
    """

    downloads: ClassVar[tuple[str, ...]] = ("comparison.html", "metrics.json", "metrics.csv")
    folder: Path
    comparison: Comparison
    made_from: Mapping[str, str] = field(default_factory=dict)
    index: FolderIndex | None = field(default=None, compare=False, repr=False)

    def save(self) -> Path:
        """Write the figures beside the page and return the folder."""
        self.comparison.table.to_csv(self.folder / "metrics.csv", index=False, lineterminator="\n")
        figures = json.dumps(self.comparison.as_json(), indent=1)
        (self.folder / "metrics.json").write_text(figures, encoding="utf-8")
        write_made_from(self.made_from, self.folder)
        return self.folder

    @classmethod
    def load(cls, folder: Path) -> "ComparisonReport":
        """Read what `save` wrote into this folder, older verdicts by their names of today."""
        empty_is_nan = {name: [""] for name in FIGURE_COLUMNS}
        table = pd.read_csv(folder / "metrics.csv", keep_default_na=False, na_values=empty_is_nan)
        table["verdict"] = table["verdict"].replace(OLD_VERDICTS)
        return cls(folder, Comparison(table[COMPARISON_COLUMNS]), read_made_from(folder))


def write_report(
    comparison: Comparison, slices: Sequence[SliceResults], curves: pd.DataFrame | None, notes: ReportNotes, into: Path
) -> ComparisonReport:
    """Write the page into a folder.

    Args:
        comparison: The comparison of `slices`.
        slices: What both weights do on each slice.
        curves: Ultralytics' results, a row an epoch. None where there are none.
        notes: What the page says besides the figures.
        into: An existing folder.
    """
    training = training_curves(curves) if curves is not None else []
    charts = "".join([notes.trade_off, *map(precision_recall_chart, slices), *training])
    flips = "".join(map(flips_section, slices))
    suspected_label_errors = "".join(map(label_errors_section, slices))
    page = render_page(comparison, charts, flips, suspected_label_errors, notes)
    (into / "comparison.html").write_text(page, encoding="utf-8")
    return ComparisonReport(into, comparison)


def render_page(
    comparison: Comparison, charts: str, flips: str, suspected_label_errors: str, notes: ReportNotes
) -> str:
    """Put the parts of the page, which are HTML, together."""
    caveats = "".join(f'<p class="caveat">{escape(caveat)}</p>' for caveat in notes.caveats)
    facts = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in notes.facts.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Base weights and new weights compared</title><style>{PAGE_STYLE}{CHART_STYLE}</style>
</head>
<body>
<h1>Base weights and new weights compared</h1>
<p class="lead">{escape(verdict_sentences(comparison))}</p>
{caveats}
<div class="scroll">{metrics_table(comparison)}</div>
<p class="note">{escape(interval_note(comparison))}</p>
<h2>Charts</h2>
<div class="charts">{charts or "<p>There are no charts.</p>"}</div>
{flips}
{suspected_label_errors}
<h2>Effect of the synthetic images</h2>
{notes.synthesis}
<h2>How the new weights were trained</h2>
<dl>{facts}</dl>
</body>
</html>
"""


def verdict_sentences(comparison: Comparison) -> str:
    """The verdict on each slice, a sentence each."""
    return " ".join(comparison.verdict_sentence(str(name)) for name in comparison.table["slice"].unique())


def interval_note(comparison: Comparison) -> str:
    """How many images there are, how the intervals are made, and what they leave out."""
    rows = comparison.table[comparison.table["class_name"] == "all"].drop_duplicates("slice")
    counts = ", ".join(f"{row.slice}: {row.images} images with {row.boxes} boxes" for row in rows.itertuples())
    return (
        f"{counts}. The 95 % intervals come from a paired bootstrap: {RESAMPLES} times, groups of near-duplicate "
        "images are drawn with replacement, and both weights are scored on them. A verdict is better or worse where "
        "the whole interval is above or below 0, otherwise inconclusive. Another training with the same settings "
        "would give a slightly different result; the intervals do not include that."
    )


def flips_section(results: SliceResults) -> str:
    """Write the section with the flips of a slice, those with the highest confidence as pictures."""
    flips, sources = find_flips(results), results.dataset.sources_by_file()
    legend = " ".join(f'<b style="color: {color}">{source}</b>' for source, color in SOURCE_COLORS.items())
    html = [
        f"<h2>{escape(results.name)}: what flipped</h2>"
        '<p class="note">A flip is a sign or a false positive on which one of the weights is right and the other is '
        f'wrong. The percentage is the confidence.</p><p class="key">Boxes: {legend}</p>'
    ]
    for kind in FlipKind:
        of_kind = [flip for flip in flips if flip.kind is kind]
        first = f" (the {MAX_FLIPS} with the highest confidence are shown)" if len(of_kind) > MAX_FLIPS else ""
        pictures = "".join(flip_figure(draw_flip(flip, results), sources) for flip in of_kind[:MAX_FLIPS])
        html.append(f'<h3>{kind}: {len(of_kind)}{first}</h3><div class="flips">{pictures}</div>')
    return "".join(html)


def flip_figure(picture: FlipPicture, sources: Mapping[str, Mapping[str, str]]) -> str:
    """Write one picture with its caption, as a link to its task where Label Studio's address is known."""
    caption, link = flip_caption(picture.flip, sources)
    text = escape(caption)
    if link.startswith("http"):
        text = f'<a href="{escape(link, quote=True)}">{text}</a>'
    encoded = base64.b64encode(picture.jpeg).decode()
    return (
        f'<figure><img alt="{escape(caption, quote=True)}" src="data:image/jpeg;base64,{encoded}">'
        f"<figcaption>{text}</figcaption></figure>"
    )
