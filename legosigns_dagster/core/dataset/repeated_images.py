"""Images of one split that repeat an image of another, by their bytes or by their looks."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.near_duplicates import hash_pixels
from legosigns_dagster.core.dataset.splits import NEAR_BITS
from legosigns_dagster.core.images.stored_image import open_opaque
from legosigns_dagster.core.machine import usable_cores

# Correlation of 16x16 grey values above which images with near hashes show the same. On 333 images of roads, copies
# that were compressed, scaled, brightened or cropped by 5 % have 0.92 and more; of a large set, some images of other
# scenes are near by their hashes alone.
SAME_LOOKS = 0.9
SIDE = 16

Hashes: TypeAlias = npt.NDArray[np.uint64]
Greys: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Looks:
    """What an image looks like.

    Attributes:
        file: The image's file, as in the dataset's table.
        split: Its split.
        sha256: SHA-256 of its bytes.
        perceptual_hash: Its pHash, 64 bits.
        grey: Grey values of the image scaled to 16x16, of mean 0 and length 1, shape (256,).
    """

    file: str
    split: str
    sha256: str
    perceptual_hash: int
    grey: Greys


def images_across_splits(dataset: Dataset) -> list[str]:
    """Find images that repeat one of another split. Those that cannot be decoded are compared by their bytes alone."""
    offenders = []
    for _, copies in dataset.images.groupby("sha256"):
        if copies["split"].nunique() > 1:
            named = [f"{row.file} ({row.split})" for row in copies.itertuples()]
            offenders.append(f"{' and '.join(named)} are the same file")
    for one, other in find_lookalikes(list(describe_looks(dataset))):
        offenders.append(f"{one.file} ({one.split}) looks like {other.file} ({other.split})")
    return sorted(offenders)


def scenes_across_splits(dataset: Dataset) -> list[str]:
    """Find scenes whose images are in more than one split, by the names of their groups without the split."""
    prefixed = zip(dataset.images["group"], dataset.images["split"], strict=True)
    scenes = pd.Series([str(group).removeprefix(f"{split}/") for group, split in prefixed], dtype=str)
    splits: pd.Series = dataset.images["split"].groupby(scenes.to_numpy()).unique()
    return [f"scene {scene} is in {', '.join(names)}" for scene, names in splits.items() if len(names) > 1]


def describe_looks(dataset: Dataset) -> Iterator[Looks]:
    """Describe each image that can be decoded."""
    with ThreadPoolExecutor(usable_cores()) as pool:
        described = pool.map(lambda row: describe_image(dataset.folder, row), dataset.images.itertuples())
        yield from filter(None, described)


def describe_image(folder: Path, row: Any) -> Looks | None:
    """Describe the image of a row. None where it cannot be decoded: the check `every_image_readable` names it."""
    file = folder / str(row.file)
    try:
        with open_opaque(file) as image:
            phash = hash_pixels(image)
            small = image.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
        grey = np.asarray(small, np.float64).ravel()
        grey -= grey.mean()
        length = float(np.linalg.norm(grey))
        return Looks(str(row.file), row.split, row.sha256, phash, grey / (length or 1.0))
    except (OSError, ValueError):
        return None


def find_copies(images: Iterable[Looks], others: Sequence[Looks]) -> Iterator[tuple[Looks, int]]:
    """Find images that repeat one of others, by their bytes or their looks: each with the first such other's number."""
    hashes, greys = stack_looks(others)
    digests = np.array([other.sha256 for other in others], str)
    for image in images:
        same = look_the_same(image, hashes, greys) | (digests == image.sha256)
        if same.any():
            yield image, int(same.argmax())


def stack_looks(images: Sequence[Looks]) -> tuple[Hashes, Greys]:
    """Put what images look like into arrays: perceptual hashes of shape (n,), grey values of shape (n, 256)."""
    hashes = np.array([image.perceptual_hash for image in images], np.uint64)
    return hashes, np.array([image.grey for image in images]).reshape(len(images), SIDE * SIDE)


def look_the_same(image: Looks, hashes: Hashes, greys: Greys) -> npt.NDArray[np.bool_]:
    """Tell for each image of arrays that `stack_looks` made whether it looks the same as this one, of shape (n,)."""
    near = np.bitwise_count(hashes ^ np.uint64(image.perceptual_hash)) <= NEAR_BITS
    same: npt.NDArray[np.bool_] = near & (greys @ image.grey >= SAME_LOOKS)
    return same


def find_lookalikes(images: list[Looks]) -> Iterator[tuple[Looks, Looks]]:
    """Find pairs of images of different splits and different bytes that look the same."""
    hashes, greys = stack_looks(images)
    for number, image in enumerate(images):
        for other in np.flatnonzero(look_the_same(image, hashes[:number], greys[:number])):
            if images[other].split != image.split and images[other].sha256 != image.sha256:
                yield images[other], image
