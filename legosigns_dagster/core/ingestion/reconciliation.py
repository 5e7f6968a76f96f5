"""Compare the files of a sink with Label Studio, which knows what was deleted and what the sink does not have yet."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.ingestion.label_studio import Task, task_link


def reconcile(
    tasks: Iterable[Task], task_by_annotation: Mapping[str, str], project: str, url: str
) -> tuple[list[Task], list[QuarantineRow]]:
    """Leave out annotations that were deleted in Label Studio.

    Args:
        tasks: What the sink has.
        task_by_annotation: The ids of all annotations that the project has, each with the id of its task.
        project: The project's id, for links.
        url: Label Studio's address, for links.

    Returns:
        The tasks that still have an annotation, and a row of the quarantine for each annotation that is only in the
        sink or only in Label Studio.
    """
    kept, rows, in_sink = [], [], set()
    for task in tasks:
        for annotation in task.annotations:
            in_sink.add(annotation.id)
            if annotation.id not in task_by_annotation:
                detail = "deleted in Label Studio, still in the sink: delete its file there"
                link = task_link(url, project, task.id)
                rows.append(
                    QuarantineRow("not_in_label_studio", detail, task=task.id, annotation=annotation.id, link=link)
                )
        left = tuple(annotation for annotation in task.annotations if annotation.id in task_by_annotation)
        if left:
            kept.append(replace(task, annotations=left))
    for annotation_id in sorted(set(task_by_annotation) - in_sink, key=lambda key: (len(key), key)):
        task_id = task_by_annotation[annotation_id]
        detail = "in Label Studio, not in the sink: synchronize the project's target storage"
        link = task_link(url, project, task_id)
        rows.append(QuarantineRow("not_in_sink", detail, task=task_id, annotation=annotation_id, link=link))
    return kept, rows
