"""What could not be used, and what was used but changed: each a row with its reason and the way to its task."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from legosigns_dagster.core.dataset.dataset import QUARANTINE_COLUMNS


class RejectedError(ValueError):
    """A task, annotation or region cannot be used: a reason in one word, and what was got and expected."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class ImageRejectedError(RejectedError):
    """Because of a region its whole image cannot be used: the rest would teach something wrong."""


@dataclass(frozen=True)
class QuarantineRow:
    """One line of the quarantine (or of the adjustments); `link` opens the task in Label Studio."""

    reason: str
    detail: str
    image: str = ""
    task: str = ""
    annotation: str = ""
    link: str = ""


def quarantine_table(rows: Iterable[QuarantineRow]) -> pd.DataFrame:
    """The rows as a table, sorted by reason, image and task."""
    records = sorted((r.reason, r.detail, r.image, r.task, r.annotation, r.link) for r in rows)
    ordered = sorted(records, key=lambda r: (r[0], r[2], r[3]))
    return pd.DataFrame(ordered, columns=QUARANTINE_COLUMNS, dtype=str)
