"""Reading images that may be damaged or far too large, upright as people saw them."""

import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageFile, ImageOps

MAX_PIXELS = 60_000_000  # take 180 MB decoded; a small file can claim many more and use up the pod's memory
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "WEBP": ".webp", "TIFF": ".tif", "MPO": ".jpg"}
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
ORIENTATION_TAG = 0x0112


@dataclass(frozen=True)
class StoredImage:
    """An image that was written into a dataset.

    Attributes:
        file: Where it is.
        size_wh: Width and height in px as displayed, which is as stored in `file`.
        stored_wh: Width and height in px in the file that it came from, before an EXIF tag rotates it.
        orientation: The EXIF orientation tag that it came with, 1 (upright) to 8.
    """

    file: Path
    size_wh: tuple[int, int]
    stored_wh: tuple[int, int]
    orientation: int


def open_upright(file: Path) -> Image.Image:
    """Decode an image and rotate it as its EXIF tag says, as a browser does.

    Raises:
        ValueError: The file is no image, is truncated, or has more than `MAX_PIXELS` pixels.
    """
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
    """Store an image upright in folder `into`, under its stem and the ending of its format.

    The bytes stay the same where no EXIF tag rotates the image. Only orientations 2 to 8 are encoded again (JPEG
    quality 95, no colour subsampling). A tag left in the file would be obeyed by OpenCV and ignored by most code on
    edge devices: the boxes would be right in one and wrong in the other.

    Raises:
        ValueError: As `open_upright`, or the format is not supported.
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
    """Make a safe file stem from any name: ASCII letters, digits, dot, dash and underscore, at most 60 characters.

    Example:
        >>> slug("Straße 7 (Köln).JPG"), slug("знак.jpg")
        ('Strae-7-Koln', 'image')
    """
    stem = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().rsplit(".", 1)[0]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")[:60] or "image"


def find_images(folder: Path) -> list[Path]:
    """List all image files below a folder, known by their endings, in the order of their paths."""
    return sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix.lower() in IMAGE_SUFFIXES)
