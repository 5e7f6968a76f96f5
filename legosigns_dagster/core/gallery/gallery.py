"""The gallery of a dataset: one file for a browser, small enough to send."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from legosigns_dagster.core.dataset.dataset import Dataset, LabeledImage
from legosigns_dagster.core.gallery.items import GalleryItem, render_item
from legosigns_dagster.core.gallery.page import render_gallery_page
from legosigns_dagster.core.gallery.thumbnails import make_thumbnail

MOST_IMAGES = 150
IMAGE_BYTES = 1_900_000  # of all JPEGs: with base64 and boxes a page has below 3 MB
MOST_IMAGE_BYTES = 60_000  # of one JPEG
SEED = 0  # of the sample: equal datasets have equal galleries


def write_gallery(dataset: Dataset, title: str, file: Path) -> None:
    """Write the gallery of a dataset with at least one image. Equal datasets give equal bytes.

    Of more than 150 images it has a random sample, and says so.

    Raises:
        ValueError: An image cannot be decoded.
    """
    chosen = sample_images(list(dataset))
    most_bytes = min(MOST_IMAGE_BYTES, IMAGE_BYTES // len(chosen))
    items = [
        GalleryItem(number, image, make_thumbnail(dataset.folder / image.file, most_bytes))
        for number, image in enumerate(chosen)
    ]
    rendered = [render_item(item, dataset.classes) for item in items]
    page = render_gallery_page(title, describe_choice(dataset, len(chosen)), chosen, dataset.classes.names, rendered)
    file.write_text(page, encoding="utf-8", errors="backslashreplace", newline="\n")


def sample_images(images: Sequence[LabeledImage]) -> list[LabeledImage]:
    """Choose at most 150 images at random, in the order that they have."""
    numbers = np.random.default_rng(SEED).permutation(len(images))[:MOST_IMAGES]
    return [images[int(number)] for number in sorted(numbers)]


def describe_choice(dataset: Dataset, shown: int) -> str:
    """Say in a sentence which images of a dataset the page shows."""
    total, boxes = len(dataset.images), len(dataset.boxes)
    if shown == total:
        return f"All images of the dataset: {total:,} with {boxes:,} boxes."
    return f"A random sample of {shown} of the {total:,} images of the dataset, which has {boxes:,} boxes."
