"""A Label Studio project: which one is meant, and whether its labels are the base weights' classes."""

from dataclasses import dataclass
from typing import Any

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.resources.label_studio.client import LabelStudioError, LabelStudioServer


@dataclass(frozen=True)
class Project:
    """A project: its classes are the labels of its rectangles, in the order of its labelling config."""

    id: str
    title: str
    classes: tuple[str, ...]

    def require_classes(self, base: SignClasses) -> None:
        """LabelStudioError that names both sides unless the project has exactly the base weights' classes."""
        unknown = [name for name in self.classes if name not in base.names]
        missing = [name for name in base.names if name not in self.classes]
        if unknown or missing:
            raise LabelStudioError(
                f"the labelling config of project {self.id} ({self.title}) has the rectangle labels "
                f"{', '.join(self.classes) or 'none'}, the base weights have the classes {', '.join(base.names)}: "
                f"unknown {', '.join(unknown) or 'none'}, missing {', '.join(missing) or 'none'}. Change one of the two"
            )


def find_project(server: LabelStudioServer, wanted: str) -> Project:
    """The project with this id or, where there is none, this title; LabelStudioError that lists what there is."""
    found = by_id(server, wanted) or by_title(server, wanted)
    controls = (found.get("parsed_label_config") or {}).values()
    labels = [label for c in controls if c.get("type") == "RectangleLabels" for label in c.get("labels", ())]
    return Project(str(found["id"]), str(found["title"]), tuple(dict.fromkeys(labels)))


def by_id(server: LabelStudioServer, wanted: str) -> Any:
    """The project with this id, None where there is none."""
    if not wanted.isdigit():
        return None
    try:
        return server.get(f"api/projects/{wanted}/")
    except LabelStudioError as error:
        if error.status == 404:
            return None
        raise


def by_title(server: LabelStudioServer, wanted: str) -> Any:
    """The one project with this title."""
    found: list[Any] = []
    for page in range(1, 1_000_000):
        answer = server.get("api/projects/", [("page", page), ("page_size", 100)])
        found += answer["results"]
        if not answer.get("next"):
            break
    same = [project for project in found if project["title"] == wanted]
    if len(same) != 1:
        known = "; ".join(f"{project['id']} {project['title']}" for project in (same or found)[:10]) or "none"
        raise LabelStudioError(
            f"LABEL_STUDIO_PROJECT is {wanted!r}, the id or title of {len(same)} projects: give one of {known}"
        )
    return same[0]
