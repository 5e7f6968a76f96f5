"""From tasks and their images to a `Dataset`.

Nothing vanishes: what is not used becomes a row of the quarantine. Each image is there once, in a split that stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace
from pathlib import Path
from typing import TypeAlias

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import Dataset, LabeledImage
from legosigns_dagster.core.dataset.quarantine import QuarantineRow, quarantine_table
from legosigns_dagster.core.dataset.splits import Candidate, SplitSettings, group_images, natural_sort_key
from legosigns_dagster.core.ingestion.fetched_images import Fetch, FetchedImage
from legosigns_dagster.core.ingestion.image_urls import stored_url
from legosigns_dagster.core.ingestion.label_studio import Task
from legosigns_dagster.core.ingestion.settings import AnnotationPolicies, Recipe
from legosigns_dagster.core.ingestion.task_reader import IngestedImage, TaskReader
from legosigns_dagster.core.progress import Log, track_progress

Placed: TypeAlias = tuple[LabeledImage, IngestedImage]  # an image with group and split, and what it was made from


def deduplicate(
    images: Iterable[IngestedImage], policies: AnnotationPolicies
) -> tuple[list[IngestedImage], list[QuarantineRow]]:
    """Keep one task for each image content: the one of the highest rank.

    Returns:
        The images that are kept, and a row of the quarantine for each of the others.
    """
    by_content: dict[str, list[IngestedImage]] = {}
    for image in sorted(images, key=lambda image: image.rank):
        by_content.setdefault(image.fetched.sha256, []).append(image)
    kept, rows = [], []
    for *others, winner in by_content.values():
        same = [*others, winner]
        if policies.several_annotations == "reject" and any(other.boxes != winner.boxes for other in others):
            tasks = ", ".join(image.source.task for image in same)
            detail = f"tasks {tasks} have the same image with other boxes: delete all but one"
            rows += [image.source.row("several_annotations", detail) for image in same]
            continue
        kept.append(winner)
        for other in others:
            detail = f"task {winner.source.task} has the same image"
            if winner.boxes == other.boxes:
                rows.append(other.source.row("same_image", f"{detail} with the same boxes and counts"))
            else:
                rows.append(other.source.row("other_boxes", f"{detail} with OTHER boxes and counts: delete one"))
    return kept, rows


def ingest(
    tasks: Sequence[Task],
    unreadable: Sequence[QuarantineRow],
    fetch: Fetch,
    recipe: Recipe,
    into: Path,
    log: Log,
    known: Mapping[str, Sequence[FetchedImage]] | None = None,
) -> Dataset:
    """Make the dataset of these tasks in folder `into`.

    Args:
        tasks: All tasks of the project.
        unreadable: Rows of the quarantine for documents that are no task.
        fetch: Gets an image by its URL. Up to 8 images are fetched at once.
        recipe: Classes, settings and Label Studio's address.
        into: The dataset's folder.
        log: Where progress is reported.
        known: Images that are in `into` already and need not be fetched, by task id.

    Raises:
        ValueError: Not one image can be used. The message names the most frequent reasons.
    """
    (into / "images").mkdir(parents=True, exist_ok=True)
    reader = TaskReader(recipe, into, fetch, known or {})
    new = [task for task in tasks if task.id not in reader.known]
    with ThreadPoolExecutor(8) as pool:
        incoming = pool.map(reader.read, new)
        by_task = [reader.read(task) for task in tasks if task.id in reader.known]
        by_task += track_progress(incoming, len(new), "images read", log)
    read = [item for items in by_task for item in items]
    rows = [*unreadable, *(item for item in read if isinstance(item, QuarantineRow))]
    kept, repeated = deduplicate((item for item in read if isinstance(item, IngestedImage)), recipe.settings)
    placed, leaking = assign_splits(kept, recipe.settings)
    return build_dataset(placed, [*rows, *repeated, *leaking], recipe.classes, into, len(tasks))


def assign_splits(images: Sequence[IngestedImage], settings: SplitSettings) -> tuple[list[Placed], list[QuarantineRow]]:
    """Give each image its group and its split. One whose capture time cannot be right gets a row of the adjustments.

    Exported images keep theirs.

    Returns:
        The images, and a row of the quarantine for each one that would leak from one split into another.
    """
    candidates = [
        Candidate(f.name, f.sha256, f.perceptual_hash, f.captured_s, (e.group, e.split) if e else None)
        for f, e in ((image.fetched, image.exported) for image in images)
    ]
    grouping = group_images(candidates, settings)
    placed, rows = [], []
    for image in images:
        file, sha256 = image.fetched.file, image.fetched.sha256
        if sha256 in grouping.cross_split_duplicates:
            detail = f"near-duplicate of images in two splits: {grouping.cross_split_duplicates[sha256]}"
            rows.append(image.source.row("ties_two_splits", detail))
            continue
        if sha256 in grouping.doubtful_times:
            detail = (
                f"taken at the same time as {grouping.doubtful_times[sha256]}, which look different: grouped by looks "
                "alone; set the camera's clock"
            )
            image = replace(image, adjusted=(*image.adjusted, image.source.row("shared_time", detail)))
        group, split = grouping.groups[sha256], grouping.splits[sha256]
        origin = image.exported.origin if image.exported else "label-studio"
        placed.append((LabeledImage(file, sha256, image.fetched.size_wh, image.boxes, split, group, origin), image))
    return placed, rows


def source_columns(image: IngestedImage) -> tuple[str | int, ...]:
    """Write an image's row of the table `sources`, in the order of `SOURCE_COLUMNS`."""
    fetched = image.fetched
    captured = "" if fetched.captured_s is None else repr(fetched.captured_s)
    measured = (fetched.orientation, stored_url(fetched.url), f"{fetched.perceptual_hash:016x}", captured)
    return fetched.file, *astuple(image.source), *measured


def build_dataset(
    placed: Sequence[Placed], rows: Sequence[QuarantineRow], classes: SignClasses, into: Path, tasks: int
) -> Dataset:
    """Make the dataset of these images with its tables, and delete other files from its folder.

    Raises:
        ValueError: There is no image. `tasks` is how many tasks there were.
    """
    images = [image for _, image in placed]
    rejected = [*rows, *(row for image in images for row in image.rejected)]
    if not images:
        counts = quarantine_table(rejected)["reason"].value_counts().to_dict()
        examples = "; ".join(f"{row.image or row.task}: {row.detail}" for row in rejected[:3])
        raise ValueError(
            f"{tasks} tasks, no usable image ({counts or 'the project is empty'}): {examples or 'annotate some images'}"
        )
    dataset = Dataset.from_images(into, classes, [labeled for labeled, _ in placed])
    used = set(dataset.images["file"])
    for file in (into / "images").rglob("*"):
        if file.is_file() and file.relative_to(into).as_posix() not in used:
            file.unlink()
    ordered = sorted(images, key=lambda image: natural_sort_key(image.source.image))
    sources = type(dataset.sources)(map(source_columns, ordered), columns=list(dataset.sources.columns))
    adjusted = [row for image in images for row in image.adjusted]
    return replace(
        dataset, quarantine=quarantine_table(rejected), adjustments=quarantine_table(adjusted), sources=sources
    )
