"""Tasks from Label Studio's two JSON shapes.

An export and a newer sink have tasks (`{id, data, annotations}`). By default, the S3 target storage writes annotations
(`{id, result, task}`). The shape is recognized by its keys, never by a file's name.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from legosigns_dagster.core.dataset.quarantine import RejectedError

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Annotation:
    """What one person drew on the image of a task.

    Attributes:
        id: Its id, empty for an image that nobody annotated.
        result: Its regions, none for an image without a sign. None where Label Studio wrote null.
        was_cancelled: The person skipped the task.
        ground_truth: Marked in Label Studio as the one that is right.
        updated_at: When it was last changed, as Label Studio writes it: such texts sort by time.
    """

    id: str
    result: tuple[Json, ...] | None
    was_cancelled: bool
    ground_truth: bool
    updated_at: str


@dataclass(frozen=True)
class Task:
    """An image that people were asked to annotate, with all annotations of it.

    Attributes:
        id: Its id.
        project: The id of its project, empty where unknown.
        data: What was imported, with the image's URL.
        annotations: What people drew.
        updated_at: When Label Studio last changed the task or one of its annotations, empty where unknown.
    """

    id: str
    project: str
    data: Json
    annotations: tuple[Annotation, ...]
    updated_at: str = ""

    def image_url(self, to_name: str | None) -> str:
        """Find the image's URL in the data: under the key `to_name` of the regions, under `image`, or the only text.

        Raises:
            RejectedError: The data has several texts and none of these keys.
        """
        texts = {key: value for key, value in self.data.items() if isinstance(value, str) and value}
        for key in (to_name, "image"):
            if key in texts:
                return texts[key]
        if len(texts) == 1:
            return next(iter(texts.values()))
        raise RejectedError("no_image", f"task data has the keys {sorted(self.data)}, expected one named 'image'")


def task_link(url: str, project: str, task: str) -> str:
    """Write the address at which a person opens a task, a path alone where Label Studio's address is not known.

    Example:
        >>> task_link("http://localhost:8080", "1", "17")
        'http://localhost:8080/projects/1/data?task=17'
    """
    return f"{url.rstrip('/')}/projects/{project or '-'}/data?task={task}"


def read_annotation(document: Json) -> Annotation:
    """Read an annotation object of either shape.

    Raises:
        ValueError: Its result is not a list.
    """
    result = document.get("result")
    if result is not None and not isinstance(result, list):
        raise ValueError(f"'result' is a {type(result).__name__}, expected a list of regions")
    return Annotation(
        str(document.get("id", "")),
        None if result is None else tuple(region for region in result if isinstance(region, dict)),
        bool(document.get("was_cancelled")),
        bool(document.get("ground_truth")),
        str(document.get("updated_at") or document.get("created_at") or ""),
    )


def read_task(document: object) -> Task:
    """Read a task from either shape.

    Raises:
        ValueError: The document has another shape. The message says which.
        KeyError: It has no id.
    """
    if not isinstance(document, dict):
        raise ValueError(f"found a {type(document).__name__}, expected a Label Studio task or annotation")
    if "annotations" in document and isinstance(document.get("data"), dict):
        annotations = [a for a in document["annotations"] if isinstance(a, dict)]
        projects = [annotation.get("project") for annotation in annotations]
        project = document.get("project") or next((p for p in projects if p), "")
        read = tuple(map(read_annotation, annotations))
        updated_at = str(document.get("updated_at") or "")
        return Task(str(document["id"]), str(project), document["data"], read, updated_at)
    task = document.get("task")
    if "result" in document and isinstance(task, dict) and isinstance(task.get("data"), dict):
        project = document.get("project") or task.get("project") or ""
        return Task(str(task["id"]), str(project), task["data"], (read_annotation(document),))
    raise ValueError(
        f"found the keys {sorted(document)[:8]}, expected a task (id, data, annotations) or an annotation (id, result, "
        "task with its data)"
    )


def read_documents(name: str, text: str) -> list[Task]:
    """Read the tasks in one JSON text, which is one document or a list of them.

    Raises:
        ValueError: The text or a document cannot be read. The message begins with `name`, the file's.
    """
    try:
        parsed = json.loads(text)
        return [read_task(document) for document in (parsed if isinstance(parsed, list) else [parsed])]
    except (ValueError, KeyError) as error:
        raise ValueError(f"{name}: {type(error).__name__}: {error}") from error


def merge_by_task(tasks: Iterable[Task]) -> list[Task]:
    """Merge documents of the same task: one task for each id of a project, with all its annotations, ordered by id."""
    merged: dict[tuple[str, str], Task] = {}
    for task in tasks:
        known = merged.get((task.project, task.id))
        merged[task.project, task.id] = (
            replace(known, annotations=known.annotations + task.annotations) if known else task
        )
    return sorted(merged.values(), key=lambda task: (task.project, len(task.id), task.id))
