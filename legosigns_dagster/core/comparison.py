"""Base against new, on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from legosigns_dagster.core.dataset import Dataset
from legosigns_dagster.core.evaluation import ALL, METRICS, Evaluation

COLUMNS = ["slice", "class_name", "images", "boxes", "metric", "base", "new", "difference"]
TITLES = {"map50": "mAP50", "map50_95": "mAP50-95", "precision": "precision", "recall": "recall"}
SUMMARY_METRICS = ["map50", "map50_95"]  # with precision and recall a line would not fit a terminal


@dataclass(frozen=True)
class Slice:
    """A set of images that is judged by itself (only the evaluated ones), and what both weights do on it."""

    name: str
    dataset: Dataset
    base: Evaluation
    new: Evaluation


@dataclass(frozen=True)
class Comparison:
    """A row for each slice, class and metric; `difference` is new minus base, NaN where a class has no box."""

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

    def as_json(self) -> dict[str, dict[str, dict[str, dict[str, float | None]]]]:
        """Slice to class to metric to base, new and difference; None where a class has no box."""
        nested: dict[str, dict[str, dict[str, dict[str, float | None]]]] = {}
        for row in self.table.itertuples():
            values = {key: number(getattr(row, key)) for key in ("base", "new", "difference")}
            nested.setdefault(row.slice, {}).setdefault(row.class_name, {})[row.metric] = values
        return nested

    def value(self, slice_name: str, metric: str, column: str, class_name: str = ALL) -> float:
        """One figure; KeyError when there is no such row."""
        found = self.table.set_index(["slice", "class_name", "metric"]).loc[(slice_name, class_name, metric), column]
        return float(found)

    def groups(self) -> list[tuple[tuple[str, str], pd.DataFrame]]:
        """Slice and class name with their rows, one a metric, in the order in which the slices were given."""
        return list(self.table.groupby(["slice", "class_name"], sort=False))


def cells(rows: pd.DataFrame) -> list[str]:
    """The rows of one slice and class as the words of a line of the summary."""
    first, by_metric = rows.iloc[0], rows.set_index("metric")
    words = [str(first[column]) for column in ("slice", "class_name", "images", "boxes")]
    for metric in SUMMARY_METRICS:
        row = by_metric.loc[metric]
        words.append(f"{shown(row['base']):>5} -> {shown(row['new']):>5} ({signed(row['difference'])})")
    return words


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


def compare(slices: Sequence[Slice]) -> Comparison:
    """New minus base for each slice, class and metric; ValueError when the two did not see the same boxes."""
    rows: list[tuple[object, ...]] = []
    for part in slices:
        keys = ["class_name", "images", "boxes"]
        if part.base.metrics[keys].values.tolist() != part.new.metrics[keys].values.tolist():
            raise ValueError(f"{part.name}: base and new were evaluated on different images: evaluate both again")
        for (_, base), (_, new) in zip(part.base.metrics.iterrows(), part.new.metrics.iterrows(), strict=True):
            counts = (part.name, base["class_name"], int(base["images"]), int(base["boxes"]))
            rows += [(*counts, metric, base[metric], new[metric], new[metric] - base[metric]) for metric in METRICS]
    return Comparison(pd.DataFrame(rows, columns=COLUMNS))
