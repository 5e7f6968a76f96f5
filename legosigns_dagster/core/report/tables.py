"""The report's tables as HTML."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

import pandas as pd

from legosigns_dagster.core.evaluation.bootstrap import BETTER, UNKNOWN, WORSE
from legosigns_dagster.core.evaluation.comparison import (
    SUMMARY_METRICS,
    TITLES,
    Comparison,
    SliceResults,
    shown,
    signed,
)
from legosigns_dagster.core.evaluation.label_errors import find_label_errors
from legosigns_dagster.core.evaluation.score import Score

ERRORS = 20
SHOWN = ["map50", "map50_95", "precision", "recall"]
VERDICT_STYLES = {BETTER: "up", WORSE: "down", UNKNOWN: "same"}


def table(comparison: Comparison) -> str:
    """The table: a row for each slice and class, base, new and difference of each metric."""
    first = "".join(f'<th colspan="{column_count(metric)}" scope="colgroup">{TITLES[metric]}</th>' for metric in SHOWN)
    plain = '<th scope="col">base → new</th><th scope="col">difference</th>'
    judged = '<th scope="col">base → new</th><th scope="col">difference<br><small>95 % interval</small></th>'
    judged += '<th class="text" scope="col">verdict</th>'
    second = "".join(judged if metric in SUMMARY_METRICS else plain for metric in SHOWN)
    heading = '<th class="text" scope="col" rowspan="2">slice</th><th class="text" scope="col" rowspan="2">class</th>'
    heading += '<th scope="col" rowspan="2">images</th><th scope="col" rowspan="2">boxes</th>'
    groups = comparison.table.groupby(["slice", "class_name"], sort=False)
    body = "".join(table_row(rows) for _, rows in groups)
    return f"<table><thead><tr>{heading}{first}</tr><tr>{second}</tr></thead><tbody>{body}</tbody></table>"


def errors(part: SliceResults) -> str:
    """A table of the annotations of a slice that may be wrong, with the way to their tasks; nothing where none is."""
    found = find_label_errors(part)[:ERRORS]
    sources = part.dataset.sources_by_file()
    rows = "".join(
        f'<tr><td class="text">{linked(sources.get(e.file, {"image": Path(e.file).name, "link": ""}))}</td>'
        f'<td class="text">{escape(e.class_name)}</td><td>{e.confidence:.2f}</td>'
        f'<td class="text">{escape(e.annotated)}</td></tr>'
        for e in found
    )
    heads = '<th class="text">image</th><th class="text">both see</th><th>at least</th><th class="text">annotated</th>'
    title = f"{escape(part.name)}: annotations that may be wrong"
    table = f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<h2>{title}</h2>{table}" if found else ""


def linked(source: Mapping[str, str]) -> str:
    """An image's name that opens its task, where Label Studio's address is known."""
    name, link = escape(source["image"]), source["link"]
    return f'<a href="{escape(link, quote=True)}">{name}</a>' if link.startswith("http") else name


def column_count(metric: str) -> int:
    """How many columns of the table a metric has."""
    return 3 if metric in SUMMARY_METRICS else 2


def table_row(rows: pd.DataFrame) -> str:
    """One slice and class."""
    first, by_metric = rows.iloc[0], rows.set_index("metric")
    cells = f'<th class="text" scope="row">{escape(first["slice"])}</th>'
    cells += f'<td class="text">{escape(first["class_name"])}</td>'
    cells += f"<td>{first['images']}</td><td>{first['boxes']}</td>"
    for metric in SHOWN:
        base, new, change = (float(by_metric.loc[metric, column]) for column in ("base", "new", "difference"))
        row, judged = by_metric.loc[metric], metric in SUMMARY_METRICS
        kind = VERDICT_STYLES.get(row["verdict"], "same")  # a colour is a claim: only a verdict gives one
        interval = f"<br><small>{signed(row['low'])} to {signed(row['high'])}</small>" if judged else ""
        cells += f'<td>{shown(base)} → {shown(new)}</td><td class="{kind}">{signed(change)}{interval}</td>'
        if judged:
            cells += f'<td class="text verdict {kind}">{row["verdict"]}</td>'
    return f'<tr class="{"all" if first["class_name"] == "all" else "class"}">{cells}</tr>'


def synthesis_table(base: Score, without: Score, chosen: Score) -> str:
    """Base, new weights without and with synthetic images, on both val parts."""
    rows = {"base": base, "new, without synthetic images": without, "new, with synthetic images": chosen}
    body = ""
    for name, score in rows.items():
        figures = "".join(f"<td>{shown(value)}</td>" for value in vars(score).values())
        body += f'<tr><th class="text" scope="row">{name}</th>{figures}</tr>'
    heads = '<th class="text">weights</th><th>classical mAP50-95</th><th>LEGO mAP50</th><th>LEGO mAP50-95</th>'
    return f'<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>'
