"""Tasks from Label Studio's two JSON shapes.

An export and a newer sink have tasks (`{id, data, annotations}`). By default, the S3 target storage writes annotations
(`{id, result, task}`). The shape is recognized by its keys, never by a file's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.sources.json_text import parse_documents

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Annotation:
    """What one person drew on the image of a task.

    Attributes:
        id: Its id, empty where it has none, as in hand-made files.
        result: Its regions as they are written, none for an image without a sign. None where Label Studio wrote null.
        was_cancelled: The person skipped the task.
        ground_truth: Marked in Label Studio as the one that is right.
        updated_at: When it was last changed, as it is written. See `utc_time`.
    """

    id: str
    result: tuple[Any, ...] | None
    was_cancelled: bool
    ground_truth: bool
    updated_at: str


@dataclass(frozen=True)
class Task:
    """An image, or a few, that people were asked to annotate, with all annotations of it.

    Attributes:
        id: Its id.
        project: The id of its project, empty where unknown.
        data: What was imported, with the URL of its image or the list of its pages.
        annotations: What people drew.
        updated_at: When Label Studio last changed the task or one of its annotations, empty where unknown.
    """

    id: str
    project: str
    data: Json
    annotations: tuple[Annotation, ...]
    updated_at: str = ""


def task_link(url: str, project: str, task: str) -> str:
    """Write the address at which a person opens a task, a path alone where Label Studio's address is not known.

    Example:
        >>> task_link("http://localhost:8080", "1", "17")
        'http://localhost:8080/projects/1/data?task=17'
    """
    return f"{url.rstrip('/')}/projects/{project or '-'}/data?task={task}"


def read_annotation(document: object) -> Annotation:
    """Read an annotation object of either shape.

    Raises:
        ValueError: It is no object, or its result is not a list.
    """
    if not isinstance(document, dict):
        raise ValueError(f"an annotation is a {type(document).__name__}, expected an object with its result")
    if "result" not in document:
        raise ValueError(f"an annotation has the keys {sorted(document)[:8]}, expected its result among them")
    result = document["result"]
    if result is not None and not isinstance(result, list):
        raise ValueError(f"'result' is a {type(result).__name__}, expected a list of regions")
    return Annotation(
        read_id(document),
        None if result is None else tuple(result),
        is_true(document.get("was_cancelled")),
        is_true(document.get("ground_truth")),
        str(document.get("updated_at") or document.get("created_at") or ""),
    )


def read_id(document: Json) -> str:
    """Read an id as a text, empty where there is none. An id of null is none: two of them are not the same."""
    found = document.get("id")
    return "" if found is None else str(found)


def utc_time(text: str) -> str:
    """Write a time so that such texts sort by time. What is no time stays as it is.

    Example:
        >>> utc_time("2026-01-01T23:30:00+02:00"), utc_time("2026-01-01T22:00:00Z")
        ('2026-01-01T21:30:00.000000+00:00', '2026-01-01T22:00:00.000000+00:00')
    """
    try:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError):
        return text


def is_true(value: object) -> bool:
    """Tell whether a flag is set; hand-made files write it as a text or a number."""
    return str(value).strip().lower() in ("true", "1", "yes")


def read_task(document: object, fallback_id: str = "") -> Task:
    """Read a task from either shape. `fallback_id` is the id of a task that has none.

    Raises:
        ValueError: The document cannot be read. The message says what is wrong.
    """
    try:
        return read_task_shape(document, fallback_id)
    except ValueError:
        raise
    except Exception as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def read_task_shape(document: object, fallback_id: str) -> Task:
    """Read a task from the shape that its keys tell. Errors as `read_task`; other errors where a value is odd."""
    if not isinstance(document, dict):
        raise ValueError(f"found a {type(document).__name__}, expected a Label Studio task or annotation")
    inner = document.get("task")
    if "annotations" in document and isinstance(document.get("data"), dict):
        task, annotations, updated_at = document, list_annotations(document), str(document.get("updated_at") or "")
    elif "result" in document and isinstance(inner, dict) and isinstance(inner.get("data"), dict):
        task, annotations, updated_at = inner, [document], ""
    else:
        raise ValueError(
            f"found the keys {sorted(document)[:8]}, expected a task (id, data, annotations) or an annotation (id, "
            "result, task with its data)"
        )
    key = read_id(task) or fallback_id
    if not key:
        raise ValueError("the task has no id: give it one")
    read = tuple(map(read_annotation, annotations))
    projects = [document.get("project"), task.get("project"), *(one.get("project") for one in annotations)]
    project = next((one for one in projects if one), "")
    return Task(key, str(project), task["data"], read, updated_at)


def list_annotations(document: Json) -> list[Any]:
    """List a task's annotations; null is none, as tasks that the SDK writes have it.

    Raises:
        ValueError: They are not a list, or they are null although the task says that it has some.
    """
    annotations = document["annotations"]
    if annotations is None and not document.get("total_annotations"):
        return []
    if not isinstance(annotations, list):
        raise ValueError(
            f"'annotations' is a {type(annotations).__name__} in a task with {document.get('total_annotations', '?')} "
            "of them, expected a list"
        )
    return annotations


def read_documents(name: str, text: str) -> tuple[list[Task], list[QuarantineRow]]:
    """Read the tasks in one JSON text, which is one document or a list of them.

    A document that cannot be read does not affect the others. A task without an id gets its place in the file for one.

    Returns:
        The tasks, and a row of the quarantine for each document that cannot be read. It names the file and the place.

    Raises:
        ValueError: The text is not JSON. The message begins with `name`, the file's.
    """
    try:
        documents = parse_documents(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name}: {type(error).__name__}: {error}") from error
    short, tasks, rows = PurePath(name).name, [], []
    for number, document in enumerate(documents if isinstance(documents, list) else [documents], 1):
        place = f"{short}, document {number}" if isinstance(documents, list) else short
        try:
            if isinstance(document, Exception):
                raise ValueError(f"{type(document).__name__}: {document}")
            tasks.append(read_task(document, f"{short}#{number}"))
        except ValueError as error:
            task = read_id(document) if isinstance(document, dict) and "annotations" in document else ""
            detail = f"{place}: {error}: export it again"
            rows.append(QuarantineRow("unreadable_annotation", detail, task=task, annotation=place))
    return tasks, rows
