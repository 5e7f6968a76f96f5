"""What near-duplicates are found by: an image's perceptual hash and the time when it was taken."""

import re
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from legosigns_dagster.core.images.stored_image import open_opaque

EXIF_FOLDER, DATE_TIME_ORIGINAL = 0x8769, 0x9003


def perceptual_hash(file: Path) -> int:
    """Compute an image's 64-bit pHash (DCT of 32x32 grey values). Near-duplicates differ in few bits."""
    with open_opaque(file) as image:
        return hash_pixels(image)


def hash_pixels(image: Image.Image) -> int:
    """Compute the pHash of an image that is open, see `perceptual_hash`."""
    import imagehash  # brings scipy, which a run that reads no image should not load

    return int(str(imagehash.phash(image)), 16)


def capture_time_s(file: Path, name: str) -> float | None:
    """Find when an image was taken, in seconds since 1970.

    Returns:
        The time in its EXIF data, else the time that its name is, such as `1700000000.5.jpg`, else None.
    """
    name_is_time = re.fullmatch(r"(1\d{9}(?:\.\d+)?)\.\w+", name)
    try:
        with Image.open(file) as image:
            taken = image.getexif().get_ifd(EXIF_FOLDER).get(DATE_TIME_ORIGINAL)
        if taken:
            return datetime.strptime(str(taken), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except Exception:  # damaged EXIF data makes Pillow raise almost any type
        pass  # it says nothing about the time; a damaged image is rejected where it is decoded
    return float(name_is_time.group(1)) if name_is_time else None
