"""Tasks and their images into a `Dataset`: nothing vanishes, one image once, sides that stay."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import Dataset, LabeledImage
from legosigns_dagster.core.dataset.quarantine import QuarantineRow, RejectedError, quarantine_table
from legosigns_dagster.core.dataset.splits import Candidate, SplitSettings, group_images, natural_sort_key, split_for
from legosigns_dagster.core.ingestion import annotations as rules
from legosigns_dagster.core.ingestion.annotations import Issue
from legosigns_dagster.core.ingestion.fetched_images import Fetch, FetchedImage, fetch_image, image_name
from legosigns_dagster.core.ingestion.label_studio import Annotation, Task, task_link
from legosigns_dagster.core.ingestion.settings import AnnotationPolicies, Recipe
from legosigns_dagster.core.progress import Log, track_progress


@dataclass(frozen=True)
class IngestedImage:
    """A task whose image came through: the labelled image without its split, and the rows written on the way.

    `source` is the image's name, task, annotation and link; the highest `rank` counts where several tasks have the same
    image.
    """

    image: LabeledImage
    picture: FetchedImage
    source: tuple[str, str, str, str]
    rank: tuple[bool, str, int, str]
    rejected: tuple[QuarantineRow, ...]
    adjusted: tuple[QuarantineRow, ...]


@dataclass(frozen=True)
class Ingestion:
    """What every task's reading needs: the recipe, where images go, how one is had.

    `known` has the pictures by task that are in the folder already.
    """

    recipe: Recipe
    folder: Path
    fetch: Fetch
    known: Mapping[str, FetchedImage] = field(default_factory=dict)

    def link(self, task: Task) -> str:
        """Where a person opens the task."""
        return task_link(self.recipe.label_studio_url, task.project, task.id)

    def row(self, task: Task, image: str, annotation: str, note: Issue) -> QuarantineRow:
        """A row about a task."""
        return QuarantineRow(note.reason, note.detail, image, task.id, annotation, self.link(task))

    def read(self, task: Task) -> IngestedImage | QuarantineRow:
        """The labelled image of a task, or the row that tells why there is none."""
        image, annotation_id = "", ""
        try:
            annotation, others = rules.choose_annotation(task, self.recipe.settings)
            annotation_id = annotation.id
            to_name = next((region.get("to_name") for region in annotation.result or ()), None)
            url = task.image_url(to_name)
            image = image_name(url)
            return self._arrive(task, annotation, others, url)
        except RejectedError as reason:
            return self.row(task, image, annotation_id, Issue(reason.reason, reason.detail))

    def _arrive(self, task: Task, annotation: Annotation, others: Sequence[Annotation], url: str) -> IngestedImage:
        name, picture = image_name(url), self.known.get(task.id)
        if picture is None or picture.url != url:
            picture = fetch_image(url, self.fetch, self.folder)
        reading = rules.parse_annotation(annotation, picture.size_wh, self.recipe.classes, self.recipe.settings)
        image = LabeledImage(picture.file, picture.sha256, picture.size_wh, reading.boxes, "", "", "label-studio")
        superseded = [Issue("superseded", f"annotation {annotation.id} of the same task counts") for _ in others]
        left_out = [self.row(task, name, o.id, n) for o, n in zip(others, superseded, strict=True)]
        left_out += [self.row(task, name, annotation.id, note) for note in reading.rejected]
        adjusted = [self.row(task, name, annotation.id, note) for note in reading.adjusted]
        source = (name, task.id, annotation.id, self.link(task))
        rank = (*rules.rank(annotation, self.recipe.settings)[:2], len(task.id), task.id)
        return IngestedImage(image, picture, source, rank, tuple(left_out), tuple(adjusted))


def deduplicate(
    arrived: Iterable[IngestedImage], policies: AnnotationPolicies
) -> tuple[list[IngestedImage], list[QuarantineRow]]:
    """One task for each image content, the highest rank's, and rows for the others."""
    by_content: dict[str, list[IngestedImage]] = {}
    for item in sorted(arrived, key=lambda a: a.rank):
        by_content.setdefault(item.image.sha256, []).append(item)
    kept, rows = [], []
    for *others, winner in by_content.values():
        differ = any(other.image.boxes != winner.image.boxes for other in others)
        if differ and policies.several_annotations == "reject":
            detail = f"tasks {', '.join(i.source[1] for i in (*others, winner))} have the same image with other boxes"
            rows += [
                QuarantineRow("several_annotations", f"{detail}: delete all but one", *i.source)
                for i in (*others, winner)
            ]
            continue
        kept.append(winner)
        for other in others:
            same = "with the same boxes" if winner.image.boxes == other.image.boxes else "with OTHER boxes"
            detail = f"task {winner.source[1]} has the same image {same} and counts"
            rows.append(QuarantineRow("same_image", detail, *other.source))
    return kept, rows


def ingest(
    tasks: Sequence[Task],
    unreadable: Sequence[QuarantineRow],
    fetch: Fetch,
    recipe: Recipe,
    into: Path,
    log: Log,
    known: Mapping[str, FetchedImage] | None = None,
) -> Dataset:
    """The dataset of these tasks in folder `into`; `unreadable` are documents that were no task, as quarantine rows.

    `known` are pictures by task that are in `into` already and need not be fetched.

    ValueError when not one image came through, naming the most frequent reasons.
    """
    (into / "images").mkdir(parents=True, exist_ok=True)
    ingestion = Ingestion(recipe, into, fetch, known or {})
    new = [task for task in tasks if task.id not in ingestion.known]
    with ThreadPoolExecutor(8) as pool:
        arriving = pool.map(ingestion.read, new)
        read = [ingestion.read(task) for task in tasks if task.id in ingestion.known]
        read += track_progress(arriving, len(new), "images read", log)
    rows = [*unreadable, *(item for item in read if isinstance(item, QuarantineRow))]
    kept, repeated = deduplicate((item for item in read if isinstance(item, IngestedImage)), recipe.settings)
    placed, bridging = place(kept, recipe.settings)
    return assemble(placed, [*rows, *repeated, *bridging], recipe.classes, into, tasks)


def place(kept: Sequence[IngestedImage], settings: SplitSettings) -> tuple[list[IngestedImage], list[QuarantineRow]]:
    """Each image with its group and split; those that would tie two sides together become rows."""
    pictures = [item.picture for item in kept]
    grouping = group_images([Candidate(p.name, p.sha256, p.perceptual_hash, p.captured_s) for p in pictures], settings)
    placed, rows = [], []
    for item in kept:
        sha256, (name, task, annotation, link) = item.image.sha256, item.source
        if sha256 in grouping.cross_split_duplicates:
            near = grouping.cross_split_duplicates[sha256]
            rows.append(
                QuarantineRow(
                    "ties_two_splits", f"near-duplicate of images on both sides: {near}", name, task, annotation, link
                )
            )
            continue
        group = grouping.groups[sha256]
        placed.append(replace(item, image=replace(item.image, group=group, split=split_for(group, settings))))
    return placed, rows


def source_columns(picture: FetchedImage) -> tuple[int, str, str, str]:
    """A picture's orientation, URL, perceptual hash and capture time, as they are written among the sources."""
    captured = "" if picture.captured_s is None else repr(picture.captured_s)
    return picture.orientation, picture.url, f"{picture.perceptual_hash:016x}", captured


def assemble(
    placed: Sequence[IngestedImage],
    rows: Sequence[QuarantineRow],
    classes: SignClasses,
    into: Path,
    tasks: Sequence[Task],
) -> Dataset:
    """The dataset of the placed images with its quarantine, other files removed; ValueError when there is none."""
    left_out = [*rows, *(row for item in placed for row in item.rejected)]
    if not placed:
        counts = quarantine_table(left_out)["reason"].value_counts().to_dict()
        examples = "; ".join(f"{row.image or row.task}: {row.detail}" for row in left_out[:3])
        raise ValueError(
            f"{len(tasks)} tasks, no usable image ({counts or 'the project is empty'}): "
            f"{examples or 'annotate some images'}"
        )
    dataset = Dataset.from_images(into, classes, [item.image for item in placed])
    used = set(dataset.images["file"])
    for file in (into / "images").iterdir():
        if f"images/{file.name}" not in used:
            file.unlink()
    ordered = sorted(placed, key=lambda item: natural_sort_key(item.source[0]))
    sources = [(item.image.file, *item.source, *source_columns(item.picture)) for item in ordered]
    adjusted = [row for item in placed for row in item.adjusted]
    columns = list(dataset.sources.columns)
    return replace(
        dataset,
        quarantine=quarantine_table(left_out),
        adjustments=quarantine_table(adjusted),
        sources=type(dataset.sources)(sources, columns=columns),
    )
