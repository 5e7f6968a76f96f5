"""An image as it came from its URL, with everything that is measured on its pixels once."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from legosigns_dagster.core.dataset.near_duplicates import capture_time_s, perceptual_hash
from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.images import slug, store_upright

# Puts the image of a URL into a folder and returns the file; Rejected when it is nowhere to be had.
Fetch = Callable[[str, Path], Path]


@dataclass(frozen=True)
class FetchedImage:
    """An image below a dataset's folder: its URL, its file, the SHA-256 of its bytes there, its size in pixels.

    `orientation` is the EXIF tag with which it arrived, `perceptual_hash` has 64 bits, `captured_s` is in seconds since
    1970 where it is known.
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
    """The last part of a URL's path, decoded; of Label Studio's `?d=` and `?fileuri=` links that of the file."""
    parts = urlsplit(url)
    path = parts.query.split("=", 1)[1] if "local-files" in parts.path and "=" in parts.query else parts.path
    return unquote(path).replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]


def fetch_image(url: str, fetch: Fetch, folder: Path) -> FetchedImage:
    """Fetch an image into `folder/images`, upright; Rejected when it is nowhere or no readable image."""
    name = image_name(url)
    with tempfile.TemporaryDirectory(dir=folder) as incoming:
        fetched = fetch(url, Path(incoming))
        try:
            stored = store_upright(fetched, Path(incoming), f"{slug(name)}-{file_sha256(fetched)[:10]}")
        except ValueError as error:
            raise RejectedError("unreadable_image", str(error)) from error
        captured = capture_time_s(fetched, name)  # after the decoding: by now it is known not to be a bomb
        sha256, look = file_sha256(stored.file), perceptual_hash(stored.file)
        file = f"images/{stored.file.name}"
        stored.file.replace(folder / file)
    return FetchedImage(url, file, sha256, stored.size_wh, stored.orientation, look, captured)
