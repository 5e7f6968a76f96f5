"""The report's tables as HTML."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from legosigns_dagster.core.evaluation.bootstrap import Verdict
from legosigns_dagster.core.evaluation.comparison import Comparison, SliceResults
from legosigns_dagster.core.evaluation.evaluation import ALL
from legosigns_dagster.core.evaluation.formatting import METRIC_TITLES, SUMMARY_METRICS, format_difference, format_value
from legosigns_dagster.core.evaluation.label_errors import MIN_CONFIDENCE, find_label_errors
from legosigns_dagster.core.evaluation.score import Score

MAX_LABEL_ERRORS = 20  # rows for each slice
TABLE_METRICS = ["map50", "map50_95", "precision", "recall"]
VERDICT_STYLES = {Verdict.BETTER: "up", Verdict.WORSE: "down", Verdict.INCONCLUSIVE: "same"}


def metrics_tables(comparison: Comparison) -> str:
    """Write a table for each slice, with a row for each class: base, new and difference of each metric."""
    by_slice: dict[str, list[pd.DataFrame]] = {}
    for rows in comparison.class_rows():
        by_slice.setdefault(rows.iloc[0]["slice"], []).append(rows)
    return "".join(metrics_table(name, rows) for name, rows in by_slice.items())


def metrics_table(slice_name: str, classes: Sequence[pd.DataFrame]) -> str:
    """Write the table of one slice, given the rows of each of its classes.

    The roles repeat what the elements are: on a narrow screen they are laid out otherwise, and would lose it.
    """
    heads = "".join(f'<th role="columnheader" scope="col">{METRIC_TITLES[metric]}</th>' for metric in TABLE_METRICS)
    return (
        f'<table class="metrics" role="table"><caption>{escape(slice_name)}</caption><thead role="rowgroup">'
        f'<tr role="row"><th role="columnheader" scope="col">class</th>{heads}</tr></thead>'
        f'<tbody role="rowgroup">{"".join(map(metrics_row, classes))}</tbody></table>'
    )


def metrics_row(rows: pd.DataFrame) -> str:
    """Write the row of one slice and class, given its rows of the comparison."""
    first, by_metric = rows.iloc[0], rows.set_index("metric")
    counts = f"<small>{first['images']} images, {first['boxes']} boxes</small>"
    cells = f'<th role="rowheader" scope="row">{escape(first["class_name"])}{counts}</th>'
    cells += "".join(metric_cell(metric, by_metric.loc[metric]) for metric in TABLE_METRICS)
    return f'<tr role="row" class="{"all" if first["class_name"] == ALL else "class"}">{cells}</tr>'


def metric_cell(metric: str, row: pd.Series) -> str:
    """Write what one metric is of base and new weights, and its difference, with interval and verdict if it has one."""
    base, new, difference = (float(row[column]) for column in ("base", "new", "difference"))
    style = VERDICT_STYLES.get(row["verdict"], "same")  # a colour is a claim: only a verdict gives one
    text = f"<span>{format_value(base)} → {format_value(new)}</span>"
    text += f'<span class="change {style}">{format_difference(difference)}</span>'
    if metric in SUMMARY_METRICS:
        if not math.isnan(row["low"]):
            text += f"<small>{format_difference(row['low'])} to {format_difference(row['high'])}</small>"
        text += f'<span class="verdict {style}">{row["verdict"]}</span>'
    return f'<td role="cell" data-label="{METRIC_TITLES[metric]}">{text}</td>'


def label_errors_section(results: SliceResults) -> str:
    """Write a slice's suspected label errors and the links to their tasks, empty where it has none."""
    errors = find_label_errors(results)
    if not errors:
        return ""
    sources = results.dataset.sources_by_file()
    rows = "".join(
        f'<tr><td class="text">{image_link(sources.get(e.file, {"image": Path(e.file).name, "link": ""}))}</td>'
        f'<td class="text">{escape(e.class_name)}</td><td>{e.confidence:.2f}</td>'
        f'<td class="text">{escape(e.annotation)}</td></tr>'
        for e in errors[:MAX_LABEL_ERRORS]
    )
    heads = '<th class="text" scope="col">image</th><th class="text" scope="col">both weights detect</th>'
    heads += '<th scope="col">confidence</th><th class="text" scope="col">annotation</th>'
    first = f" The {MAX_LABEL_ERRORS} with the highest confidence:" if len(errors) > MAX_LABEL_ERRORS else ""
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return (
        f'<h3>{escape(results.name)}</h3><p class="note">Both weights detect the same class at '
        f"the same place with a confidence of at least {MIN_CONFIDENCE}, and the annotation says something else. "
        f"Please check these annotations ({len(errors)}).{first}</p>{scrolled(table, f'{results.name}: label errors')}"
    )


def image_link(source: Mapping[str, str]) -> str:
    """Write an image's name, as a link to its task where Label Studio's address is known."""
    return task_link(source["image"], source["link"])


def task_link(text: str, link: str) -> str:
    """Write a text, as a link to a task where Label Studio's address is known."""
    return f'<a href="{escape(link, quote=True)}">{escape(text)}</a>' if link.startswith("http") else escape(text)


def synthesis_table(base: Score, without: Score, chosen: Score) -> str:
    """Write the table of base weights and of new weights trained without and with synthetic images."""
    scores = {"base": base, "new, without synthetic images": without, "new, with synthetic images": chosen}
    body = ""
    for name, score in scores.items():
        cells = "".join(f"<td>{format_value(value)}</td>" for value in vars(score).values())
        body += f'<tr><th class="text" scope="row">{name}</th>{cells}</tr>'
    titles = ("classical mAP50-95", "LEGO mAP50", "LEGO mAP50-95")
    heads = '<th class="text" scope="col">weights</th>' + "".join(f'<th scope="col">{title}</th>' for title in titles)
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    return scrolled(table, "Weights without and with synthetic images")


def scrolled(table: str, label: str) -> str:
    """Let a table that may be wider than the screen be scrolled, by the keyboard too."""
    return f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(label)}">{table}</div>'
