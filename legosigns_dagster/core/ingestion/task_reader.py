"""From one task to its image with boxes, or to a row of the quarantine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import LabeledBox, LabeledImage
from legosigns_dagster.core.dataset.manifest import restore_boxes
from legosigns_dagster.core.dataset.quarantine import QuarantineRow, RejectedError
from legosigns_dagster.core.ingestion.annotations import annotation_rank, choose_annotation, parse_annotation
from legosigns_dagster.core.ingestion.fetched_images import (
    Fetch,
    FetchedImage,
    fetch_image,
    image_name,
    rename_image,
)
from legosigns_dagster.core.ingestion.image_urls import stored_url
from legosigns_dagster.core.ingestion.label_studio import Annotation, Task, task_link
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.core.ingestion.task_images import TaskImage, list_images

# What values of unexpected types make code raise. Other errors say that a server or a disk failed, and end the run.
DATA_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


@dataclass(frozen=True)
class ImageSource:
    """The task that an image comes from, as the tables of a dataset name it.

    Attributes:
        image: The image's name.
        task: The task's id.
        annotation: The id of the annotation that counts.
        link: The address at which a person opens the task.
    """

    image: str
    task: str
    annotation: str
    link: str

    def row(self, reason: str, detail: str) -> QuarantineRow:
        """Make a row of the quarantine or of the adjustments about this image."""
        return QuarantineRow(reason, detail, self.image, self.task, self.annotation, self.link)


@dataclass(frozen=True)
class IngestedImage:
    """An image of a task that can be used. Its group and its split are not known yet.

    Attributes:
        fetched: The image's file and what was measured on its pixels.
        boxes: The boxes of the annotation that counts, in px.
        source: The task.
        rank: Where several tasks have the same image, the task of the highest rank counts.
        rejected: Rows of the quarantine: regions that were left out, annotations that do not count.
        adjusted: Rows of the adjustments: regions that were changed.
        exported: The same image in the dataset that its task was exported from, None for any other.
    """

    fetched: FetchedImage
    boxes: tuple[LabeledBox, ...]
    source: ImageSource
    rank: tuple[bool, str, int, str]
    rejected: tuple[QuarantineRow, ...]
    adjusted: tuple[QuarantineRow, ...]
    exported: LabeledImage | None = None


@dataclass(frozen=True)
class TaskReader:
    """Reads tasks into images with boxes.

    Attributes:
        recipe: Classes, settings and Label Studio's address.
        folder: Where images are stored, below `images/`.
        fetch: Gets an image by its URL.
        known: Images that are in the folder already, by task id.
    """

    recipe: Recipe
    folder: Path
    fetch: Fetch
    known: Mapping[str, Sequence[FetchedImage]] = field(default_factory=dict)

    def read(self, task: Task) -> list[IngestedImage | QuarantineRow]:
        """Read a task.

        Returns:
            Each of its images with boxes, or a row of the quarantine that says why there is none.
        """
        source = ImageSource("", task.id, "", task_link(self.recipe.label_studio_url, task.project, task.id))
        try:
            annotation, others = choose_annotation(task, self.recipe.settings)
            source = replace(source, annotation=annotation.id)
            images = list_images(task.data, annotation.result or ())
        except DATA_ERRORS as error:
            return [rejection_row(source, error)]
        read = [self._read_image(source, annotation, image) for image in images]
        detail = f"annotation {annotation.id or '(no id)'} of the same task counts"
        for number, first in enumerate(read):
            if isinstance(first, IngestedImage):
                rows = [replace(first.source, annotation=other.id).row("superseded", detail) for other in others]
                read[number] = replace(first, rejected=(*rows, *first.rejected))
                break
        return read

    def _read_image(
        self, source: ImageSource, annotation: Annotation, image: TaskImage
    ) -> IngestedImage | QuarantineRow:
        try:
            if not image.url:
                raise RejectedError("no_image", "a page of the task is no text, expected the URL of an image")
            source = replace(source, image=image_name(image.url))
            return self._ingest(source, annotation, image)
        except DATA_ERRORS as error:
            return rejection_row(source, error)

    def _ingest(self, source: ImageSource, annotation: Annotation, image: TaskImage) -> IngestedImage:
        settings = self.recipe.settings
        known = {stored_url(one.url): one for one in self.known.get(source.task, ())}
        fetched = known.get(stored_url(image.url)) or fetch_image(image.url, self.fetch, self.folder)
        parsed = parse_annotation(annotation, fetched.size_wh, self.recipe.classes, settings, image.results)
        boxes, exported = parsed.boxes, image.exported
        if exported and exported.sha256 == fetched.sha256:
            fetched = rename_image(fetched, exported.file, self.folder)
            boxes = restore_boxes(boxes, exported.boxes)
        else:
            exported = None
        rejected = [source.row(issue.reason, issue.detail) for issue in parsed.rejected]
        adjusted = [source.row(issue.reason, issue.detail) for issue in parsed.adjusted]
        if image.unused:
            detail = f"nobody drew on the other images of the task, {', '.join(image.unused)}: they are not used"
            adjusted.append(source.row("other_images", detail))
        rank = (*annotation_rank(annotation, settings)[:2], len(source.task), source.task)
        return IngestedImage(fetched, boxes, source, rank, tuple(rejected), tuple(adjusted), exported)


def rejection_row(source: ImageSource, error: Exception) -> QuarantineRow:
    """Make the row of the quarantine for an error, which names its type where it was not expected."""
    if isinstance(error, RejectedError):
        return source.row(error.reason, error.detail)
    return source.row("unreadable_task", f"{type(error).__name__}: {error}: correct the task, or export it again")
