"""Where annotations come from: files that Label Studio wrote, in a target storage ("sink") or as an export."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.ingestion.incremental import Extraction, PreviousVersion
from legosigns_dagster.core.ingestion.label_studio import Task, merge_by_task, read_documents
from legosigns_dagster.core.ingestion.reconciliation import reconcile
from legosigns_dagster.resources.label_studio.project import ProjectConnection
from legosigns_dagster.resources.storage.locations import Location


class AnnotationSource(Protocol):
    """A place that holds tasks with their annotations."""

    def extract(self, into: Path, before: PreviousVersion | None = None) -> Extraction:
        """Read all tasks. A document that cannot be read becomes a row of the quarantine.

        Args:
            into: An empty folder for downloads.
            before: The current version of the dataset. A source may skip what has not changed since then.
        """


@dataclass(frozen=True)
class SinkSource:
    """Label Studio's target storage: a JSON file for each annotation or each task, with any file extension.

    Attributes:
        location: The folder or the prefix of the files.
        project: The id of the project whose files are read, empty for all. Several projects may write into one bucket.
        connection: The project whose current annotations are compared with the sink, in the place of `project`. None
            does not ask Label Studio.
    """

    location: Location
    project: str = ""
    connection: ProjectConnection | None = None

    def extract(self, into: Path, before: PreviousVersion | None = None) -> Extraction:
        """See `AnnotationSource`. A file that cannot be read does not affect the others."""
        folder = self.location.fetch(into)
        tasks: list[Task] = []
        rows: list[QuarantineRow] = []
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            try:
                tasks += read_documents(file.name, file.read_text(encoding="utf-8"))
            except ValueError as error:
                rows.append(QuarantineRow("unreadable_annotation", f"{error}: export it again", annotation=file.name))
        if not self.connection:
            return Extraction(merge_by_task(select_project(tasks, self.project)), rows)
        client, project = self.connection.client, self.connection.project.id
        merged = merge_by_task(select_project(tasks, project))
        kept, mismatches = reconcile(merged, client.annotations(project), project, client.url)
        return Extraction(kept, [*rows, *mismatches])


@dataclass(frozen=True)
class ExportSource:
    """A project's JSON export: one file with a list of tasks.

    Attributes:
        location: The file.
    """

    location: Location

    def extract(self, into: Path, before: PreviousVersion | None = None) -> Extraction:
        """See `AnnotationSource`.

        Raises:
            ValueError: The location is no export. The file is in the message.
        """
        file = self.location.fetch(into)
        if file.is_dir():
            raise ValueError(f"{self.location.variable} is the folder {file}, expected a JSON file")
        return Extraction(merge_by_task(read_documents(str(file), file.read_text(encoding="utf-8"))))


def select_project(tasks: list[Task], project: str) -> list[Task]:
    """Keep the tasks of the project with this id, all tasks where it is empty."""
    return [task for task in tasks if not project or task.project == project]
