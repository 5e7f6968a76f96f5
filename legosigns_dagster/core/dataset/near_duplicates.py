"""When an image was taken and what it looks like, as far as near-duplicates are concerned."""

import re
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from legosigns_dagster.core.images import open_upright

EXIF_FOLDER, DATE_TIME_ORIGINAL = 0x8769, 0x9003


def perceptual_hash(file: Path) -> int:
    """The image's 64-bit perceptual hash (DCT of 32x32 grey values): near-duplicates differ in few bits."""
    import imagehash  # brings scipy, which a run that reads no image should not load

    with open_upright(file) as image:
        return int(str(imagehash.phash(image)), 16)


def capture_time_s(file: Path, name: str) -> float | None:
    """Seconds since 1970 at which an image was taken: from EXIF, else from a name that is such a number, else None."""
    stamp = re.fullmatch(r"(1\d{9}(?:\.\d+)?)\.\w+", name)
    try:
        with Image.open(file) as image:
            taken = image.getexif().get_ifd(EXIF_FOLDER).get(DATE_TIME_ORIGINAL)
        if taken:
            return datetime.strptime(str(taken), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    except (OSError, ValueError):
        pass  # damaged EXIF says nothing about the time; a damaged image is rejected where it is decoded
    return float(stamp.group(1)) if stamp else None
