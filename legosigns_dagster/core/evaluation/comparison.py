"""The comparison of base and new weights on the same images."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.bootstrap import Interval, Verdict, bootstrap_intervals
from legosigns_dagster.core.evaluation.evaluation import ALL, METRICS, Evaluation
from legosigns_dagster.core.evaluation.formatting import (
    METRIC_TITLES,
    SUMMARY_METRICS,
    align_cell,
    format_change,
    format_images_needed,
    summary_cells,
)

COMPARISON_COLUMNS = ["slice", "class_name", "images", "boxes", "metric", "base", "new", "difference", "low", "high",
                      "verdict", "images_needed", "headline"]  # fmt: skip
MetricsJson = dict[str, dict[str, dict[str, dict[str, float | str | None]]]]  # slice, class, metric, column


@dataclass(frozen=True)
class SliceResults:
    """What both weights do on one slice.

    Attributes:
        name: The slice's title.
        dataset: The images on which both weights were evaluated, and no others.
        base: The evaluation of the base weights.
        new: The evaluation of the new weights.
        headline: The metric that the slice's verdict is about.
    """

    name: str
    dataset: Dataset
    base: Evaluation
    new: Evaluation
    headline: str = "map50_95"


@dataclass(frozen=True)
class Comparison:
    """All metrics of base and new weights, for each slice and class.

    Attributes:
        table: A row for each slice, class (first `all`) and metric. `base` and `new` are from 0 to 1, `difference` is
            new minus base, all three NaN where a class has no box. mAP50 and mAP50-95 have the 95 % interval of the
            difference (`low`, `high`), its `verdict`, and `images_needed` to detect a difference of 0.02. `headline`
            marks the metric that the slice is judged by.
    """

    table: pd.DataFrame

    def summary_rows(self) -> pd.DataFrame:
        """The short table, all text: a row for each slice and class, with both mAP values of both weights."""
        titles = [f"{METRIC_TITLES[metric]} base -> new" for metric in SUMMARY_METRICS]
        columns = ["slice", "class", "images", "boxes", *titles]
        return pd.DataFrame([summary_cells(rows) for rows in self.class_rows()], columns=columns)

    def summary(self) -> str:
        """The short table as aligned text for a terminal."""
        rows = self.summary_rows()
        lines = [list(rows.columns), *rows.values.tolist()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(align_cell, line, widths, range(len(line)))).rstrip() for line in lines)

    def as_json(self) -> MetricsJson:
        """The table as nested dictionaries: slice, class, metric, column. NaN becomes None."""
        nested: MetricsJson = {}
        for row in self.table.itertuples():
            values: dict[str, float | str | None] = {
                key: nan_to_none(getattr(row, key)) for key in ("base", "new", "difference", "low", "high")
            }
            if row.verdict:
                values |= {"verdict": row.verdict, "images_needed": int(row.images_needed)}
            nested.setdefault(row.slice, {}).setdefault(row.class_name, {})[row.metric] = values
        return nested

    def value(self, slice_name: str, metric: str, column: str, class_name: str = ALL) -> float:
        """Look up one figure of the table.

        Raises:
            KeyError: The table has no such row or column.
        """
        table = self.table.set_index(["slice", "class_name", "metric"])
        return float(table.loc[(slice_name, class_name, metric), column])

    def verdict_sentence(self, slice_name: str) -> str:
        """The verdict on a slice with its figures and its interval, as a sentence."""
        is_headline = (self.table["slice"] == slice_name) & (self.table["class_name"] == ALL) & self.table["headline"]
        row = self.table[is_headline].iloc[0]
        sentence = f"{slice_name}: {row['verdict']}, {format_change(row)}."
        if row["verdict"] == Verdict.INCONCLUSIVE:
            return f"{sentence} {format_images_needed(row)}".strip()
        return sentence

    def class_rows(self) -> list[pd.DataFrame]:
        """The rows of each slice and class, a row for each metric, in the order of the table."""
        return [rows for _, rows in self.table.groupby(["slice", "class_name"], sort=False)]


def compare(slices: Sequence[SliceResults]) -> Comparison:
    """Compute the differences, new minus base, with intervals and verdicts.

    Raises:
        ValueError: Base and new were not evaluated on the same images and boxes.

    Example:
        On 8 images with one sign each, the base weights find nothing and the new weights find everything:

        >>> from pathlib import Path
        >>> import numpy as np
        >>> from legosigns_dagster.core.classes import SignClasses
        >>> from legosigns_dagster.core.evaluation.evaluation import METRIC_COLUMNS, Matches
        >>> files = [f"{number}.jpg" for number in range(8)]
        >>> images = pd.DataFrame({"file": files, "group": files})
        >>> dataset = Dataset(Path("."), SignClasses(("Stop",)), images, boxes=pd.DataFrame())
        >>> def evaluate(hit: bool) -> Evaluation:
        ...     rows = [[name, 8, 8, *[0.995 * hit] * 4] for name in ("all", "Stop")]
        ...     matches = Matches(
        ...         files=tuple(files), image=np.arange(8), class_id=np.zeros(8, int), confidence=np.full(8, 0.9),
        ...         hit=np.full((8, 10), hit), box_counts=np.ones((8, 1), int),
        ...     )
        ...     return Evaluation(pd.DataFrame(rows, columns=METRIC_COLUMNS), pd.DataFrame(), matches)
        >>> comparison = compare([SliceResults("LEGO signs", dataset, evaluate(False), evaluate(True))])
        >>> comparison.verdict_sentence("LEGO signs")
        'LEGO signs: better, mAP50-95 0.000 → 0.995 (+0.995, 95 % interval +0.995 to +0.995).'
    """
    rows = [row for results in slices for row in slice_rows(results)]
    return Comparison(pd.DataFrame(rows, columns=COMPARISON_COLUMNS))


def slice_rows(results: SliceResults) -> list[tuple[object, ...]]:
    """The rows of one slice in the table of a comparison, with `COMPARISON_COLUMNS`."""
    base_metrics, new_metrics = results.base.metrics, results.new.metrics
    keys = ["class_name", "images", "boxes"]
    same_files = results.base.matches.files == results.new.matches.files
    if not same_files or base_metrics[keys].values.tolist() != new_metrics[keys].values.tolist():
        raise ValueError(f"{results.name}: base and new were evaluated on different images: evaluate both again")
    rows: list[tuple[object, ...]] = []
    intervals = metric_intervals(results)
    for index in range(len(base_metrics)):
        base, new = base_metrics.iloc[index], new_metrics.iloc[index]
        counts = (results.name, base["class_name"], int(base["images"]), int(base["boxes"]))
        for metric in METRICS:
            figures = (base[metric], new[metric], new[metric] - base[metric])
            columns = interval_columns(intervals[index].get(metric), counts[2])
            rows.append((*counts, metric, *figures, *columns, metric == results.headline))
    return rows


def metric_intervals(results: SliceResults) -> list[dict[str, Interval]]:
    """Compute the intervals of a slice by metric: for all classes, then for each, in the order of the metrics' rows."""
    groups = dict(zip(results.dataset.images["file"], results.dataset.images["group"], strict=True))
    names = [str(groups[file]) for file in results.base.matches.files]
    pairs = bootstrap_intervals(results.base.matches, results.new.matches, names)
    return [{"map50": map50, "map50_95": map50_95} for map50, map50_95 in pairs]


def interval_columns(interval: Interval | None, images: int) -> tuple[float, float, str, int]:
    """The columns low, high, verdict and images_needed of the table, empty for a metric without an interval."""
    if interval is None:
        return math.nan, math.nan, "", 0
    return interval.low, interval.high, interval.verdict.value, interval.images_needed(images)


def nan_to_none(value: float) -> float | None:
    """Replace NaN, which JSON does not have, by None."""
    return None if math.isnan(value) else float(value)


def read_new_value(metrics_json: str | bytes, slice_name: str, metric: str) -> float | None:
    """Read the value of the new weights over all classes from a stored `metrics.json`, which `as_json` writes.

    Returns:
        The value, 0 to 1. None where it has no such slice or metric, has no value there, or has an older layout.

    Example:
        >>> stored = '{"LEGO signs": {"all": {"map50": {"base": 0.4, "new": 0.9}}}}'
        >>> read_new_value(stored, "LEGO signs", "map50")
        0.9
    """
    figures = json.loads(metrics_json)
    try:
        return float(figures[slice_name][ALL][metric]["new"])
    except (KeyError, TypeError):
        return None
