"""From a task to its images, each with what was drawn on it: one, the pages of a list, or one for each Image tag."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from legosigns_dagster.core.dataset.dataset import LabeledImage
from legosigns_dagster.core.dataset.manifest import FACTS, parse_facts
from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.images.stored_image import IMAGE_SUFFIXES
from legosigns_dagster.core.ingestion.image_urls import image_paths
from legosigns_dagster.core.ingestion.label_studio import Json, Task
from legosigns_dagster.core.ingestion.region_results import is_region


@dataclass(frozen=True)
class TaskImage:
    """An image of a task.

    Attributes:
        url: Where it is, empty where the task's data has no text for it.
        results: The results of the task's annotation that are on it, as Label Studio writes them.
        unused: The keys of the task's data with other images, on which nobody drew.
        exported: The image of the dataset that the task was exported from, None for any other task.
    """

    url: str
    results: tuple[Any, ...]
    unused: tuple[str, ...] = ()
    exported: LabeledImage | None = None


def looks_like_image(value: object) -> bool:
    """Tell whether a value of a task's data names an image, or is a list of such values."""
    if isinstance(value, list):
        return bool(value) and all(map(looks_like_image, value))
    return isinstance(value, str) and any(
        PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES for path in image_paths(value)
    )


def list_urls(tasks: Iterable[Task]) -> Iterator[str]:
    """List the URLs of images in the data of tasks, as far as they look like one."""
    for task in tasks:
        for value in task.data.values():
            yield from filter(looks_like_image, value if isinstance(value, list) else [value])


def merge_by_task(tasks: Iterable[Task]) -> list[Task]:
    """Merge documents of the same task: one task for each id of a project, with all its annotations, ordered by id.

    Documents of one id with other images stay apart: two servers wrote into one place, or somebody joined two exports.
    """
    merged: dict[tuple[str, str, tuple[str, ...]], Task] = {}
    for task in tasks:
        images = [image_paths(url)[0] for url in list_urls([task])] or list(map(str, task.data.values()))
        key = task.project, task.id, tuple(sorted(images))
        known = merged.get(key)
        merged[key] = replace(known, annotations=known.annotations + task.annotations) if known else task
    return sorted(merged.values(), key=lambda task: (task.project, len(task.id), task.id))


def find_default_key(data: Json) -> str:
    """Find the key of the image in a task's data where no region tells it.

    It is `image`, or the only key with a text or a list, or the only one that names an image.

    Raises:
        RejectedError: There is no such key, or several.
    """
    given = [key for key, value in data.items() if isinstance(value, str | list) and value]
    images = [key for key in given if looks_like_image(data[key])]
    if "image" in given:
        return "image"
    for keys in (given, images):
        if len(keys) == 1:
            return keys[0]
    raise RejectedError("no_image", f"task data has the keys {sorted(map(str, data))}, expected one named 'image'")


def find_key(data: Json, region: Any) -> str | None:
    """Find the key of the image that a region says it is on: by its `source`, or by the name of its Image tag."""
    if isinstance(region, dict):
        for name in (str(region.get("source") or "").removeprefix("$"), str(region.get("to_name"))):
            if data.get(name) and isinstance(data[name], str | list):
                return name
    return None


def sort_by_key(data: Json, regions: Sequence[Any]) -> dict[str, list[Any]]:
    """Sort regions by the key of the image that they are on.

    Raises:
        RejectedError: It cannot be told on which of several images a region is.
    """
    found = [(find_key(data, region), region) for region in regions]
    tags = {str(region.get("to_name")) for key, region in found if key is None and isinstance(region, dict)}
    if tags:
        default = find_default_key(data)
        other = [key for key, value in data.items() if key != default and looks_like_image(value)]
        is_known = len({key for key, _ in found}) == 1 and len(tags) == 1
        # A tag is often called like its key: `img2` shows `image2`, `photo_view` shows `photo`.
        rivals = tuple({"im", *(tag[:2].lower() for tag in tags)})
        if other and not (is_known and not any(key.lower().startswith(rivals) for key in other)):
            detail = f"regions are on the Image tag {', '.join(sorted(tags))}, task data has the keys {sorted(data)}"
            raise RejectedError("several_images", f"{detail}: name each Image tag like its key")
        found = [(key or default, region) for key, region in found]
    first = next((key for key, _ in found if key), None)
    sorted_regions: dict[str, list[Any]] = {}
    for key, region in found:
        sorted_regions.setdefault(key or first or find_default_key(data), []).append(region)
    return sorted_regions


def find_page(result: Any, pages: int) -> int:
    """Find the page that a region is on, from 0.

    Raises:
        RejectedError: It has no `item_index`, or there is no such page.
    """
    index = result.get("item_index") if isinstance(result, dict) else None
    if str(index) not in map(str, range(pages)):
        name = result.get("id", "(no id)") if isinstance(result, dict) else result
        raise RejectedError(
            "several_images", f"region {name} is on page {index}, expected an item_index of 0 to {pages - 1}: redraw it"
        )
    return int(str(index))


def list_images(data: Json, results: Sequence[Any]) -> list[TaskImage]:
    """List the images of a task with what was drawn on each of them.

    All pages of a list are images, also those without a region. Of several keys, those with a region are; without any
    region, it is the default one.

    Raises:
        RejectedError: There is no image, or it cannot be told on which image a region is.
        ValueError: The task was exported from a dataset, and the facts of the image were damaged since.
    """
    exported = parse_facts(data[FACTS]) if FACTS in data else None
    by_key = sort_by_key(data, [result for result in results if is_region(result)])
    attributes = [result for result in results if not is_region(result)]
    by_key = by_key or {find_default_key(data): []}
    images = []
    for key, regions in by_key.items():
        unused = tuple(other for other in data if other not in by_key and looks_like_image(data[other]))
        pages = data[key] if isinstance(data[key], list) else [data[key]]
        on_page: list[list[Any]] = [[] for _ in pages]
        for region in regions:
            has_page = len(pages) > 1 or (isinstance(region, dict) and region.get("item_index") is not None)
            on_page[find_page(region, len(pages)) if has_page else 0].append(region)
        for page, drawn in zip(pages, on_page, strict=True):
            images.append(TaskImage(page if isinstance(page, str) else "", (*drawn, *attributes), unused, exported))
    return images
