"""Base against new, on the same images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.bootstrap import FEWEST_GROUPS, SHARP, UNKNOWN, Interval, paired_intervals
from legosigns_dagster.core.evaluation.evaluation import ALL, METRICS, Evaluation

COLUMNS = ["slice", "class_name", "images", "boxes", "metric", "base", "new", "difference", "low", "high", "verdict",
           "images_needed", "headline"]  # fmt: skip
Json = dict[str, dict[str, dict[str, dict[str, float | str | None]]]]
TITLES = {"map50": "mAP50", "map50_95": "mAP50-95", "precision": "precision", "recall": "recall"}
SUMMARY_METRICS = ["map50", "map50_95"]  # with precision and recall a line would not fit a terminal


@dataclass(frozen=True)
class SliceResults:
    """A set of images that is judged by itself (only the evaluated ones), and what both weights do on it.

    `headline` is the metric that its verdict is about.
    """

    name: str
    dataset: Dataset
    base: Evaluation
    new: Evaluation
    headline: str = "map50_95"


@dataclass(frozen=True)
class Comparison:
    """A row for each slice, class and metric; `difference` is new minus base, NaN where a class has no box.

    mAP50 and mAP50-95 have the 95 % interval of the difference (`low`, `high`), a verdict from it, and how many images
    of this kind it would take to tell a difference of 0.02. `headline` marks the metric that a slice is judged by.
    """

    table: pd.DataFrame

    def summary_rows(self) -> pd.DataFrame:
        """A row for each slice and class, all text: what it is, how much of it, and mAP base -> new (difference)."""
        header = ["slice", "class", "images", "boxes", *(f"{TITLES[metric]} base -> new" for metric in SUMMARY_METRICS)]
        return pd.DataFrame([cells(rows) for _, rows in self.groups()], columns=header)

    def summary(self) -> str:
        """The summary's rows as aligned text for a terminal."""
        rows = self.summary_rows()
        lines = [list(rows.columns), *rows.values.tolist()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(aligned, line, widths, range(len(line)))).rstrip() for line in lines)

    def as_json(self) -> Json:
        """SliceResults to class to metric to base, new, difference, interval and verdict; None where a class has no box."""
        nested: Json = {}
        for row in self.table.itertuples():
            values: dict[str, float | str | None] = {
                key: number(getattr(row, key)) for key in ("base", "new", "difference", "low", "high")
            }
            if row.verdict:
                values |= {"verdict": row.verdict, "images_needed": int(row.images_needed)}
            nested.setdefault(row.slice, {}).setdefault(row.class_name, {})[row.metric] = values
        return nested

    def value(self, slice_name: str, metric: str, column: str, class_name: str = ALL) -> float:
        """One figure; KeyError when there is no such row."""
        found = self.table.set_index(["slice", "class_name", "metric"]).loc[(slice_name, class_name, metric), column]
        return float(found)

    def verdict(self, slice_name: str) -> str:
        """What happened to a slice, in a sentence: verdict, figures, interval."""
        mine = (self.table["slice"] == slice_name) & (self.table["class_name"] == ALL) & self.table["headline"]
        row = self.table[mine].iloc[0]
        said = f"{slice_name}: {row['verdict']}, {change_of(row)}."
        return f"{said} {more_images(row)}".strip() if row["verdict"] == UNKNOWN else said

    def groups(self) -> list[tuple[tuple[str, str], pd.DataFrame]]:
        """SliceResults and class name with their rows, one a metric, in the order in which the slices were given."""
        return list(self.table.groupby(["slice", "class_name"], sort=False))


def cells(rows: pd.DataFrame) -> list[str]:
    """The rows of one slice and class as the words of a line of the summary."""
    first, by_metric = rows.iloc[0], rows.set_index("metric")
    words = [str(first[column]) for column in ("slice", "class_name", "images", "boxes")]
    for metric in SUMMARY_METRICS:
        row = by_metric.loc[metric]
        change = f"{signed(row['difference'])} {row['verdict']}".strip()
        words.append(f"{shown(row['base']):>5} -> {shown(row['new']):>5} ({change})")
    return words


def change_of(row: pd.Series) -> str:
    """A row's base, new, difference and interval: `mAP50 0.605 → 0.995 (+0.390, 95 % interval +0.179 to +0.633)`."""
    interval = f"95 % interval {signed(row['low'])} to {signed(row['high'])}"
    if math.isnan(row["low"]):
        interval = f"no 95 % interval: that takes {FEWEST_GROUPS} scenes at least"
    return f"{moved(row)} ({signed(row['difference'])}, {interval})"


def more_images(row: pd.Series) -> str:
    """How many images a sharper answer would need, as a sentence; nothing where these are enough or too few to say."""
    if row["images_needed"] <= row["images"]:
        return ""
    return f"To tell a difference of {SHARP} would take about {row['images_needed']} images like these."


def moved(row: pd.Series) -> str:
    """A row's base and new: `mAP50 0.605 → 0.995`."""
    return f"{TITLES[row['metric']]} {shown(row['base'])} → {shown(row['new'])}"


def aligned(word: str, width: int, column: int) -> str:
    """The word in its column: counts to the right, the rest to the left."""
    return word.rjust(width) if column in (2, 3) else word.ljust(width)


def number(value: float) -> float | None:
    """The value, None for NaN."""
    return None if value != value else float(value)


def shown(value: float, digits: int = 3) -> str:
    """The value with that many decimals, a dash for NaN."""
    return "-" if value != value else f"{value:.{digits}f}"


def signed(value: float, digits: int = 3) -> str:
    """A difference with its sign; no sign where it rounds to zero, a dash for NaN."""
    text = shown(value, digits)
    return text.lstrip("-") if value == value and not float(text) else f"+{text}" if value > 0 else text


def compare(slices: Sequence[SliceResults]) -> Comparison:
    """New minus base for each slice, class and metric; ValueError when the two did not see the same boxes."""
    rows: list[tuple[object, ...]] = []
    for part in slices:
        keys = ["class_name", "images", "boxes"]
        same = part.base.matches.files == part.new.matches.files
        if not same or part.base.metrics[keys].values.tolist() != part.new.metrics[keys].values.tolist():
            raise ValueError(f"{part.name}: base and new were evaluated on different images: evaluate both again")
        intervals = intervals_of(part)
        for index in range(len(part.base.metrics)):
            base, new = part.base.metrics.iloc[index], part.new.metrics.iloc[index]
            counts = (part.name, base["class_name"], int(base["images"]), int(base["boxes"]))
            for metric in METRICS:
                figures = (base[metric], new[metric], new[metric] - base[metric])
                judged = judgement(intervals[index].get(metric), counts[2])
                rows.append((*counts, metric, *figures, *judged, metric == part.headline))
    return Comparison(pd.DataFrame(rows, columns=COLUMNS))


def intervals_of(part: SliceResults) -> list[dict[str, Interval]]:
    """The intervals of a slice's differences by metric: of all classes, then of each, as the metrics' rows are."""
    groups = dict(zip(part.dataset.images["file"], part.dataset.images["group"], strict=True))
    names = [str(groups[file]) for file in part.base.matches.files]
    found = paired_intervals(part.base.matches, part.new.matches, names)
    return [{"map50": map50, "map50_95": map50_95} for map50, map50_95 in found]


def judgement(interval: Interval | None, images: int) -> tuple[float, float, str, int]:
    """Low, high, verdict and images needed of an interval; nothing for a metric that has none."""
    if interval is None:
        return math.nan, math.nan, "", 0
    return interval.low, interval.high, interval.verdict, interval.images_needed(images)
