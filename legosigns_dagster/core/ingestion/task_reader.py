"""From one task to its image with boxes, or to a row of the quarantine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import LabeledBox
from legosigns_dagster.core.dataset.quarantine import QuarantineRow, RejectedError
from legosigns_dagster.core.ingestion.annotations import annotation_rank, choose_annotation, parse_annotation
from legosigns_dagster.core.ingestion.fetched_images import Fetch, FetchedImage, fetch_image, image_name
from legosigns_dagster.core.ingestion.label_studio import Annotation, Task, task_link
from legosigns_dagster.core.ingestion.settings import Recipe


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
    """A task whose image can be used. Its group and its split are not known yet.

    Attributes:
        fetched: The image's file and what was measured on its pixels.
        boxes: The boxes of the annotation that counts, in px.
        source: The task.
        rank: Where several tasks have the same image, the task of the highest rank counts.
        rejected: Rows of the quarantine: regions that were left out, annotations that do not count.
        adjusted: Rows of the adjustments: regions that were changed.
    """

    fetched: FetchedImage
    boxes: tuple[LabeledBox, ...]
    source: ImageSource
    rank: tuple[bool, str, int, str]
    rejected: tuple[QuarantineRow, ...]
    adjusted: tuple[QuarantineRow, ...]


@dataclass(frozen=True)
class TaskReader:
    """Reads tasks into images with boxes.

    Attributes:
        recipe: Classes, settings and Label Studio's address.
        folder: Where images are stored, below `images/`.
        fetch: Gets an image by its URL.
        known: Images by task id that are in the folder already.
    """

    recipe: Recipe
    folder: Path
    fetch: Fetch
    known: Mapping[str, FetchedImage] = field(default_factory=dict)

    def read(self, task: Task) -> IngestedImage | QuarantineRow:
        """Read a task.

        Returns:
            Its image with boxes, or a row of the quarantine that says why there is none.
        """
        link = task_link(self.recipe.label_studio_url, task.project, task.id)
        source = ImageSource("", task.id, "", link)
        try:
            annotation, others = choose_annotation(task, self.recipe.settings)
            source = replace(source, annotation=annotation.id)
            to_name = next((region.get("to_name") for region in annotation.result or ()), None)
            url = task.image_url(to_name)
            source = replace(source, image=image_name(url))
            return self._ingest(source, annotation, others, url)
        except RejectedError as error:
            return source.row(error.reason, error.detail)

    def _ingest(
        self, source: ImageSource, annotation: Annotation, others: Sequence[Annotation], url: str
    ) -> IngestedImage:
        settings = self.recipe.settings
        fetched = self.known.get(source.task)
        if fetched is None or fetched.url != url:
            fetched = fetch_image(url, self.fetch, self.folder)
        parsed = parse_annotation(annotation, fetched.size_wh, self.recipe.classes, settings)
        detail = f"annotation {annotation.id} of the same task counts"
        rejected = [replace(source, annotation=other.id).row("superseded", detail) for other in others]
        rejected += [source.row(issue.reason, issue.detail) for issue in parsed.rejected]
        adjusted = [source.row(issue.reason, issue.detail) for issue in parsed.adjusted]
        rank = (*annotation_rank(annotation, settings)[:2], len(source.task), source.task)
        return IngestedImage(fetched, parsed.boxes, source, rank, tuple(rejected), tuple(adjusted))
