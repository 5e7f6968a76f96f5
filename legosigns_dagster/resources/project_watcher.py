"""The Label Studio project whose changes start runs, and how patient that is."""

import dagster as dg

from legosigns_dagster.core.ingestion.project_state import SourceState
from legosigns_dagster.core.ingestion.run_trigger import TriggerThresholds
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.label_studio.project import find_project

QUIET_S, ANNOTATIONS = 600, 10


class ProjectWatcher(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Looks at the project that the inputs name."""

    inputs: dg.ResourceDependency[Inputs]
    quiet_s: int = QUIET_S
    annotations: int = ANNOTATIONS

    @property
    def patience(self) -> TriggerThresholds:
        """How long people must have been quiet, and how much must have changed."""
        return TriggerThresholds(self.quiet_s, self.annotations)

    def look(self) -> SourceState:
        """The project's state now.

        ValueError where no project is named, LabelStudioError where it cannot be asked, at once: there is a next tick.
        """
        if not self.inputs.label_studio_project:
            raise ValueError("no project to watch: set LABEL_STUDIO_URL, LABEL_STUDIO_API_KEY and LABEL_STUDIO_PROJECT")
        server = self.inputs.server(retry_after_s=())
        return server.state(find_project(server, self.inputs.label_studio_project).id)

    def changed_since(self, used: SourceState | None, now: SourceState) -> int:
        """How many annotations changed from one state to the other; deleted ones count as far as they are missing."""
        deleted = max(used.annotations - now.annotations, 0) if used else 0
        return self.inputs.server(retry_after_s=()).changed_annotations(now.project, used) + deleted
