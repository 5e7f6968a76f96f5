"""Annotations from the Label Studio API: on the first run everything, then only what changed."""

from collections.abc import Callable
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
from legosigns_dagster.resources.label_studio.project import find_project

ROUNDS = 5
# What is changed in a transaction is dated when it starts and seen when it ends: changes are looked for from a while
# before the last one. An import that takes longer shows in the number of tasks; of one with thousands of tasks in that
# time only the last need to be looked at again.
OVERLAP, OVERLAP_TASKS = timedelta(minutes=1), 100


@dataclass(frozen=True)
class ApiSource:
    """A project on a Label Studio server; `server` makes the connection when it is needed."""

    server: Callable[[], LabelStudioClient]
    project: str
    classes: SignClasses
    log: Log

    def extract(self, into: Path, before: PreviousVersion | None = None) -> Extraction:
        """See `AnnotationSource`; LabelStudioError when the server, the key or the labels are not right."""
        server = self.server()
        project = find_project(server, self.project)
        project.require_classes(self.classes)
        return Sync(server, project.id, self.log).run(before)


class Sync:
    """Brings what is known of a project up to date."""

    def __init__(self, server: LabelStudioClient, project: str, log: Log) -> None:
        self.server, self.project, self.log = server, project, log
        self.known: dict[str, Task] = {}
        self.unreadable: dict[str, QuarantineRow] = {}

    def run(self, before: PreviousVersion | None) -> Extraction:
        """All tasks as they are now, fetching only those that changed since the version before."""
        last = self._state_of(before)
        if before and last:
            self.known = {task.id: task for task in before.tasks}
        earlier = dict(self.known)
        for _ in range(ROUNDS):  # somebody may be annotating: what changed during a round is the next round's
            now = self.server.state(self.project)
            if now == last:
                break
            self._round(last, now)
            last = now
        unchanged = frozenset(key for key, task in self.known.items() if earlier.get(key) is task)
        tasks = sorted(self.known.values(), key=lambda task: (len(task.id), task.id))
        return Extraction(tasks, list(self.unreadable.values()), str(last or ""), unchanged)

    def _round(self, last: SourceState | None, now: SourceState) -> None:
        listed = self.server.index(self.project, self._since(last)) if last and last.newest else None
        added = [key for key in listed if key not in self.known] if listed is not None else []
        if listed is None or len(self.known) + len(added) != now.tasks:
            # The whole list alone tells which tasks were deleted, and which could not be read the last time.
            listed = self.server.index(self.project)
            for key in [key for key in self.known if key not in listed]:
                del self.known[key]
        changed = [key for key, at in listed.items() if key not in self.known or self.known[key].updated_at != at]
        self._fetch(sorted(changed, key=lambda key: (len(key), key)))

    def _fetch(self, ids: list[str]) -> None:
        chunks = self.server.export(self.project, ids)
        documents = (document for chunk in chunks for document in chunk)
        for document in track_progress(documents, len(ids), f"tasks of project {self.project} read", self.log):
            key = str(document.get("id"))
            self.unreadable.pop(key, None)
            try:
                self.known[key] = read_task(document)
            except ValueError as error:
                self.known.pop(key, None)
                link = task_link(self.server.url, self.project, key)
                self.unreadable[key] = QuarantineRow("unreadable_annotation", str(error), task=key, link=link)

    def _state_of(self, before: PreviousVersion | None) -> SourceState | None:
        """The state that a version before remembers; None where it is another project's, or none."""
        state = SourceState.parse(before.state) if before else None
        mine = state and (state.server, state.project) == (self.server.url, self.project)
        return state if mine else None

    def _since(self, last: SourceState) -> str:
        """The time from which to look for changes, written as Label Studio's filter wants it, with microseconds."""
        newest = sorted((task.updated_at for task in self.known.values()), reverse=True)[:OVERLAP_TASKS]
        since = datetime.fromisoformat(last.newest) - OVERLAP
        if len(newest) == OVERLAP_TASKS:
            since = max(since, datetime.fromisoformat(newest[-1]))
        return since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
