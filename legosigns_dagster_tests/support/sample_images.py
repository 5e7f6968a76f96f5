"""The images of the embedded sample on which weights are evaluated, read as the assets read them."""

from pathlib import Path
from typing import TYPE_CHECKING

from legosigns_dagster import sample
from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.yolo_format import read_yolo
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.ingestion.incremental import extract_dataset
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.sources import ExportSource
from legosigns_dagster.resources.storage.locations import Location
from legosigns_dagster_tests.support.logs import SILENT

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LEGO = sample.FOLDER / "lego-signs"


def evaluation_images(which: Slice, classes: SignClasses, folder: Path) -> Dataset:
    """Read the images of a slice into an empty folder: its test images, or where there are none those of val."""
    if which is Slice.CLASSICAL:
        (folder / "images").mkdir()
        source = sample.FOLDER / "classical-signs"
        return read_yolo(source, classes, folder / "images", "classical", SILENT).evaluation_part()
    export = ExportSource(Location(str(LEGO / "label-studio-export.json"), "LABEL_STUDIO_EXPORT", no_s3))
    fetch = ImageFetcher(Location(str(LEGO / "images"), "LABEL_STUDIO_IMAGES", no_s3), no_s3)
    (folder / "downloads").mkdir()
    extraction = export.extract(folder / "downloads")
    return extract_dataset(extraction, None, fetch, Recipe(classes), folder / "dataset", SILENT).evaluation_part()


def no_s3() -> "S3Client":
    raise AssertionError("the sample is on this machine")
