"""The report's tables as HTML."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

import pandas as pd

from legosigns_dagster.core.evaluation.bootstrap import Verdict
from legosigns_dagster.core.evaluation.comparison import Comparison, SliceResults
from legosigns_dagster.core.evaluation.formatting import METRIC_TITLES, SUMMARY_METRICS, format_difference, format_value
from legosigns_dagster.core.evaluation.label_errors import MIN_CONFIDENCE, find_label_errors
from legosigns_dagster.core.evaluation.score import Score

MAX_LABEL_ERRORS = 20  # rows for each slice
TABLE_METRICS = ["map50", "map50_95", "precision", "recall"]
VERDICT_STYLES = {Verdict.BETTER: "up", Verdict.WORSE: "down", Verdict.INCONCLUSIVE: "same"}


def metrics_table(comparison: Comparison) -> str:
    """Write a table with a row for each slice and class: base, new and difference of each metric."""
    titles = "".join(
        f'<th colspan="{column_count(metric)}" scope="colgroup">{METRIC_TITLES[metric]}</th>'
        for metric in TABLE_METRICS
    )
    without_interval = '<th scope="col">base → new</th><th scope="col">difference</th>'
    with_interval = '<th scope="col">base → new</th><th scope="col">difference<br><small>95 % interval</small></th>'
    with_interval += '<th class="text" scope="col">verdict</th>'
    columns = "".join(with_interval if metric in SUMMARY_METRICS else without_interval for metric in TABLE_METRICS)
    heading = '<th class="text" scope="col" rowspan="2">slice</th><th class="text" scope="col" rowspan="2">class</th>'
    heading += '<th scope="col" rowspan="2">images</th><th scope="col" rowspan="2">boxes</th>'
    body = "".join(metrics_row(rows) for rows in comparison.class_rows())
    return f"<table><thead><tr>{heading}{titles}</tr><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"


def column_count(metric: str) -> int:
    """The number of table columns of a metric: a metric with an interval also has a verdict."""
    return 3 if metric in SUMMARY_METRICS else 2


def metrics_row(rows: pd.DataFrame) -> str:
    """Write the row of one slice and class, given its rows of the comparison."""
    first, by_metric = rows.iloc[0], rows.set_index("metric")
    cells = f'<th class="text" scope="row">{escape(first["slice"])}</th>'
    cells += f'<td class="text">{escape(first["class_name"])}</td>'
    cells += f"<td>{first['images']}</td><td>{first['boxes']}</td>"
    for metric in TABLE_METRICS:
        row, has_interval = by_metric.loc[metric], metric in SUMMARY_METRICS
        base, new, difference = (float(row[column]) for column in ("base", "new", "difference"))
        style = VERDICT_STYLES.get(row["verdict"], "same")  # a colour is a claim: only a verdict gives one
        interval = f"{format_difference(row['low'])} to {format_difference(row['high'])}"
        small = f"<br><small>{interval}</small>" if has_interval else ""
        cells += f"<td>{format_value(base)} → {format_value(new)}</td>"
        cells += f'<td class="{style}">{format_difference(difference)}{small}</td>'
        if has_interval:
            cells += f'<td class="text verdict {style}">{row["verdict"]}</td>'
    return f'<tr class="{"all" if first["class_name"] == "all" else "class"}">{cells}</tr>'


def label_errors_section(results: SliceResults) -> str:
    """Write the section with a slice's suspected label errors and the links to their tasks, empty where it has none."""
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
    heads = '<th class="text">image</th><th class="text">both weights detect</th><th>confidence</th>'
    heads += '<th class="text">annotation</th>'
    first = f" The {MAX_LABEL_ERRORS} with the highest confidence:" if len(errors) > MAX_LABEL_ERRORS else ""
    return (
        f'<h2>{escape(results.name)}: suspected label errors</h2><p class="note">Both weights detect the same class at '
        f"the same place with a confidence of at least {MIN_CONFIDENCE}, and the annotation says something else. "
        f"Please check these annotations ({len(errors)}).{first}</p>"
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    )


def image_link(source: Mapping[str, str]) -> str:
    """Write an image's name, as a link to its task where Label Studio's address is known."""
    name, link = escape(source["image"]), source["link"]
    return f'<a href="{escape(link, quote=True)}">{name}</a>' if link.startswith("http") else name


def synthesis_table(base: Score, without: Score, chosen: Score) -> str:
    """Write the table of base weights and of new weights trained without and with synthetic images."""
    scores = {"base": base, "new, without synthetic images": without, "new, with synthetic images": chosen}
    body = ""
    for name, score in scores.items():
        cells = "".join(f"<td>{format_value(value)}</td>" for value in vars(score).values())
        body += f'<tr><th class="text" scope="row">{name}</th>{cells}</tr>'
    heads = '<th class="text">weights</th><th>classical mAP50-95</th><th>LEGO mAP50</th><th>LEGO mAP50-95</th>'
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
