"""Groups of near-duplicate images, and the split of each group.

Images are taken in the order of their names, as cameras number them. Each joins the group of the nearest earlier
near-duplicate, or opens its own. A group's split follows from its first image's content and the seed alone, so an
image that is added later never moves an earlier one to another split. An image that is near groups of two splits is
left out: in either split it would leak.

Images of one burst are near-duplicates however they look, since the camera or the sign moved. A capture time shows a
burst only where the camera's clock runs. A clock without a battery stands still, or starts at the same date each time:
then many images that have nothing to do with each other share a time.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, model_validator

from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Split

# Of 64 bits. Measured on bursts of a train's camera: images of one burst differ by less, other scenes by more.
NEAR_BITS = 10
BURST_S = 5.0  # seconds between two images of one burst, at most
# Of 64 bits: by what images of one time may differ where the clock may stand. Measured: of 55,278 pairs of unrelated
# images 13 differ by no more, so that few become near-duplicates by chance, however many share a time.
ALIKE_BITS = 14
CROWD = 4  # earlier images within BURST_S from which on the clock may stand: some of a real burst look alike then
Hashes: TypeAlias = npt.NDArray[np.uint64]  # perceptual hashes, shape (images,)
Times: TypeAlias = npt.NDArray[np.float64]  # seconds since 1970, NaN where unknown, shape (images,)


class SplitSettings(BaseModel, frozen=True):
    """What decides in which split an image is."""

    val_share: float = Field(
        0.25, ge=0, lt=1, description="Share of the groups in val: by them the best weights are selected."
    )
    test_share: float = Field(
        0.0, ge=0, lt=1, description="Share of the groups in test: only the report uses them. At 0 it uses val."
    )
    split_seed: int = Field(
        0, description="Another seed puts other groups into val and test. Keep it once weights were compared."
    )

    @model_validator(mode="after")
    def _leave_groups_for_train(self) -> "SplitSettings":
        if self.val_share + self.test_share >= 1:
            raise ValueError(
                f"val_share {self.val_share} and test_share {self.test_share} leave nothing to train on: lower one"
            )
        return self


@dataclass(frozen=True)
class Candidate:
    """An image that needs a group.

    Attributes:
        name: The name that people know it by; images are taken in this order.
        sha256: SHA-256 of its bytes, 64 hex digits.
        perceptual_hash: 64 bits as an integer.
        captured_s: When it was taken, in seconds since 1970, None where unknown.
    """

    name: str
    sha256: str
    perceptual_hash: int
    captured_s: float | None


@dataclass(frozen=True)
class Grouping:
    """The groups of some images.

    Attributes:
        groups: The name of each image's group, by the image's SHA-256.
        cross_split_duplicates: The images that are left out, by SHA-256: each with the names of the images that it is
            near to and that are in different splits.
        doubtful_times: The images that were not grouped by their capture time, by SHA-256: each with the names of some
            images that share it and look different.
    """

    groups: dict[str, str]
    cross_split_duplicates: dict[str, str]
    doubtful_times: dict[str, str]


def natural_sort_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Make a sort key by which numbers in names are compared as numbers.

    Example:
        >>> sorted(["IMG_10.jpg", "IMG_9.jpg"], key=natural_sort_key)
        ['IMG_9.jpg', 'IMG_10.jpg']
    """
    return tuple(number_key(part) if part.isdecimal() else (1, 0, part) for part in re.findall(r"\d+|\D+", name))


def number_key(digits: str) -> tuple[int, int, str]:
    """Make a key that sorts as the number does, also where it has more digits than Python converts."""
    number = "".join(str(unicodedata.decimal(digit)) for digit in digits).lstrip("0")
    return 0, len(number), number


def split_for(group: str, settings: SplitSettings) -> Split:
    """Choose a group's split: a number in [0, 1) from the SHA-256 of the seed and its name, compared with the shares.

    Example:
        >>> [split_for(f"group {number}", SplitSettings(val_share=0.5)) for number in range(4)]
        ['train', 'val', 'val', 'val']
    """
    digest = hashlib.sha256(f"{settings.split_seed}/{group}".encode()).digest()
    draw = int.from_bytes(digest[:8], "big") / 2**64
    if draw < settings.val_share:
        return VAL
    return TEST if draw < settings.val_share + settings.test_share else TRAIN


def distances(image: Candidate, hashes: Hashes, times_s: Times) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Compare an image with others.

    Returns:
        The bits by which its perceptual hash differs from each, 0 to 64, and 0 for an image of the same burst. And
        whether each shares its capture time, where that makes it near to none. Both of shape (images,), as `hashes`.
    """
    bits: npt.NDArray[np.uint8] = np.bitwise_count(hashes ^ np.uint64(image.perceptual_hash))
    apart_s = np.abs(times_s - (np.nan if image.captured_s is None else image.captured_s))
    shared = apart_s <= BURST_S
    clock_runs = (apart_s > 0) & (np.count_nonzero(shared) < CROWD)
    burst = shared & (clock_runs | (bits <= ALIKE_BITS))
    bits[burst] = 0
    return bits, shared & ~burst.any()


def group_images(images: Sequence[Candidate], settings: SplitSettings) -> Grouping:
    """Put each image into a group. The order of the images in the sequence does not matter.

    Example:
        >>> images = [
        ...     Candidate("a.jpg", "a" * 64, 0b0000, None),
        ...     Candidate("b.jpg", "b" * 64, 0b0111, None),
        ...     Candidate("c.jpg", "c" * 64, 2**64 - 1, None),
        ... ]
        >>> list(group_images(images, SplitSettings()).groups.values())
        ['aaaaaaaaaaaa', 'aaaaaaaaaaaa', 'cccccccccccc']
    """
    groups: dict[str, str] = {}
    cross_split_duplicates: dict[str, str] = {}
    doubtful_times: dict[str, str] = {}
    placed: list[Candidate] = []
    hashes, times_s = np.zeros(len(images), np.uint64), np.full(len(images), np.nan)
    for image in sorted(images, key=lambda i: (natural_sort_key(i.name), i.sha256)):
        count = len(placed)
        bits, doubtful = distances(image, hashes[:count], times_s[:count])
        close = [placed[index] for index in np.flatnonzero(bits <= NEAR_BITS)]
        if len({split_for(groups[other.sha256], settings) for other in close}) > 1:
            cross_split_duplicates[image.sha256] = ", ".join(sorted({other.name for other in close}))
            continue
        if doubtful.any():
            doubtful_times[image.sha256] = ", ".join(placed[index].name for index in np.flatnonzero(doubtful)[:3])
        groups[image.sha256] = groups[placed[int(bits.argmin())].sha256] if close else image.sha256[:12]
        hashes[count] = image.perceptual_hash
        times_s[count] = np.nan if image.captured_s is None else image.captured_s
        placed.append(image)
    return Grouping(groups, cross_split_duplicates, doubtful_times)
