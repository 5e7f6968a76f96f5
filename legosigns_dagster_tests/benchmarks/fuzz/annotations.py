"""Damaged images, exports and sink files, read as `raw_annotations` reads them."""

import json
import os
import random
import shutil
from pathlib import Path
from typing import Any

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.ingestion.incremental import extract_dataset
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.sources import AnnotationSource, ExportSource, SinkSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.benchmarks.fuzz.damage import NAMES, damage_json, damage_text
from legosigns_dagster_tests.benchmarks.fuzz.outcome import Outcome, find_broken, judge, judge_error, place_oddity
from legosigns_dagster_tests.benchmarks.fuzz.pictures import damage_picture
from legosigns_dagster_tests.support.builders import CLASSES, annotation, region, sink_document, task, write_image
from legosigns_dagster_tests.support.logs import SILENT, RecordedLog

GOOD = ("good1.jpg", "good2.jpg", "good3.jpg")
GOOD_BOX = (16.0, 12.0, 48.0, 36.0)


def no_bucket() -> Any:
    """Fail as a place without S3 does."""
    raise OSError("there is no S3 here")


def place(file: Path, variable: str) -> Location:
    return Location(str(file), variable, no_bucket)


def write_good_images(folder: Path) -> Path:
    """Write the good images, and one for a task whose document is damaged."""
    for number, name in enumerate((*GOOD, "bad.jpg")):
        write_image(folder / name, seed=number + 1)
    return folder


def good_tasks() -> list[dict[str, Any]]:
    """Make the tasks of the good images."""
    return [task(name, annotation(region()), id=number) for number, name in enumerate(GOOD, 1)]


def bad_task() -> dict[str, Any]:
    """Make a task that is going to be damaged. Its id is no other's."""
    return task("bad.jpg", annotation(region(), region(60, 60, 30, 30, id="r2"), id=99), id=999)


def read_annotations(source: AnnotationSource, images: Path, folder: Path) -> Dataset:
    """Make the dataset of a source."""
    (folder / "annotations").mkdir()
    extraction = source.extract(folder / "annotations")
    fetcher = ImageFetcher(place(images, "LABEL_STUDIO_IMAGES"), no_bucket)
    (folder / "into").mkdir()
    return extract_dataset(extraction, None, fetcher, Recipe(CLASSES), folder / "into", SILENT)


def judge_dataset(dataset: Dataset, bad: str = "", listed: list[str] | None = None) -> Outcome:
    """Judge a dataset. `bad` is the name of the damaged image, if an image was damaged, `listed` the log."""
    files = dict(zip(dataset.sources["image"], dataset.sources["file"], strict=True))
    boxes = {one.file: [tuple(vars(label.box).values()) for label in one.boxes] for one in dataset}
    lost = [name for name in GOOD if boxes.get(files.get(name, "")) != [GOOD_BOX]]
    rows = dataset.quarantine.itertuples()
    named = [f"{row.reason}: {row.detail}" for row in rows if row.image == bad or not bad]
    is_used = bad in files if bad else len(files) > len(GOOD)
    return judge([*lost, *find_broken(dataset)], is_used, [*named, *(listed or ())])


def try_image(chance: random.Random, folder: Path, shared: Path) -> Outcome:
    """A damaged image beside good ones, behind an export."""
    ending, content = damage_picture(chance)
    bad = f"bad.{ending}"
    images = folder / "images"
    shutil.copytree(shared / "images", images, copy_function=os.link)
    (images / "bad.jpg").unlink()
    (images / bad).write_bytes(content)
    tasks = [task(bad, annotation(region()), id=999), *good_tasks()]
    tasks[0]["annotations"][0]["result"][0] |= {"original_width": 0, "original_height": 0}  # whichever its size is
    (folder / "export.json").write_text(json.dumps(tasks), encoding="utf-8")
    source = ExportSource(place(folder / "export.json", "LABEL_STUDIO_EXPORT"))
    return judge_dataset(read_annotations(source, images, folder), bad)


def try_export(chance: random.Random, folder: Path, shared: Path) -> Outcome:
    """A damaged task in an export, or an export whose text is damaged: then it may be refused as a whole."""
    file = folder / "export.json"
    source = ExportSource(place(file, "LABEL_STUDIO_EXPORT"))
    if chance.random() < 0.4:
        text = json.dumps([*good_tasks(), bad_task()], indent=chance.choice((None, 1)))
        file.write_bytes(damage_text(text, chance))
        try:
            dataset = read_annotations(source, shared / "images", folder)
        except Exception as error:
            return judge_error(error, "no usable image" if "no usable image" in str(error) else "LABEL_STUDIO_EXPORT")
        return judge(find_broken(dataset), True, ())
    parts = [json.dumps(one) for one in good_tasks()]
    parts.insert(chance.randrange(4), damage_json(bad_task(), chance))
    file.write_bytes(f"[{', '.join(parts)}]".encode("utf-8", "replace"))
    return judge_dataset(read_annotations(source, shared / "images", folder))


def try_sink(chance: random.Random, folder: Path, shared: Path) -> Outcome:
    """A damaged file in a sink: its content, its name or its kind."""
    (folder / "sink").mkdir()
    for number, one in enumerate(good_tasks(), 1):
        content = json.dumps(one if number == 2 else sink_document(one))
        (folder / "sink" / str(number)).write_text(content, encoding="utf-8")
    bad = bad_task() if chance.random() < 0.5 else sink_document(bad_task())
    file = folder / "sink" / ("99.json" if chance.random() < 0.8 else f"{chance.choice(NAMES)}.json")
    way = chance.random()
    if way < 0.1:
        place_oddity(file, chance)
    elif way < 0.4:
        file.write_bytes(damage_text(json.dumps(bad), chance))
    else:
        file.write_bytes(damage_json(bad, chance).encode("utf-8", "surrogatepass"))
    log = RecordedLog()
    source = SinkSource(place(folder / "sink", "LABEL_STUDIO_SINK"), log=log)
    dataset = read_annotations(source, shared / "images", folder)
    return judge_dataset(dataset, listed=[*log.lines, *(["a folder"] if file.is_dir() else [])])
