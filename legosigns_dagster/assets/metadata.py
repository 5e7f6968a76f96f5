"""How an asset's value is shown and versioned: equal content has an equal data version."""

import base64
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dagster as dg
import pandas as pd

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.difference import Difference
from legosigns_dagster.core.files import DIGITS, SavedAsFolder, folder_digest, index_folder
from legosigns_dagster.core.pictures.difference_pictures import difference_sheet
from legosigns_dagster.core.pictures.gallery import contact_sheet

SHOWN_ROWS = 200  # metadata lives in a row of the event log; the whole table is a file of the snapshot
SOURCE_STATE = "source_state"  # what raw_annotations was made of; the sensor compares it with what is there now


def versioned(value: Any, metadata: Mapping[str, Any]) -> dg.Output[Any]:
    """Save a value's folder and index it, once for the store as well.

    Returns:
        The value with its content's digest as data version: equal content makes nothing downstream stale.

    Raises:
        TypeError: for a value that cannot save itself as a folder.
    """
    if not isinstance(value, SavedAsFolder):
        raise TypeError(f"{type(value).__name__} cannot save itself as a folder: see SavedAsFolder in core/files.py")
    index = index_folder(value.save())
    digest = folder_digest(index)
    shown = dict(metadata) | {"digest": digest[:DIGITS]}
    indexed = replace(value, index=index)  # type: ignore[type-var]  # every such value is a dataclass
    with warnings.catch_warnings():
        # Dagster calls data versions beta, once for each process, on the terminal of whoever runs the job.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.Output(indexed, metadata=shown, data_version=dg.DataVersion(digest))


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


def dataset_metadata(dataset: Dataset) -> dict[str, Any]:
    """Counts by class and split, a few images with their boxes, and what was rejected or changed."""
    shown = {
        "images": len(dataset.images),
        "boxes": len(dataset.boxes),
        "counts": table(dataset.counts()),
        "preview": picture(contact_sheet(dataset, 12, 960), "images with their boxes"),
        "quarantined": len(dataset.quarantine),
    }
    for name in ("quarantine", "adjustments"):
        rows: pd.DataFrame = getattr(dataset, name)
        if len(rows):
            shown[name] = table(rows)
    return shown


def difference_metadata(difference: Difference) -> dict[str, Any]:
    """What changed since the version before: in a line, by class, by image, as pictures, and the deleted tasks."""
    shown: dict[str, Any] = {"difference": difference.text(), "difference_by_class": table(difference.by_class())}
    if difference.changes:
        shown["difference_by_image"] = table(difference.by_image())
        shown["difference_pictures"] = picture(difference_sheet(difference, 8, 960), "images before and after")
    if len(difference.deleted_tasks):
        shown["deleted_tasks"] = table(difference.deleted_tasks)
    return shown
