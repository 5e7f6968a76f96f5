"""Where both weights go wrong, as HTML: kinds of errors, confused classes, object sizes, thresholds."""

import re
from collections.abc import Sequence
from html import escape

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.analysis.confidence import confidence_curves
from legosigns_dagster.core.analysis.errors import ErrorKind
from legosigns_dagster.core.analysis.sizes import ObjectSize, SizeResults
from legosigns_dagster.core.analysis.slice_analysis import SliceAnalysis
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.formatting import format_difference, format_value
from legosigns_dagster.core.evaluation.thresholds import advised_thresholds
from legosigns_dagster.core.inference.contract import DEFAULT_THRESHOLD
from legosigns_dagster.core.report.metric_charts import confidence_chart
from legosigns_dagster.core.report.tables import VERDICT_STYLES, scrolled

MEANINGS = {
    ErrorKind.MISSED: "nothing is detected where a sign is annotated",
    ErrorKind.WRONG_CLASS: "the place is right, the class is not",
    ErrorKind.BADLY_PLACED: "the class is right, but the box covers the sign too little (IoU 0.1 to 0.5)",
    ErrorKind.DOUBLED: "a sign is detected a second time",
    ErrorKind.BACKGROUND: "something is detected where no sign is annotated",
}
SIZES = {
    ObjectSize.SMALL: "small: below 32 px",
    ObjectSize.MEDIUM: "medium: 32 to 96 px",
    ObjectSize.LARGE: "large: from 96 px on",
}
BACKGROUND = "background"
MAX_UPRIGHT = 5  # with more columns, the heads of a matrix are turned, so that it fits the page


def errors_section(slices: Sequence[SliceAnalysis]) -> str:
    """Write for each slice the kinds of errors and both confusion matrices."""
    note = (
        f"Detections with a confidence of at least {DEFAULT_THRESHOLD} count, and a sign is found at an IoU of 0.5. In "
        "the matrices, rows are what is annotated and columns what is detected; the last row also has detections that "
        "are doubled or badly placed."
    )
    parts = [
        f'<h3>{escape(one.results.name)}</h3><div class="pair">{kinds_table(one)}{confusion_tables(one)}</div>'
        for one in slices
    ]
    return f'<p class="note">{note}</p>{"".join(parts)}' if parts else ""


def kinds_table(one: SliceAnalysis) -> str:
    """Write the table with the number of errors of each kind, for base and new weights."""
    rows = "".join(
        f'<tr><th class="text" scope="row">{kind}<small>{MEANINGS[kind]}</small></th>'
        f"<td>{one.base.counts[kind]}</td><td>{one.new.counts[kind]}</td></tr>"
        for kind in ErrorKind
    )
    heads = '<th class="text" scope="col">kind of error</th><th scope="col">base</th><th scope="col">new</th>'
    return f"<div><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"


def confusion_tables(one: SliceAnalysis) -> str:
    """Write the confusion matrices of base and new weights side by side."""
    names = [*one.results.dataset.classes.names, BACKGROUND]
    return "".join(
        scrolled(confusion_table(f"{which} weights", names, part.confusion), f"{one.results.name}: {which} weights")
        for which, part in (("base", one.base), ("new", one.new))
    )


def confusion_table(title: str, names: Sequence[str], confusion: npt.NDArray[np.int64]) -> str:
    """Write one confusion matrix: a row for each annotated class, a column for each detected one."""
    headings = [class_heading(name) for name in names]
    heads = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    rows = "".join(
        f'<tr><th class="text" scope="row">{heading}</th>{confusion_cells(row, number, len(names) - 1)}</tr>'
        for number, (heading, row) in enumerate(zip(headings, confusion, strict=True))
    )
    return (
        f'<table class="confusion{" many" if len(names) > MAX_UPRIGHT else ""}"><caption>{title}</caption>'
        f'<thead><tr><th class="text" scope="col">annotated</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def class_heading(name: str) -> str:
    """Write the name of a class so that a narrow column may break it between its words.

    Example:
        >>> class_heading("SpeedLimit")
        'Speed<wbr>Limit'
    """
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "<wbr>", escape(name))


def confusion_cells(row: npt.NDArray[np.int64], number: int, background: int) -> str:
    """Write the cells of one row, each shaded by its share of the row; background is not found in background."""
    total, cells = max(int(row.sum()), 1), ""
    for column, count in enumerate(row):
        if number == column == background:
            cells += "<td>-</td>"
            continue
        style = ("right" if number == column else "wrong") if count else "none"
        cells += f'<td class="{style}" style="--share: {100 * count / total:.0f}%">{count}</td>'
    return cells


def sizes_section(slices: Sequence[SliceAnalysis], image_size: int) -> str:
    """Write for each slice mAP50 of both weights by the size of signs."""
    note = (
        "The size of a sign is the square root of the area of its box, in pixels as the network sees it: the longer "
        f"side of an image is {image_size} px there. Detections with a confidence of at least {DEFAULT_THRESHOLD} "
        "count, so the figures are a little below those of all detections."
    )
    tables = "".join(sizes_table(one) for one in slices)
    return f'<p class="note">{note}</p><div class="pair">{tables}</div>' if tables else ""


def sizes_table(one: SliceAnalysis) -> str:
    """Write the table of one slice, a row for each size."""
    titles = ("boxes", "base", "new", "difference")
    heads = '<th class="text" scope="col">size</th>' + "".join(f'<th scope="col">{title}</th>' for title in titles)
    rows = "".join(map(size_row, one.sizes))
    caption = f"<caption>{escape(one.results.name)}: mAP50 by size</caption>"
    return f"<div><table>{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"


def size_row(one: SizeResults) -> str:
    """Write the row of one size, with the interval of the difference where there is one."""
    low, high = (format_difference(end) for end in (one.interval.low, one.interval.high))
    interval = f"<small>{low} to {high}</small>" if low != "-" else ""
    style = VERDICT_STYLES[one.interval.verdict]
    return (
        f'<tr><th class="text" scope="row">{SIZES[one.size]}</th><td>{one.boxes}</td><td>{format_value(one.base)}</td>'
        f'<td>{format_value(one.new)}</td><td><span class="change {style}">'
        f"{format_difference(one.new - one.base)}</span>{interval}</td></tr>"
    )


def confidence_section(slices: Sequence[SliceResults], served: Sequence[float]) -> str:
    """Draw precision, recall and F1 of the new weights over confidence, a chart for each class.

    Args:
        slices: What both weights do on each slice.
        served: The advised threshold of each class as the new weights are served; empty where they have none.
    """
    if not slices:
        return ""
    names, matches = slices[0].dataset.classes.names, [part.new.matches for part in slices]
    thresholds = served or advised_thresholds(matches, len(names))
    charts = "".join(
        confidence_chart(name, confidence_curves(matches, number), thresholds[number])
        for number, name in enumerate(names)
    )
    origin = "on val images, and contract.json has it" if served else "on these images"
    note = (
        "New weights, the images of all slices, IoU 0.5. The dotted line is the advised threshold of the class: from "
        f"this confidence on, a detection should be believed. It is where F1 is best {origin}."
    )
    return f'<p class="note">{note}</p><div class="charts">{charts}</div>'
