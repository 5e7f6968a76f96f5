"""The folder that a dataset is exported into: it is there as a whole or not at all."""

import os
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset
from legosigns_dagster.core.dataset.manifest import write_manifest
from legosigns_dagster.core.dataset.yolo_format import path_below_images, write_split
from legosigns_dagster.core.progress import Log, track_progress

Writer: TypeAlias = Callable[[Dataset, Path, Log], None]  # writes a dataset into an empty folder, in one format


def export_dataset(dataset: Dataset, write: Writer, into: Path, log: Log) -> None:
    """Write a dataset into a folder, by a writer such as `write_yolo`.

    Everything is written into a folder beside it first, which then gets its name.

    Raises:
        FileExistsError: The folder is not empty. The message says what to do.
    """
    target = into.resolve()
    require_empty(into)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a killed export by a process of the same number
    partial.mkdir(parents=True)
    try:
        write(dataset, partial, log)
        partial.rename(target)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def require_empty(folder: Path) -> None:
    """Check that an export can have this name.

    Raises:
        FileExistsError: There is a file, or a folder with something in it.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise FileExistsError(f"{folder} is not a folder: give the name of a new or an empty folder")
    names = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if names:
        shown = ", ".join(names[:3])
        raise FileExistsError(
            f"{folder} is not empty ({len(names)} entries, such as {shown}): give another name, or move it away first"
        )


def write_yolo(dataset: Dataset, into: Path, log: Log) -> None:
    """Write `data.yaml`, `images/<split>` and `labels/<split>`, as Ultralytics reads them, and the images' facts.

    An image without boxes has an empty label file. A split without images has no folder.

    Raises:
        ValueError: Two images would have the same label file.
    """
    require_own_names(dataset)
    entries: dict[str, str] = {}
    for split in (TRAIN, VAL, TEST):
        part = dataset.part(split)
        if len(part.images):
            images = track_progress(part, len(part.images), f"images of {split} written", log)
            write_split(images, dataset.folder, split, into)
            entries[split] = f"images/{split}"
    content: dict[str, Any] = {**entries, "names": dataset.classes.by_id()}
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    (into / "data.yaml").write_text(text, encoding="utf-8")
    write_manifest(dataset, into)


def require_own_names(dataset: Dataset) -> None:
    """Check that no two images of a split differ in their ending alone: one label file would be for both.

    Raises:
        ValueError: Two do. The message names them.
    """
    files = [(image.split, Path(path_below_images(image.file)).with_suffix("").as_posix()) for image in dataset]
    doubled = [f"{split}/{name}" for (split, name), count in Counter(files).items() if count > 1]
    if doubled:
        raise ValueError(
            f"{len(doubled)} label files would belong to two images each, such as {doubled[0]}.txt: export as coco or "
            "label-studio, or rename an image at its source"
        )
