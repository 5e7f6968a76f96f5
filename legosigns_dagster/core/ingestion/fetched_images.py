"""An image that was fetched from its URL, with what is measured on its pixels once."""

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from legosigns_dagster.core.dataset.near_duplicates import capture_time_s, perceptual_hash
from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.files import file_sha256, link_or_copy
from legosigns_dagster.core.images.decoded_image import MAX_PIXELS
from legosigns_dagster.core.images.pixel_budget import PixelBudget, count_pixels
from legosigns_dagster.core.images.stored_image import slug, store_upright
from legosigns_dagster.core.ingestion.image_urls import LONGEST_NAME, image_paths
from legosigns_dagster.core.sources.source_files import is_device

# Puts the image of a URL into a folder and returns the file. Raises RejectedError where there is none.
Fetch = Callable[[str, Path], Path]

# Images of 60 megapixels take about a gigabyte while they are read, and several threads read images at once.
DECODING = PixelBudget(MAX_PIXELS)
RENAMING = threading.Lock()  # two images that want one name: the second must see that the first has it


@dataclass(frozen=True)
class FetchedImage:
    """An image that is stored upright in a dataset's folder.

    Attributes:
        url: Where it came from.
        file: POSIX path below the dataset's folder.
        sha256: SHA-256 of the stored bytes, 64 hex digits.
        size_wh: Width and height in px as stored.
        orientation: The EXIF orientation tag that it came with, 1 (upright) to 8.
        perceptual_hash: 64 bits as an integer.
        captured_s: When it was taken, in seconds since 1970, None where unknown.
    """

    url: str
    file: str
    sha256: str
    size_wh: tuple[int, int]
    orientation: int
    perceptual_hash: int
    captured_s: float | None

    @property
    def name(self) -> str:
        """The name that people know it by."""
        return image_name(self.url)


def image_name(url: str) -> str:
    """Find the name of an image: the last part of its URL's path, at most 255 characters. See `image_paths`.

    Example:
        >>> image_name("https://host/bucket/a%20b.jpg?X-Amz-Signature=1")
        'a b.jpg'
        >>> image_name("/data/local-files/?d=signs/a.jpg")
        'a.jpg'
    """
    return image_paths(url)[0].replace("\\", "/").rstrip("/").rsplit("/", 1)[-1][-LONGEST_NAME:]


def fetch_image(url: str, fetch: Fetch, folder: Path) -> FetchedImage:
    """Fetch an image and store it upright in `folder/images`.

    Raises:
        RejectedError: There is no image at the URL, or it cannot be used.
        OSError: The disk cannot take it, which says nothing about the image.
    """
    name = image_name(url)
    with tempfile.TemporaryDirectory(dir=folder) as incoming:
        fetched = fetch(url, Path(incoming))
        if is_device(fetched):
            raise RejectedError("unreadable_image", "it is a pipe or a device, expected a file: put the image there")
        try:
            stem = f"{slug(name)}-{file_sha256(fetched)[:10]}"
        except OSError as error:  # it is a folder, or may not be read
            raise RejectedError("unreadable_image", f"{type(error).__name__}: {error}") from error
        try:
            with DECODING.reserve(count_pixels(fetched)):
                stored = store_upright(fetched, Path(incoming), stem)
                sha256, phash = file_sha256(stored.file), perceptual_hash(stored.file)
        except ValueError as error:
            raise RejectedError("unreadable_image", str(error)) from error
        captured = capture_time_s(fetched, name)  # after the decoding: by now it is known not to be a bomb
        file = f"images/{stored.file.name}"
        stored.file.replace(folder / file)
    return FetchedImage(url, file, sha256, stored.size_wh, stored.orientation, phash, captured)


def rename_image(image: FetchedImage, file: str, folder: Path) -> FetchedImage:
    """Give an image in a dataset's folder another name as well, unless that is taken. See `build_dataset`."""
    target = folder / file
    try:
        with RENAMING:
            if not target.exists():
                link_or_copy(folder / image.file, target)
        return replace(image, file=file) if file_sha256(target) == image.sha256 else image
    except (FileExistsError, NotADirectoryError, IsADirectoryError):  # a file has the name of its folder, or vice versa
        return image
