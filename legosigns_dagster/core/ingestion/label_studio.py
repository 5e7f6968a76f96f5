"""Label Studio's two JSON shapes, read into one.

Task-shaped (`{id, data, annotations}`) are exports and newer sinks, annotation-shaped (`{id, result, task}`) is what
the S3 target storage writes by default. The shape is judged by keys, never by a file's name.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from legosigns_dagster.core.dataset.quarantine import RejectedError

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Annotation:
    """One person's answer to a task; `result` holds its regions, None where Label Studio wrote null."""

    id: str
    result: tuple[Json, ...] | None
    was_cancelled: bool
    ground_truth: bool
    updated_at: str


@dataclass(frozen=True)
class Task:
    """An image that people were asked to annotate, with all their annotations.

    `updated_at` is when Label Studio last changed the task or one of its annotations, empty where nobody says so.
    """

    id: str
    project: str
    data: Json
    annotations: tuple[Annotation, ...]
    updated_at: str = ""

    def image_url(self, to_name: str | None) -> str:
        """The image's URL: the data key that the regions point to, else `image`, else the only text there is."""
        texts = {key: value for key, value in self.data.items() if isinstance(value, str) and value}
        for key in (to_name, "image"):
            if key in texts:
                return texts[key]
        if len(texts) == 1:
            return next(iter(texts.values()))
        raise RejectedError("no_image", f"task data has the keys {sorted(self.data)}, expected one named 'image'")


def task_link(url: str, project: str, task: str) -> str:
    """Where a person opens a task; a path alone when Label Studio's address is not known."""
    return f"{url.rstrip('/')}/projects/{project or '-'}/data?task={task}"


def read_annotation(document: Json) -> Annotation:
    """An annotation object of either shape; ValueError where its result is no list."""
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
    """A task from either shape; ValueError that tells what was found instead."""
    if not isinstance(document, dict):
        raise ValueError(f"found a {type(document).__name__}, expected a Label Studio task or annotation")
    if "annotations" in document and isinstance(document.get("data"), dict):
        answers = [a for a in document["annotations"] if isinstance(a, dict)]
        projects = [answer.get("project") for answer in answers]
        project = document.get("project") or next((p for p in projects if p), "")
        changed = str(document.get("updated_at") or "")
        return Task(str(document["id"]), str(project), document["data"], tuple(map(read_annotation, answers)), changed)
    task = document.get("task")
    if "result" in document and isinstance(task, dict) and isinstance(task.get("data"), dict):
        project = document.get("project") or task.get("project") or ""
        return Task(str(task["id"]), str(project), task["data"], (read_annotation(document),))
    raise ValueError(
        f"found the keys {sorted(document)[:8]}, expected a task (id, data, annotations) or an annotation (id, result, "
        "task with its data)"
    )


def read_documents(name: str, text: str) -> list[Task]:
    """The tasks in one JSON text, which holds one document or a list; ValueError that names the file."""
    try:
        parsed = json.loads(text)
        return [read_task(document) for document in (parsed if isinstance(parsed, list) else [parsed])]
    except (ValueError, KeyError) as error:
        raise ValueError(f"{name}: {type(error).__name__}: {error}") from error


def merge_by_task(tasks: Iterable[Task]) -> list[Task]:
    """One task for each id (within its project), with the annotations of all its documents, by id."""
    merged: dict[tuple[str, str], Task] = {}
    for task in tasks:
        known = merged.get((task.project, task.id))
        merged[task.project, task.id] = (
            replace(known, annotations=known.annotations + task.annotations) if known else task
        )
    return sorted(merged.values(), key=lambda task: (task.project, len(task.id), task.id))
