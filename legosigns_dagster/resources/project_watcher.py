"""The Label Studio project whose changes start runs, and how large a change has to be."""

from contextlib import closing

import dagster as dg

from legosigns_dagster.core.ingestion.project_state import SourceState
from legosigns_dagster.core.ingestion.run_trigger import TriggerThresholds
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.project import find_project

QUIET_S, ANNOTATIONS = 600, 10


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
        with closing(self._new_client()) as client:
            return client.state(find_project(client, self.inputs.label_studio_project).id)

    def count_changes(self, used: SourceState | None, now: SourceState) -> int:
        """Count the annotations that changed between two states.

        Deleted annotations count as far as the number of annotations fell.

        Args:
            used: The state that the last run used. None counts all annotations.
            now: The project's state now.
        """
        deleted = max(used.annotations - now.annotations, 0) if used else 0
        with closing(self._new_client()) as client:
            return client.count_annotations(now.project, used) + deleted

    def _new_client(self) -> LabelStudioClient:
        return self.inputs.new_client(retry_after_s=())
