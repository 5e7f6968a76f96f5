"""The comparison as one page that opens from a file: no script, no network. No figure is computed here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import ClassVar

import pandas as pd

from legosigns_dagster.core.analysis.next_steps import next_steps
from legosigns_dagster.core.analysis.slice_analysis import analyze_slice
from legosigns_dagster.core.evaluation.bootstrap import RESAMPLES, Verdict
from legosigns_dagster.core.evaluation.comparison import COMPARISON_COLUMNS, Comparison, SliceResults
from legosigns_dagster.core.files import FolderIndex
from legosigns_dagster.core.lineage import read_made_from, write_made_from
from legosigns_dagster.core.report.charts import training_curves
from legosigns_dagster.core.report.error_tables import confidence_section, errors_section, sizes_section
from legosigns_dagster.core.report.flip_pictures import flips_section
from legosigns_dagster.core.report.headline import verdict_cards
from legosigns_dagster.core.report.metric_charts import precision_recall_chart
from legosigns_dagster.core.report.notes import ReportNotes
from legosigns_dagster.core.report.page import Section, render_page
from legosigns_dagster.core.report.tables import label_errors_section, metrics_tables

FIGURE_COLUMNS = ["base", "new", "difference", "low", "high"]
OLD_VERDICTS = {"not distinguishable": Verdict.INCONCLUSIVE.value}  # in tables that were stored before it was renamed
TITLE = "Base weights and new weights compared"


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
    page = render_page(TITLE, page_sections(comparison, slices, curves, notes))
    (into / "comparison.html").write_text(page, encoding="utf-8")
    return ComparisonReport(into, comparison)


def page_sections(
    comparison: Comparison, slices: Sequence[SliceResults], curves: pd.DataFrame | None, notes: ReportNotes
) -> list[Section]:
    """The parts of the page, what decides first."""
    analyses = [analyze_slice(part, notes.image_size) for part in slices]
    training = training_curves(curves) if curves is not None else []
    charts = "".join([notes.trade_off, *map(precision_recall_chart, slices), *training])
    caveats = "".join(f'<p class="caveat">{escape(caveat)}</p>' for caveat in notes.caveats)
    facts = "".join(f"<dt>{escape(key)}</dt><dd>{escape(value)}</dd>" for key, value in notes.facts.items())
    flips = [Section(f"flips-{n}", f"{part.name}: what flipped", flips_section(part)) for n, part in enumerate(slices)]
    steps = "".join(f"<li>{escape(step)}</li>" for step in next_steps(analyses))
    return [
        Section("result", "Result", verdict_cards(comparison) + caveats),
        Section("next", "What to do next", f"<ol>{steps}</ol>" if steps else ""),
        Section("metrics", "Metrics", f'{metrics_tables(comparison)}<p class="note">{interval_note(comparison)}</p>'),
        Section("errors", "Errors", errors_section(analyses)),
        Section("confidence", "Confidence", confidence_section(slices, notes.thresholds)),
        Section("sizes", "Object sizes", sizes_section(analyses, notes.image_size)),
        Section("charts", "Charts", f'<div class="charts">{charts or "<p>There are no charts.</p>"}</div>'),
        *flips,
        Section("label-errors", "Suspected label errors", "".join(map(label_errors_section, slices))),
        Section("synthesis", "Effect of the synthetic images", notes.synthesis),
        Section("training", "How the new weights were trained", f"<dl>{facts}</dl>" if facts else ""),
    ]


def interval_note(comparison: Comparison) -> str:
    """How many images there are, how the intervals are made, and what they leave out, as HTML."""
    rows = comparison.table[comparison.table["class_name"] == "all"].drop_duplicates("slice")
    counts = ", ".join(f"{row.slice}: {row.images} images with {row.boxes} boxes" for row in rows.itertuples())
    return escape(
        f"{counts}. The 95 % intervals come from a paired bootstrap: {RESAMPLES} times, groups of near-duplicate "
        "images are drawn with replacement, and both weights are scored on them. A verdict is better or worse where "
        "the whole interval is above or below 0, otherwise inconclusive. Another training with the same settings "
        "would give a slightly different result; the intervals do not include that."
    )
