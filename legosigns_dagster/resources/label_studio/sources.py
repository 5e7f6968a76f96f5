"""Where annotations come from: Label Studio's files, in a target storage or in an export."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.ingestion.incremental import Extraction, PreviousVersion
from legosigns_dagster.core.ingestion.label_studio import Task, merge_by_task, read_documents
from legosigns_dagster.core.ingestion.reconciliation import reconcile
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.project import find_project
from legosigns_dagster.resources.storage.locations import Location


class AnnotationSource(Protocol):
    """Tasks with their annotations, and rows for the documents that could not be read."""

    def extract(self, into: Path, before: PreviousVersion | None = None) -> Extraction:
        """Everything, `into` being an empty folder to download to; `before` may save a source some work."""


@dataclass(frozen=True)
class SinkSource:
    """Label Studio's target storage: a JSON file for each annotation or task, with any ending or none.

    Several projects may write into one bucket: with `project`, an id, only that one's count. With `server`, the project
    (an id or a title) is asked which annotations there are, and the sink is reconciled with that.
    """

    location: Location
    project: str = ""
    server: Callable[[], LabelStudioClient] | None = None

    def extract(self, into: Path, before: PreviousVersion | None = None) -> Extraction:
        """See `AnnotationSource`; a file that is no annotation becomes a row, the others are unharmed."""
        folder = self.location.fetch(into)
        found, rows = [], []
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            try:
                found += read_documents(file.name, file.read_text(encoding="utf-8"))
            except ValueError as error:
                rows.append(QuarantineRow("unreadable_annotation", f"{error}: export it again", annotation=file.name))
        if not self.server:
            return Extraction(merge_by_task(self._of(self.project, found)), rows)
        server = self.server()
        project = find_project(server, self.project).id
        mine = merge_by_task(self._of(project, found))
        kept, unreconciled = reconcile(mine, server.annotations(project), project, server.url)
        return Extraction(kept, [*rows, *unreconciled])

    def _of(self, project: str, tasks: list[Task]) -> list[Task]:
        return [task for task in tasks if not project or task.project == project]


@dataclass(frozen=True)
class ExportSource:
    """A project's JSON export: one file with a list of tasks."""

    location: Location

    def extract(self, into: Path, before: PreviousVersion | None = None) -> Extraction:
        """See `AnnotationSource`; ValueError that names the file when it is no export."""
        file = self.location.fetch(into)
        if file.is_dir():
            raise ValueError(f"{self.location.variable} is the folder {file}, expected a JSON file")
        return Extraction(merge_by_task(read_documents(str(file), file.read_text(encoding="utf-8"))))
