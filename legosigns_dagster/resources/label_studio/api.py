"""Annotations from the Label Studio API: everything on the first run, then only what changed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.ingestion.incremental import Extraction, PreviousVersion
from legosigns_dagster.core.ingestion.label_studio import Task, read_task, task_link
from legosigns_dagster.core.ingestion.project_state import SourceState
from legosigns_dagster.core.progress import Log, track_progress
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.project import ProjectConnection

MAX_ROUNDS = 5
# Label Studio dates a change when its transaction starts, and we see the change when the transaction ends. So we look
# for changes from some time before the last known one. A longer import is noticed by the number of tasks. After an
# import of thousands of tasks within that time, only the last tasks are checked again.
OVERLAP, OVERLAP_TASKS = timedelta(minutes=1), 100


@dataclass(frozen=True)
class ApiSource:
    """A project on a Label Studio server.

    Attributes:
        connection: The project and the client to read it with.
        classes: The classes of the base weights, which must be the project's labels.
        log: Gets the progress.
    """

    connection: ProjectConnection
    classes: SignClasses
    log: Log

    def extract(self, into: Path, before: PreviousVersion | None = None) -> Extraction:
        """See `AnnotationSource`.

        Raises:
            LabelStudioError: The server does not answer, the key or the project is wrong, or the project's labels are
                not the classes.
        """
        project = self.connection.project
        project.require_classes(self.classes)
        return ProjectSync(self.connection.client, project.id, self.log).run(before)


class ProjectSync:
    """Updates the tasks of the previous version to those that a project has now."""

    def __init__(self, client: LabelStudioClient, project: str, log: Log) -> None:
        self.client, self.project, self.log = client, project, log
        self.known: dict[str, Task] = {}
        self.unreadable: dict[str, QuarantineRow] = {}

    def run(self, before: PreviousVersion | None) -> Extraction:
        """Read all tasks as they are now. Only those that changed since the previous version are downloaded."""
        last = self._last_state(before)
        if before and last:
            self.known = {task.id: task for task in before.tasks}
        if before and not before.is_complete:
            last = None  # the complete list shows which tasks are missing here
        earlier = dict(self.known)
        for _ in range(MAX_ROUNDS):  # people may be annotating: a round reads what changed during the one before
            now = self.client.state(self.project)
            if now == last:
                break
            self._update(last, now)
            last = now
        unchanged = frozenset(key for key, task in self.known.items() if earlier.get(key) is task)
        tasks = sorted(self.known.values(), key=lambda task: (len(task.id), task.id))
        return Extraction(tasks, list(self.unreadable.values()), str(last or ""), unchanged)

    def _update(self, last: SourceState | None, now: SourceState) -> None:
        listed = self.client.index(self.project, self._changes_since(last)) if last and last.newest else None
        added = [key for key in listed if key not in self.known] if listed is not None else []
        if listed is None or len(self.known) + len(added) != now.tasks:
            # Only the complete list shows which tasks were deleted, and which could not be read the last time.
            listed = self.client.index(self.project)
            for key in [key for key in self.known if key not in listed]:
                del self.known[key]
        changed = [key for key, at in listed.items() if key not in self.known or self.known[key].updated_at != at]
        self._download(sorted(changed, key=lambda key: (len(key), key)))

    def _download(self, ids: list[str]) -> None:
        chunks = self.client.export(self.project, ids)
        documents = (document for chunk in chunks for document in chunk)
        for document in track_progress(documents, len(ids), f"tasks of project {self.project} read", self.log):
            key = str(document.get("id"))
            self.unreadable.pop(key, None)
            try:
                self.known[key] = read_task(document)
            except ValueError as error:
                self.known.pop(key, None)
                link = task_link(self.client.url, self.project, key)
                self.unreadable[key] = QuarantineRow("unreadable_annotation", str(error), task=key, link=link)

    def _last_state(self, before: PreviousVersion | None) -> SourceState | None:
        """Read the state of the previous version, None where it was made from another project or from no project."""
        state = SourceState.parse(before.state) if before else None
        is_ours = state and (state.server, state.project) == (self.client.url, self.project)
        return state if is_ours else None

    def _changes_since(self, last: SourceState) -> str:
        """Tell from when to look for changes, as Label Studio's filter reads a time: in UTC, with microseconds."""
        newest = sorted((task.updated_at for task in self.known.values()), reverse=True)[:OVERLAP_TASKS]
        since = datetime.fromisoformat(last.newest) - OVERLAP
        if len(newest) == OVERLAP_TASKS:
            since = max(since, datetime.fromisoformat(newest[-1]))
        return since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
