"""What Dagster's UI shows of a new version of an asset: what people came for first, then the rest in one order."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pandas as pd

SHOWN_ROWS = 200  # metadata lives in a row of the event log; the whole table is a file of the snapshot
DOWNLOADS = "downloads"  # the IO manager fills it in: only then the files have addresses


@dataclass(frozen=True)
class Page:
    """What the UI shows of a version. Dagster keeps the order of `entries`.

    Attributes:
        picture: What the version looks like, by `picture`. None where there is nothing to see.
        facts: Verdict, counts and other short values, by name.
        tables: Tables of at most five columns, by name: more would not fit. The rest is in the files.
        settings: The settings that were used, by name; empty where there are none.
        details: What the sensor compares, and what Dagster draws over the runs, by name.
    """

    picture: dg.MarkdownMetadataValue | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def entries(self) -> dict[str, Any]:
        """Write the metadata in their order: downloads, picture, facts, tables, settings, details."""
        shown: dict[str, Any] = {DOWNLOADS: dg.MetadataValue.null()}  # its place; see the IO manager
        if self.picture:
            shown["picture"] = self.picture
        shown.update(self.facts)
        shown.update({name: table(frame) for name, frame in self.tables.items()})
        if self.settings:
            shown["settings"] = dg.MetadataValue.json(dict(self.settings))
        shown.update(self.details)
        return shown


def table(frame: pd.DataFrame) -> dg.TableMetadataValue:
    """A table as the UI shows it, numbers rounded to four places, its first rows when it is long."""
    shown = frame.head(SHOWN_ROWS).round(4)
    plain = shown.astype(object).where(shown.notna(), None)
    records = [dg.TableRecord({str(k): v for k, v in row.items()}) for row in plain.to_dict(orient="records")]
    kinds = {"i": "int", "f": "float"}
    columns = [dg.TableColumn(str(name), kinds.get(dtype.kind, "string")) for name, dtype in frame.dtypes.items()]
    return dg.MetadataValue.table(records=records, schema=dg.TableSchema(columns=columns))


def picture(content: bytes, text: str, kind: str = "jpeg") -> dg.MarkdownMetadataValue:
    """A JPEG (or another kind of image) as the UI shows it, inside the metadata: no server has to be asked for it."""
    return dg.MetadataValue.md(f"![{text}](data:image/{kind};base64,{base64.b64encode(content).decode()})")


def drawing(svg: str, text: str) -> dg.MarkdownMetadataValue:
    """A chart as the UI shows it, given as an SVG document."""
    return picture(svg.encode(), text, "svg+xml")
