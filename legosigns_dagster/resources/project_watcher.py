"""The Label Studio project whose changes start runs, and how large a change has to be."""

import queue
import threading
from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

import dagster as dg

from legosigns_dagster.core.ingestion.project_state import SourceState
from legosigns_dagster.core.ingestion.run_trigger import TriggerThresholds
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.errors import LabelStudioError
from legosigns_dagster.resources.label_studio.project import find_project

QUIET_S, ANNOTATIONS = 600, 10
TIMEOUT_S = (5, 10)  # to connect, to read: a tick is small, and the next one asks again
ANSWER_WITHIN_S = 30.0  # all requests of one question together, Dagster ends a tick after 60
T = TypeVar("T")


class ProjectWatcher(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Asks for changes of the project that the inputs name.

    Each method makes a client of its own and does not retry: the sensor's next tick does.

    Attributes:
        inputs: They name the server, the key and the project.
        quiet_s: For how long nobody must have changed anything, in seconds.
        annotations: How many annotations must have changed.
    """

    inputs: dg.ResourceDependency[Inputs]
    quiet_s: int = QUIET_S
    annotations: int = ANNOTATIONS

    @property
    def thresholds(self) -> TriggerThresholds:
        """What must have happened before a run starts."""
        return TriggerThresholds(self.quiet_s, self.annotations)

    def poll(self) -> SourceState:
        """Get the state of the project now.

        Raises:
            ValueError: No project is named.
            LabelStudioError: Label Studio does not answer, or the key or the project is wrong.
        """
        if not self.inputs.label_studio_project:
            raise ValueError("no project to watch: set LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY and LABEL_STUDIO_PROJECT")
        project = self.inputs.label_studio_project
        return self._ask(lambda client: client.state(find_project(client, project).id))

    def count_changes(self, used: SourceState | None, now: SourceState) -> int:
        """Count the annotations that changed between two states.

        Deleted annotations count as far as the number of annotations fell.

        Args:
            used: The state that the last run used. None counts all annotations.
            now: The project's state now.
        """
        deleted = max(used.annotations - now.annotations, 0) if used else 0
        return self._ask(lambda client: client.count_annotations(now.project, used)) + deleted

    def _ask(self, question: Callable[[LabelStudioClient], T]) -> T:
        """Ask in another thread. A time-out of requests begins again with each byte of an answer."""
        answers: queue.Queue[T | Exception] = queue.Queue()

        def ask() -> None:
            with closing(self.inputs.new_client(retry_after_s=(), timeout_s=TIMEOUT_S)) as client:
                try:
                    answers.put(question(client))
                except Exception as error:
                    answers.put(error)

        threading.Thread(target=ask, daemon=True).start()
        try:
            answer = answers.get(timeout=ANSWER_WITHIN_S)
        except queue.Empty:
            raise LabelStudioError(
                f"{self.inputs.label_studio_url} did not answer within {ANSWER_WITHIN_S:.0f} s: is it overloaded?"
            ) from None
        if isinstance(answer, Exception):
            raise answer
        return answer
