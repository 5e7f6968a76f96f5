"""A target storage's files held against Label Studio itself, which knows what was deleted and what is still to come."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.ingestion.label_studio import Task, task_link


def reconcile(
    tasks: Iterable[Task], there: Mapping[str, str], project: str, url: str
) -> tuple[list[Task], list[QuarantineRow]]:
    """The tasks without annotations that are no more in Label Studio, and a row for each one surplus or missing.

    `there` are the ids of all annotations of the project with the ids of their tasks.
    """
    kept, rows, found = [], [], set()
    for task in tasks:
        for annotation in task.annotations:
            found.add(annotation.id)
            if annotation.id not in there:
                detail = "deleted in Label Studio, still in the sink: delete its file there"
                link = task_link(url, project, task.id)
                rows.append(
                    QuarantineRow("not_in_label_studio", detail, task=task.id, annotation=annotation.id, link=link)
                )
        left = tuple(annotation for annotation in task.annotations if annotation.id in there)
        if left:
            kept.append(replace(task, annotations=left))
    for annotation_id in sorted(set(there) - found, key=lambda key: (len(key), key)):
        task_id = there[annotation_id]
        detail = "in Label Studio, not in the sink: synchronize the project's target storage"
        link = task_link(url, project, task_id)
        rows.append(QuarantineRow("not_in_sink", detail, task=task_id, annotation=annotation_id, link=link))
    return kept, rows
