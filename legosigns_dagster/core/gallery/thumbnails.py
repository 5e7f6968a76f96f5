"""Images as JPEGs that fit into a number of bytes."""

import io
from pathlib import Path

from PIL import Image

from legosigns_dagster.core.images.stored_image import open_opaque

# Longest side in px and JPEG quality, from the best on. The last is taken however many bytes it needs.
SIZES = ((1120, 80), (960, 75), (800, 70), (640, 70), (640, 55), (480, 60), (480, 45), (360, 45), (256, 40), (160, 30),
         (96, 20), (48, 10))  # fmt: skip
PIXELS_PER_BYTE = 20  # more than that, a photograph of good quality does not hold: larger sizes are not tried


def make_thumbnail(file: Path, most_bytes: int) -> bytes:
    """Encode an image as a JPEG of at most `most_bytes`, as large and as good as fits. No image is enlarged.

    Raises:
        ValueError: The image cannot be decoded.
    """
    image = open_opaque(file)
    jpeg = b""
    for side, quality in SIZES:
        if side**2 / 2 > most_bytes * PIXELS_PER_BYTE and (side, quality) != SIZES[-1]:
            continue
        image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        stream = io.BytesIO()
        image.save(stream, "JPEG", quality=quality, optimize=True)
        jpeg = stream.getvalue()
        if len(jpeg) <= most_bytes:
            break
    return jpeg
