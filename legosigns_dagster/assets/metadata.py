"""How an asset's value is shown and versioned: equal content has an equal data version."""

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dagster as dg
import pandas as pd

from legosigns_dagster.assets.page import Page, picture
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.difference import Difference
from legosigns_dagster.core.files import DIGITS, SavedAsFolder, folder_digest, index_folder
from legosigns_dagster.core.pictures.difference_pictures import difference_sheet
from legosigns_dagster.core.pictures.gallery import contact_sheet

SOURCE_STATE = "source_state"  # what raw_annotations was made of; the sensor compares it with what is there now
ROW_COLUMNS = ["reason", "detail", "image", "task", "link"]  # of the quarantine; its file has the annotation as well


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


def dataset_page(dataset: Dataset, settings: Mapping[str, Any]) -> Page:
    """A few images with their boxes, counts by class and split, and what was rejected or changed."""
    facts = {
        "images": len(dataset.images),
        "boxes": len(dataset.boxes),
        "quarantined": len(dataset.quarantine),
    }
    rejected = {"quarantine": dataset.quarantine, "adjustments": dataset.adjustments}
    tables = {"counts": counts_by_class(dataset)}
    tables |= {name: rows[ROW_COLUMNS] for name, rows in rejected.items() if len(rows)}
    return Page(picture(contact_sheet(dataset, 12, 960), "images with their boxes"), facts, tables, settings)


def counts_by_class(dataset: Dataset) -> pd.DataFrame:
    """Count images, and the boxes of each class, in a row each; a column for each split."""
    counts = dataset.counts().set_index("split").T
    return counts.rename_axis(index="number of", columns=None).reset_index()


def add_difference(page: Page, difference: Difference) -> Page:
    """Add to a dataset's page what changed since the version before: in a line, as pictures, in tables."""
    facts: dict[str, Any] = {**page.facts, "difference": difference.text()}
    tables = {**page.tables, "difference_by_class": differences_by_class(difference)}
    if difference.changes:
        facts["difference_pictures"] = picture(difference_sheet(difference, 8, 960), "images before and after")
        tables["difference_by_image"] = difference.by_image()
    if len(difference.deleted_tasks):
        tables["deleted_tasks"] = difference.deleted_tasks
    return replace(page, facts=facts, tables=tables)


def differences_by_class(difference: Difference) -> pd.DataFrame:
    """Count the changes of each class, with added and removed in one column: `+2 -1`."""
    counts = difference.by_class()

    def both(name: str) -> list[str]:
        pairs = zip(counts[f"{name}_added"], counts[f"{name}_removed"], strict=True)
        return [f"+{added} -{removed}" for added, removed in pairs]

    relabelled = zip(counts["relabelled_from"], counts["relabelled_to"], strict=True)
    return pd.DataFrame(
        {
            "class": counts["class"],
            "images": both("images"),
            "boxes": both("boxes"),
            "boxes_moved": counts["boxes_moved"],
            "relabelled": [f"{before} from it, {after} to it" for before, after in relabelled],
        }
    )
