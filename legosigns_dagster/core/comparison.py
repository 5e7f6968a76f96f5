"""Base against new, on the same images."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from legosigns_dagster.core.dataset import Dataset
from legosigns_dagster.core.evaluation import METRICS, Evaluation

COLUMNS = ["slice", "class_name", "images", "boxes", "metric", "base", "new", "difference"]
TITLES = {"map50": "mAP50", "map50_95": "mAP50-95", "precision": "precision", "recall": "recall"}


@dataclass(frozen=True)
class Slice:
    """A set of images that is judged by itself, and what both weights do on it."""

    name: str
    dataset: Dataset
    base: Evaluation
    new: Evaluation


@dataclass(frozen=True)
class Comparison:
    """A row for each slice, class and metric; `difference` is new minus base, NaN where a class has no box."""

    table: pd.DataFrame

    def summary(self) -> str:
        """The table as aligned text for a terminal, a line for each slice and class."""
        header = f"{'slice':<16} {'class':<14} {'images':>6} {'boxes':>6}"
        header += "".join(f"  {TITLES[metric] + ' base':>13} {'new':>6} {'diff':>7}" for metric in ("map50", "map50_95"))
        return "\n".join([header, *(self._line(group) for _, group in self._groups())])

    def as_json(self) -> dict[str, dict[str, dict[str, dict[str, float | None]]]]:
        """Slice to class to metric to base, new and difference; None where a class has no box."""
        nested: dict[str, dict[str, dict[str, dict[str, float | None]]]] = {}
        for row in self.table.itertuples():
            values = {key: number(getattr(row, key)) for key in ("base", "new", "difference")}
            nested.setdefault(row.slice, {}).setdefault(row.class_name, {})[row.metric] = values
        return nested

    def value(self, slice_name: str, metric: str, column: str, class_name: str = "all") -> float:
        """One figure; KeyError when there is no such row."""
        found = self.table.set_index(["slice", "class_name", "metric"]).loc[(slice_name, class_name, metric), column]
        return float(found)

    def _groups(self) -> list[tuple[object, pd.DataFrame]]:
        return list(self.table.groupby(["slice", "class_name"], sort=False))

    def _line(self, rows: pd.DataFrame) -> str:
        first, by_metric = rows.iloc[0], rows.set_index("metric")
        line = f"{first['slice']:<16} {first['class_name']:<14} {first['images']:>6} {first['boxes']:>6}"
        for metric in ("map50", "map50_95"):
            row = by_metric.loc[metric]
            line += f"  {shown(row['base']):>13} {shown(row['new']):>6} {shown(row['difference'], signed=True):>7}"
        return line


def number(value: float) -> float | None:
    """The value, None for NaN."""
    return None if value != value else float(value)


def shown(value: float, signed: bool = False) -> str:
    """Three decimals, a sign where wanted, a dash for NaN."""
    return "-" if value != value else f"{value:+.3f}" if signed else f"{value:.3f}"


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
