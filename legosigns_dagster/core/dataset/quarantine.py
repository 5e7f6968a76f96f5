"""What could not be used, and what was used but changed: a row for each, with its reason and a link to its task."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from legosigns_dagster.core.dataset.dataset import QUARANTINE_COLUMNS


class RejectedError(ValueError):
    """A task, an annotation or a region cannot be used. It becomes a row of the quarantine.

    Attributes:
        reason: One word, such as `unknown_class`.
        detail: What was got, what was expected, and what to do.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class ImageRejectedError(RejectedError):
    """One region makes its whole image unusable: with the other regions alone, a detector would learn an error."""


@dataclass(frozen=True)
class QuarantineRow:
    """One row of the quarantine or of the adjustments. Text that is not known is empty.

    Attributes:
        reason: One word, such as `unknown_class`.
        detail: What was got, what was expected, and what to do.
        image: The image's name.
        task: The id of its task in Label Studio.
        annotation: The id of its annotation.
        link: The address at which a person opens the task.
    """

    reason: str
    detail: str
    image: str = ""
    task: str = ""
    annotation: str = ""
    link: str = ""


def quarantine_table(rows: Iterable[QuarantineRow]) -> pd.DataFrame:
    """Make a table of the rows, sorted by reason, image and task."""
    records = sorted((r.reason, r.detail, r.image, r.task, r.annotation, r.link) for r in rows)
    ordered = sorted(records, key=lambda r: (r[0], r[2], r[3]))
    return pd.DataFrame(ordered, columns=QUARANTINE_COLUMNS, dtype=str)
