"""Storing images so that the training reads from them what a browser shows, and finding them in folders."""

import re
import shutil
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from legosigns_dagster.core.images.decoded_image import decode, has_transparent_pixels
from legosigns_dagster.core.images.training_reader import MIN_SIDE_PX, reads_alike

SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "WEBP": ".webp", "TIFF": ".tif", "MPO": ".jpg"}
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


@dataclass(frozen=True)
class StoredImage:
    """An image that was written into a dataset.

    Attributes:
        file: Where it is.
        size_wh: Width and height in px as displayed, which is as stored in `file`.
        orientation: The EXIF orientation tag that it came with, 1 (upright) to 8.
    """

    file: Path
    size_wh: tuple[int, int]
    orientation: int


def open_upright(file: Path) -> Image.Image:
    """Decode an image and rotate it as its EXIF tag says, as a browser does. Transparent pixels stay transparent.

    Returns:
        An image of mode L, RGB or RGBA.

    Raises:
        ValueError: The file is no image, is truncated, or has more than 60 megapixels.
    """
    return decode(file).upright


def open_opaque(file: Path) -> Image.Image:
    """Decode an image as `open_upright`, on white where it is transparent, as people see it.

    Returns:
        An image of mode L or RGB.
    """
    return put_on_white(open_upright(file))


def put_on_white(image: Image.Image) -> Image.Image:
    """Put an image with transparent pixels on white. Others are returned as they are."""
    if not has_transparent_pixels(image):
        return image.convert("RGB") if image.mode == "RGBA" else image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def store_upright(source: Path, into: Path, stem: str) -> StoredImage:
    """Store an image in folder `into` as a browser shows it, under its stem and the ending of its format.

    The bytes stay the same where a training reads from them what a browser shows. Other images are encoded again,
    without EXIF data (JPEG quality 95, no colour subsampling): rotated, transparent and damaged ones, animations. A tag
    that rotates would be obeyed by OpenCV and ignored by most code on edge devices: the boxes would be right in one and
    wrong in the other.

    Raises:
        ValueError: As `open_upright`, or the format or the size is not supported.
    """
    decoded = decode(source)
    if decoded.image_format not in SUFFIXES:
        raise ValueError(f"images of format {decoded.image_format} are not supported, expected {', '.join(SUFFIXES)}")
    shown, size_wh = put_on_white(decoded.upright), decoded.upright.size
    if min(size_wh) < MIN_SIDE_PX:
        raise ValueError(
            f"the image has {size_wh[0]}x{size_wh[1]} px, expected at least {MIN_SIDE_PX} px on each side: "
            "the training does not use a smaller one"
        )
    target = into / f"{stem}{SUFFIXES[decoded.image_format]}"
    is_plain = decoded.orientation == decoded.frames == 1 and not has_transparent_pixels(decoded.upright)
    if is_plain and reads_alike(source, shown):
        shutil.copyfile(source, target)
    else:
        encode(shown, target)
    return StoredImage(target, size_wh, decoded.orientation)


def encode(shown: Image.Image, target: Path) -> None:
    """Write an image's pixels into a new file, in the format of its ending.

    Raises:
        ValueError: The format cannot hold it.
        OSError: The disk cannot take it, which says nothing about the image.
    """
    options: dict[str, dict[str, Any]] = {".jpg": {"quality": 95, "subsampling": 0}, ".webp": {"quality": 95}}
    try:
        pixels = shown.convert("RGB")
        pixels.info.pop("compression", None)  # of a TIFF: some can only hold black and white
        pixels.save(target, **options.get(target.suffix, {}))
    except Exception as error:  # encoders raise many types, and one image must not end a run
        if isinstance(error, OSError) and error.errno:
            raise
        raise ValueError(f"the image cannot be encoded again ({type(error).__name__}: {error})") from error


def slug(name: str) -> str:
    """Make a safe file stem from any name: ASCII letters, digits, dot, dash and underscore, at most 60 characters.

    Example:
        >>> slug("Straße 7 (Köln).JPG"), slug("знак.jpg")
        ('Strae-7-Koln', 'image')
    """
    stem = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().rsplit(".", 1)[0]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-.")[:60] or "image"
