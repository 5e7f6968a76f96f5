"""Where annotations come from: files that Label Studio wrote, in a target storage ("sink") or as an export."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from legosigns_dagster.core.ingestion.incremental import Extraction, PreviousVersion
from legosigns_dagster.core.ingestion.label_studio import Task
from legosigns_dagster.core.ingestion.reconciliation import reconcile
from legosigns_dagster.core.ingestion.task_images import merge_by_task
from legosigns_dagster.core.progress import Log
from legosigns_dagster.resources.label_studio.documents import Documents
from legosigns_dagster.resources.label_studio.project import ProjectConnection
from legosigns_dagster.resources.label_studio.sink_files import read_sink
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
            A title is enough where the files have it.
        connection: The project whose current annotations are compared with the sink, in the place of `project`. None
            does not ask Label Studio.
        log: Gets the names of files that are no annotations.
    """

    location: Location
    project: str = ""
    connection: ProjectConnection | None = None
    log: Log = field(default=logging.getLogger(__name__), compare=False)

    def extract(self, into: Path, before: PreviousVersion | None = None) -> Extraction:
        """See `AnnotationSource`. A file that cannot be read does not affect the others.

        Raises:
            ValueError: No file is of the project. The projects that there are are in the message.
        """
        found = read_sink(self.location.fetch(into), self.location.variable, self.log)
        if not self.connection:
            return Extraction(merge_by_task(self._select_project(found)), found.rows)
        client, project = self.connection.client, self.connection.project.id
        merged = merge_by_task([task for task in found.tasks if task.project == project])
        kept, mismatches = reconcile(merged, client.annotations(project), project, client.url)
        return Extraction(kept, [*found.rows, *mismatches])

    def _select_project(self, found: Documents) -> list[Task]:
        counts = Counter(task.project for task in found.tasks)
        wanted = self.project.strip()
        same = [wanted] if wanted in counts else [key for key in counts if wanted == found.titles.get(key, "").strip()]
        if not wanted or not counts:
            return found.tasks
        if len(same) != 1:
            known = "; ".join(
                f"{key or 'no id'} {found.titles.get(key, '')}".strip() + f" ({count} documents)"
                for key, count in sorted(counts.items())[:10]
            )
            raise ValueError(
                f"LABEL_STUDIO_PROJECT is {wanted!r}, the id or title of {len(same)} projects of the files in "
                f"{self.location.variable}, which mostly name a project by its id alone: give one of {known}"
            )
        if counts[""]:
            self.log.warning(f"{self.location.variable}: {counts['']} documents name no project and are not used")
        return [task for task in found.tasks if task.project == same[0]]


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
            ValueError: The location is no export. The variable and the file are in the message.
        """
        file = self.location.fetch(into)
        if file.is_dir():
            raise ValueError(f"{self.location.variable} is the folder {file}, expected a JSON file")
        found = Documents()
        try:
            found.add(file.name, file.read_bytes())
        except ValueError as error:
            raise ValueError(f"{self.location.variable} is {self.location.uri}: {error}") from error
        return Extraction(merge_by_task(found.tasks), found.rows)
