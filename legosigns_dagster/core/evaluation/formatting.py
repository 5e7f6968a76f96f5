"""Metrics, differences and intervals as text."""

import math

import pandas as pd

from legosigns_dagster.core.evaluation.bootstrap import MIN_EFFECT, MIN_GROUPS

METRIC_TITLES = {"map50": "mAP50", "map50_95": "mAP50-95", "precision": "precision", "recall": "recall"}
SUMMARY_METRICS = ["map50", "map50_95"]  # have intervals; with all metrics a line would not fit a terminal


def format_value(value: float, digits: int = 3) -> str:
    """Write a value with so many decimals, a dash for NaN.

    Example:
        >>> format_value(0.98765), format_value(math.nan)
        ('0.988', '-')
    """
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def format_difference(value: float, digits: int = 3) -> str:
    """Write a difference with its sign, without one where it rounds to zero, a dash for NaN.

    Example:
        >>> format_difference(0.05), format_difference(-0.05), format_difference(-0.0001)
        ('+0.050', '-0.050', '0.000')
    """
    text = format_value(value, digits)
    if math.isnan(value):
        return text
    return text.lstrip("-") if not float(text) else f"+{text}" if value > 0 else text


def format_base_and_new(row: pd.Series) -> str:
    """Write the values of both weights in a row of a comparison: `mAP50 0.605 → 0.995`."""
    return f"{METRIC_TITLES[row['metric']]} {format_value(row['base'])} → {format_value(row['new'])}"


def format_change(row: pd.Series) -> str:
    """Write the values, the difference and its interval in a row of a comparison.

    Example:
        >>> row = {"metric": "map50", "base": 0.605, "new": 0.995, "difference": 0.39, "low": 0.179, "high": 0.633}
        >>> format_change(pd.Series(row))
        'mAP50 0.605 → 0.995 (+0.390, 95 % interval +0.179 to +0.633)'
    """
    interval = f"95 % interval {format_difference(row['low'])} to {format_difference(row['high'])}"
    if math.isnan(row["low"]):
        interval = f"no 95 % interval: at least {MIN_GROUPS} groups of images are needed"
    return f"{format_base_and_new(row)} ({format_difference(row['difference'])}, {interval})"


def format_images_needed(row: pd.Series) -> str:
    """Write how many images a narrower interval needs, as a sentence.

    Returns:
        The sentence. Empty where the images suffice, and where there are too few groups for an estimate.
    """
    if row["images_needed"] <= row["images"]:
        return ""
    return f"To detect a difference of {MIN_EFFECT}, about {row['images_needed']} images of this kind are needed."


def summary_cells(rows: pd.DataFrame) -> list[str]:
    """The line of one slice and class in the short table, given its rows of the comparison."""
    first, by_metric = rows.iloc[0], rows.set_index("metric")
    cells = [str(first[column]) for column in ("slice", "class_name", "images", "boxes")]
    for metric in SUMMARY_METRICS:
        row = by_metric.loc[metric]
        change = f"{format_difference(row['difference'])} {row['verdict']}".strip()
        cells.append(f"{format_value(row['base']):>5} -> {format_value(row['new']):>5} ({change})")
    return cells


def align_cell(word: str, width: int, column: int) -> str:
    """Pad a cell of the summary: counts (columns 2 and 3) to the right, all other cells to the left."""
    return word.rjust(width) if column in (2, 3) else word.ljust(width)
