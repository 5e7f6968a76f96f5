"""Tasks and their images into a `Dataset`: nothing vanishes, one image once, sides that stay."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from legosigns_dagster.core import annotations as rules
from legosigns_dagster.core.capture import captured_seconds, perceptual_hash
from legosigns_dagster.core.dataset import Dataset, LabeledImage
from legosigns_dagster.core.files import sha256_of
from legosigns_dagster.core.images import slug, store_upright
from legosigns_dagster.core.label_studio import Annotation, Task
from legosigns_dagster.core.progress import Log, tracked
from legosigns_dagster.core.quarantine import Rejected, Row, table_of
from legosigns_dagster.core.signs import SignClasses
from legosigns_dagster.core.splits import Candidate, SplitSettings, group_images, name_order, side_of

# Puts the image of a URL into a folder and returns the file; Rejected when it is nowhere to be had.
Fetch = Callable[[str, Path], Path]


@dataclass(frozen=True)
class Arrived:
    """A task whose image came through: the labelled image without its split, and the rows written on the way.

    `source` is the image's name, task, annotation, link and EXIF orientation; the highest `rank` counts where several
    tasks have the same image.
    """

    image: LabeledImage
    candidate: Candidate
    source: tuple[str, str, str, str, int]
    rank: tuple[bool, str, int, str]
    rejected: tuple[Row, ...]
    adjusted: tuple[Row, ...]


@dataclass(frozen=True)
class Ingestion:
    """What every task's reading needs: the classes, where images go, how one is had, where Label Studio is."""

    classes: SignClasses
    folder: Path
    fetch: Fetch
    label_studio_url: str = ""

    def link(self, task: Task) -> str:
        """Where a person opens the task; a path alone when Label Studio's address is not known."""
        return f"{self.label_studio_url.rstrip('/')}/projects/{task.project or '-'}/data?task={task.id}"

    def row(self, task: Task, image: str, annotation: str, note: rules.Note) -> Row:
        """A row about a task."""
        return Row(note.reason, note.detail, image, task.id, annotation, self.link(task))

    def read(self, task: Task) -> Arrived | Row:
        """The labelled image of a task, or the row that tells why there is none."""
        image, annotation_id = "", ""
        try:
            annotation, others = rules.choose_annotation(task)
            annotation_id = annotation.id
            to_name = next((region.get("to_name") for region in annotation.result or ()), None)
            url = task.image_of(to_name)
            image = last_part(url)
            return self._arrive(task, annotation, others, url)
        except Rejected as reason:
            return self.row(task, image, annotation_id, rules.Note(reason.reason, reason.detail))

    def _arrive(self, task: Task, annotation: Annotation, others: Sequence[Annotation], url: str) -> Arrived:
        name = last_part(url)
        with tempfile.TemporaryDirectory(dir=self.folder) as incoming:
            fetched = self.fetch(url, Path(incoming))
            digest = sha256_of(fetched)
            captured = captured_seconds(fetched, name)
            try:
                stored = store_upright(fetched, Path(incoming), f"{slug(name)}-{digest[:10]}")
            except ValueError as error:
                raise Rejected("unreadable_image", str(error)) from error
            reading = rules.read_annotation_boxes(annotation, stored.size_wh, self.classes)
            sha256 = sha256_of(stored.file)
            look = perceptual_hash(stored.file)
            file = f"images/{stored.file.name}"
            stored.file.replace(self.folder / file)
        image = LabeledImage(file, sha256, stored.size_wh, reading.boxes, "", "", "label-studio")
        candidate = Candidate(name, sha256, look, captured)
        superseded = [rules.Note("superseded", f"annotation {annotation.id} of the same task counts") for _ in others]
        left_out = [self.row(task, name, o.id, n) for o, n in zip(others, superseded, strict=True)]
        left_out += [self.row(task, name, annotation.id, note) for note in reading.rejected]
        adjusted = [self.row(task, name, annotation.id, note) for note in reading.adjusted]
        source = (name, task.id, annotation.id, self.link(task), stored.orientation)
        rank = (annotation.ground_truth, annotation.updated_at, len(task.id), task.id)
        return Arrived(image, candidate, source, rank, tuple(left_out), tuple(adjusted))


def last_part(url: str) -> str:
    """The last part of a URL's path, decoded; of Label Studio's `?d=` and `?fileuri=` links that of the file."""
    parts = urlsplit(url)
    path = parts.query.split("=", 1)[1] if "local-files" in parts.path and "=" in parts.query else parts.path
    return unquote(path).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def one_each(arrived: Iterable[Arrived]) -> tuple[list[Arrived], list[Arrived]]:
    """One task for each image content, and the tasks left out: ground truth counts first, then the latest."""
    by_content: dict[str, Arrived] = {}
    repeated = []
    for item in sorted(arrived, key=lambda a: a.rank):
        if item.image.sha256 in by_content:
            repeated.append(by_content[item.image.sha256])
        by_content[item.image.sha256] = item
    return list(by_content.values()), repeated


def ingest(
    tasks: Sequence[Task],
    unread: Sequence[Row],
    fetch: Fetch,
    classes: SignClasses,
    settings: SplitSettings,
    into: Path,
    log: Log,
    label_studio_url: str = "",
) -> Dataset:
    """The dataset of these tasks in folder `into`; `unread` are documents that were no task, as quarantine rows.

    ValueError when not one image came through, naming the most frequent reasons.
    """
    (into / "images").mkdir(parents=True, exist_ok=True)
    ingestion = Ingestion(classes, into, fetch, label_studio_url)
    with ThreadPoolExecutor(8) as pool:
        read = list(tracked(pool.map(ingestion.read, tasks), len(tasks), "images read", log))
    rows = [*unread, *(item for item in read if isinstance(item, Row))]
    kept, repeated = one_each(item for item in read if isinstance(item, Arrived))
    for item in repeated:
        winner = next(k for k in kept if k.image.sha256 == item.image.sha256)
        same = "with the same boxes" if winner.image.boxes == item.image.boxes else "with OTHER boxes"
        detail = f"task {winner.source[1]} has the same image {same} and counts"
        rows.append(Row("same_image", detail, item.source[0], item.source[1], item.source[2], item.source[3]))
        if item.image.file != winner.image.file:
            (into / item.image.file).unlink(missing_ok=True)
    placed, bridging = place(kept, settings, into)
    return assemble(placed, [*rows, *bridging], classes, into, tasks)


def place(kept: Sequence[Arrived], settings: SplitSettings, folder: Path) -> tuple[list[Arrived], list[Row]]:
    """Each image with its group and split; those that would tie two sides together become rows."""
    grouping = group_images([item.candidate for item in kept], settings)
    placed, rows = [], []
    for item in kept:
        sha256, (name, task, annotation, link, _) = item.image.sha256, item.source
        if sha256 in grouping.bridges:
            near = grouping.bridges[sha256]
            rows.append(
                Row("ties_two_splits", f"near-duplicate of images on both sides: {near}", name, task, annotation, link)
            )
            (folder / item.image.file).unlink()
            continue
        group = grouping.group[sha256]
        placed.append(replace(item, image=replace(item.image, group=group, split=side_of(group, settings))))
    return placed, rows


def assemble(
    placed: Sequence[Arrived], rows: Sequence[Row], classes: SignClasses, into: Path, tasks: Sequence[Task]
) -> Dataset:
    """The dataset of the placed images with its quarantine; ValueError when there is none."""
    left_out = [*rows, *(row for item in placed for row in item.rejected)]
    if not placed:
        counts = table_of(left_out)["reason"].value_counts().to_dict()
        examples = "; ".join(f"{row.image or row.task}: {row.detail}" for row in left_out[:3])
        raise ValueError(
            f"{len(tasks)} tasks, no usable image ({counts or 'the project is empty'}): "
            f"{examples or 'annotate some images'}"
        )
    dataset = Dataset.of(into, classes, [item.image for item in placed])
    ordered = sorted(placed, key=lambda item: name_order(item.source[0]))
    sources = [(item.image.file, *item.source) for item in ordered]
    adjusted = [row for item in placed for row in item.adjusted]
    columns = list(dataset.sources.columns)
    return replace(
        dataset,
        quarantine=table_of(left_out),
        adjustments=table_of(adjusted),
        sources=type(dataset.sources)(sources, columns=columns),
    )
