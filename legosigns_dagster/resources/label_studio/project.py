"""A Label Studio project: which one is meant, and whether its labels are the classes of the base weights."""

import threading
from dataclasses import dataclass
from typing import Any

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.errors import LabelStudioError


@dataclass(frozen=True)
class Project:
    """A project as Label Studio describes it.

    Attributes:
        id: Its number, as text.
        title: The title that people gave it. Two projects may have the same title.
        classes: The labels of its rectangles, in the order of its labelling config.
    """

    id: str
    title: str
    classes: tuple[str, ...]

    def require_classes(self, base: SignClasses) -> None:
        """Check that the project has exactly the classes of the base weights.

        Raises:
            LabelStudioError: It has not. Both lists are in the message.
        """
        unknown = [name for name in self.classes if name not in base.names]
        missing = [name for name in base.names if name not in self.classes]
        if unknown or missing:
            raise LabelStudioError(
                f"the labelling config of project {self.id} ({self.title}) has the rectangle labels "
                f"{', '.join(self.classes) or 'none'}, the base weights have the classes {', '.join(base.names)}: "
                f"unknown {', '.join(unknown) or 'none'}, missing {', '.join(missing) or 'none'}. Change one of the two"
            )


class ProjectConnection:
    """A client, and the project that a run reads with it. Safe for threads.

    The project is looked up when it is first needed, and only once.

    Attributes:
        client: The client that all parts of a run share.
        wanted: The id or the title of the project, empty where no project is named.
    """

    def __init__(self, client: LabelStudioClient, wanted: str = "") -> None:
        self.client, self.wanted = client, wanted
        self._project: Project | None = None
        self._lock = threading.Lock()

    @property
    def project(self) -> Project:
        """The project. LabelStudioError as `find_project`."""
        with self._lock:
            if self._project is None:
                self._project = find_project(self.client, self.wanted)
            return self._project


def find_project(client: LabelStudioClient, wanted: str) -> Project:
    """Find the project with this id or, where there is none, with this title.

    Raises:
        LabelStudioError: There is no such project, or there are several with this title. Projects to choose from are
            in the message.
    """
    description = get_by_id(client, wanted) or get_by_title(client, wanted)
    controls = (description.get("parsed_label_config") or {}).values()
    labels = [label for c in controls if c.get("type") == "RectangleLabels" for label in c.get("labels", ())]
    return Project(str(description["id"]), str(description["title"]), tuple(dict.fromkeys(labels)))


def get_by_id(client: LabelStudioClient, wanted: str) -> Any:
    """Get the description of the project with this id, None where there is none."""
    if not wanted.isdigit():
        return None
    try:
        return client.get(f"api/projects/{wanted}/")
    except LabelStudioError as error:
        if error.status == 404:
            return None
        raise


def get_by_title(client: LabelStudioClient, wanted: str) -> Any:
    """Get the description of the one project with this title. LabelStudioError as `find_project`."""
    projects = list(client.projects())
    same = [project for project in projects if project["title"] == wanted]
    if len(same) != 1:
        known = "; ".join(f"{project['id']} {project['title']}" for project in (same or projects)[:10]) or "none"
        raise LabelStudioError(
            f"LABEL_STUDIO_PROJECT is {wanted!r}, the id or title of {len(same)} projects: give one of {known}"
        )
    return same[0]
