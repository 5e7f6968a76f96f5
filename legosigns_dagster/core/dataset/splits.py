"""Which images must stay together, and on which side of the split they stay for good.

Images are taken in the order of their names, as cameras count and people collect. Each joins the group of the nearest
earlier near-duplicate, or opens its own. A group's side follows from its first image's content and the seed alone, so
an image added later never moves an earlier one. An image that is near two groups on different sides cannot be kept
without a leak: it is named in `cross_split_duplicates` and left out.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL

NEAR_BITS = 10  # of 64; measured on train-camera bursts: frames of one burst differ by less, other scenes by more
BURST_S = 5.0
Hashes: TypeAlias = npt.NDArray[np.uint64]
Times: TypeAlias = npt.NDArray[np.float64]


class SplitSettings(BaseModel, frozen=True):
    """Everything that decides which image is on which side."""

    val_share: float = Field(
        0.25, ge=0, lt=1, description="Share of the groups that are held out to compare models, 0 to 1."
    )
    test_share: float = Field(
        0.0, ge=0, lt=1, description="Share of the groups that nothing may look at before the final figure, 0 to 1."
    )
    split_seed: int = Field(
        0, description="Another seed puts other groups into val; keep it once models were compared."
    )

    @model_validator(mode="after")
    def _leave_something_to_learn_from(self) -> "SplitSettings":
        if self.val_share + self.test_share >= 1:
            raise ValueError(
                f"val_share {self.val_share} and test_share {self.test_share} leave nothing to train on: lower one"
            )
        return self


@dataclass(frozen=True)
class Candidate:
    """An image to place: its name, content digest, 64-bit perceptual hash and capture time in seconds, if known."""

    name: str
    sha256: str
    perceptual_hash: int
    captured_s: float | None


@dataclass(frozen=True)
class Grouping:
    """Group by image digest, and the digests of images that would tie two sides together, with what they are near."""

    group: dict[str, str]
    cross_split_duplicates: dict[str, str]


def natural_sort_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which `IMG_9` comes before `IMG_10`."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts)


def split_for(group: str, settings: SplitSettings) -> str:
    """The split of a group: a number in [0, 1) from its hash and the seed, held against the shares."""
    digest = hashlib.sha256(f"{settings.split_seed}/{group}".encode()).digest()
    draw = int.from_bytes(digest[:8], "big") / 2**64
    if draw < settings.val_share:
        return VAL
    return TEST if draw < settings.val_share + settings.test_share else TRAIN


def distances(image: Candidate, hashes: Hashes, times_s: Times) -> npt.NDArray[np.uint8]:
    """Bits by which an image's perceptual hash differs from each of these, 0 to 64; 0 for a shot of the same burst.

    `hashes` are 64-bit integers, `times_s` capture times in seconds, NaN where unknown; both of shape (images,).
    """
    bits: npt.NDArray[np.uint8] = np.bitwise_count(hashes ^ np.uint64(image.perceptual_hash))
    if image.captured_s is not None:
        bits[np.abs(times_s - image.captured_s) <= BURST_S] = 0
    return bits


def group_images(images: Sequence[Candidate], settings: SplitSettings) -> Grouping:
    """Put each image into a group; equal for the same images whatever their order in the sequence."""
    group: dict[str, str] = {}
    cross_split_duplicates: dict[str, str] = {}
    placed: list[Candidate] = []
    hashes, times_s = np.zeros(len(images), np.uint64), np.full(len(images), np.nan)
    for image in sorted(images, key=lambda i: (natural_sort_key(i.name), i.sha256)):
        count = len(placed)
        bits = distances(image, hashes[:count], times_s[:count])
        close = [placed[index] for index in np.flatnonzero(bits <= NEAR_BITS)]
        if len({split_for(group[other.sha256], settings) for other in close}) > 1:
            cross_split_duplicates[image.sha256] = ", ".join(sorted({other.name for other in close}))
            continue
        group[image.sha256] = group[placed[int(bits.argmin())].sha256] if close else image.sha256[:12]
        hashes[count] = image.perceptual_hash
        times_s[count] = np.nan if image.captured_s is None else image.captured_s
        placed.append(image)
    return Grouping(group, cross_split_duplicates)
