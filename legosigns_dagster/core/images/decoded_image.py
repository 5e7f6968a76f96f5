"""Decoding an image that may be damaged, far too large or of a rare kind, upright and with 8 bits a channel."""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

MAX_PIXELS = 60_000_000  # take 180 MB decoded; a small file can claim many more and use up the pod's memory
ORIENTATION_TAG = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class DecodedImage:
    """An image as a browser shows it, with what its file said.

    Attributes:
        upright: The pixels, rotated as the EXIF tag says; mode L, RGB or RGBA.
        orientation: The EXIF orientation tag, 1 (upright) to 8.
        image_format: Pillow's name of the format, such as `JPEG`.
        frames: How many images there are in the file; `upright` is the first one.
    """

    upright: Image.Image
    orientation: int
    image_format: str
    frames: int


def decode(file: Path | BinaryIO) -> DecodedImage:
    """Decode an image in a file, or in a stream of bytes.

    Raises:
        ValueError: The file is no image, is truncated, or has more than `MAX_PIXELS` pixels.
    """
    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise RuntimeError("Pillow was told to accept truncated images: damaged images would pass as good ones")
    try:
        with Image.open(file) as image:
            width, height = image.size
            if width * height <= MAX_PIXELS:
                return decode_pixels(image)
    except Exception as error:  # a damaged file makes Pillow raise almost any type, and must not end a run
        raise ValueError(f"not a readable image ({type(error).__name__}: {error})") from error
    raise ValueError(f"{width}x{height} px is more than {MAX_PIXELS // 10**6} megapixels")


def decode_pixels(image: Image.Image) -> DecodedImage:
    """Decode an image that Pillow has opened."""
    is_tiff = image.format == "TIFF"
    tag = read_orientation(image) if is_tiff else None  # Pillow rotates a TIFF by itself while it loads it
    frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)  # an MPO has one image in several sizes
    image.load()
    tag = tag if is_tiff else read_orientation(image)  # a PNG may have it behind its pixels
    orientation = tag if isinstance(tag, int) and tag in TURNS else 1
    pixels = to_8_bits(image)
    upright = pixels if is_tiff or orientation == 1 else pixels.transpose(TURNS[orientation])
    return DecodedImage(upright, orientation, image.format or "", frames)


def read_orientation(image: Image.Image) -> object:
    """Read the EXIF orientation tag as it is: any type, 1 where there is none or the EXIF data is damaged.

    XMP data and text chunks of a PNG, which Pillow would look at too, are ignored: browsers and OpenCV do the same.
    """
    exif: Image.Exif = Image.Exif()
    try:
        if "exif" in image.info:
            exif.load(image.info["exif"])
        elif hasattr(image, "tag_v2"):
            return image.tag_v2.get(ORIENTATION_TAG, 1)
        return exif.get(ORIENTATION_TAG, 1)
    except Exception:  # damaged EXIF data says nothing
        return 1


def to_8_bits(image: Image.Image) -> Image.Image:
    """Convert a loaded image to mode L, RGB or RGBA.

    Of 16 bits the upper 8 are kept, as browsers and OpenCV do. Wider numbers have no fixed scale: the darkest becomes
    black, the brightest white.
    """
    if image.mode.startswith("I;16"):
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode in ("I", "F"):
        return Image.fromarray(stretch(np.asarray(image)))
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def stretch(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Stretch numbers to 0 to 255. What is no number becomes 0."""
    numbers = values.astype(np.float32)
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        return np.zeros(values.shape, np.uint8)
    low, high = float(finite.min()), float(finite.max())
    scaled = (np.where(np.isfinite(numbers), numbers, low) - low) * (255 / max(high - low, 1e-12))
    return np.asarray(np.clip(scaled, 0, 255), np.uint8)


def has_transparent_pixels(image: Image.Image) -> bool:
    """Tell whether a pixel of an image is not opaque."""
    return image.mode == "RGBA" and bool(np.asarray(image.getchannel("A")).min() < 255)
