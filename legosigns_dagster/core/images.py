"""Reading images without trusting them: bounded, fully decoded, the way up in which people saw them."""

import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile, ImageOps

MAX_PIXELS = 60_000_000  # a 60-megapixel image takes 180 MB decoded; a bomb takes the pod
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "WEBP": ".webp", "TIFF": ".tif", "MPO": ".jpg"}
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class StoredImage:
    """An image written into a dataset: displayed size in pixels, orientation tag (1 to 8) that it arrived with."""

    file: Path
    size_wh: tuple[int, int]
    stored_wh: tuple[int, int]
    orientation: int


def open_upright(file: Path) -> Image.Image:
    """The decoded image as a browser shows it; ValueError for no image, a truncated or a far too large one."""
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise RuntimeError("Pillow was told to accept truncated images: damaged images would pass as good ones")
    try:
        with Image.open(file) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{image.width}x{image.height} px is more than {MAX_PIXELS // 10**6} megapixels")
            image.load()
            return ImageOps.exif_transpose(image)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"not a readable image ({error})") from error


def store_upright(source: Path, into: Path, stem: str) -> StoredImage:
    """Put an image into folder `into` in displayed orientation; byte for byte where no EXIF tag turns it.

    Only orientations 2 to 8 are re-encoded (JPEG quality 95, no colour subsampling). Left in the file, the tag would
    be obeyed by OpenCV and ignored by most edge code: the labels would be right in one and wrong in the other.
    """
    upright = open_upright(source)
    with Image.open(source) as header:
        orientation = header.getexif().get(ORIENTATION_TAG, 1)
        image_format, stored_wh = header.format or "", header.size
    if image_format not in SUFFIXES:
        raise ValueError(f"images of format {image_format} are not supported, expected {', '.join(SUFFIXES)}")
    target = into / f"{stem}{SUFFIXES[image_format]}"
    if orientation in range(2, 9):
        quality: dict[str, Any] = {"quality": 95, "subsampling": 0} if SUFFIXES[image_format] == ".jpg" else {}
        upright.convert("RGB").save(target, **quality)
    else:
        shutil.copyfile(source, target)
    return StoredImage(target, upright.size, stored_wh, orientation)


def slug(name: str) -> str:
    """A file stem from any name: ASCII letters, digits, dot, dash and underscore, at most 60 characters."""
    stem = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().rsplit(".", 1)[0]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")[:60] or "image"


def find_images(folder: Path) -> list[Path]:
    """Every image file below a folder, by its ending, in a stable order."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in IMAGE_SUFFIXES)
