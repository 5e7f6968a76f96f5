"""Images of many formats, and images that say that they are far larger than their files."""

import io
import random
import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from legosigns_dagster_tests.benchmarks.fuzz.damage import damage_bytes
from legosigns_dagster_tests.support.builders import pixels

SIZE = (96, 72)
# Format of Pillow, mode, ending.
FORMATS = (("JPEG", "RGB", "jpg"), ("JPEG", "L", "jpg"), ("JPEG", "CMYK", "jpg"), ("PNG", "RGB", "png"),
           ("PNG", "RGBA", "png"), ("PNG", "P", "png"), ("PNG", "I;16", "png"), ("PNG", "1", "png"),
           ("BMP", "RGB", "bmp"), ("WEBP", "RGB", "webp"), ("WEBP", "RGBA", "webp"), ("TIFF", "RGB", "tif"),
           ("TIFF", "F", "tif"), ("TIFF", "I;16", "tif"), ("GIF", "P", "gif"), ("MPO", "RGB", "jpg"),
           ("JPEG2000", "RGB", "jp2"), ("PPM", "RGB", "ppm"), ("ICO", "RGBA", "ico"),
           ("TGA", "RGB", "tga"))  # fmt: skip
# Width and height, and whether a block of text in it grows a thousand times.
DECLARED = (((100_000, 100_000), False), ((2**31 - 1, 1), False), ((0, 0), False), ((7000, 8000), False),
            ((3000, 2000), True), ((2000, 3000), False), ((1, 500_000), False), ((96, 72), True))  # fmt: skip


def encode_picture(seed: int, kind: tuple[str, str, str], size_wh: tuple[int, int] = SIZE) -> bytes:
    """Encode an image that looks like no other in a format and a mode, with EXIF data where the format has it."""
    image_format, mode, _ = kind
    image = pixels(seed, size_wh)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    elif mode != "RGB":
        image = image.convert(mode)
    content, options = io.BytesIO(), {}
    if image_format in ("JPEG", "PNG", "WEBP", "TIFF", "MPO"):
        exif = Image.Exif()
        exif[0x0112] = 1 + seed % 8
        exif[0x9003] = "2026:01:01 00:00:00"
        options["exif"] = exif
    image.save(content, image_format, **options)
    return content.getvalue()


def damage_picture(chance: random.Random) -> tuple[str, bytes]:
    """Make the ending and the bytes of a damaged image."""
    if chance.random() < 0.02:
        return "png", declare_png(*chance.choice(DECLARED), chance.choice((0, 2, 6)), chance.choice((8, 16)))
    kind = chance.choice(FORMATS)
    content = damage_bytes(encode_picture(chance.randrange(10**6), kind), chance)
    ending = chance.choice(("jpg", "png", "JPEG", "tiff")) if chance.random() < 0.2 else kind[2]
    if chance.random() < 0.3 and content.startswith(b"\x89PNG"):
        content = correct_checksums(content)  # so that what was damaged is looked at
    return ending, content


def png_chunk(name: bytes, content: bytes) -> bytes:
    """Write a chunk of a PNG with its checksum."""
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


@cache
def declare_png(size_wh: tuple[int, int], has_text: bool, color: int, bits: int) -> bytes:
    """Write a small PNG that says it has this size. Up to 100 megapixels are really in it."""
    width, height = size_wh
    is_whole = width * height < 10**8
    row = bytes(1 + (width * bits * {0: 1, 2: 3, 6: 4}[color] + 7) // 8 if is_whole else 100)
    packer = zlib.compressobj(1)
    content = b"".join(packer.compress(row) for _ in range(height if is_whole else 1)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    text = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000))) if has_text else b""
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + text + png_chunk(b"IDAT", content) + png_chunk(b"IEND", b"")
    )


def correct_checksums(content: bytes) -> bytes:
    """Write the right checksum behind each chunk of a PNG, as far as the chunks can be found."""
    whole, place = bytearray(content), 8
    while place + 12 <= len(whole):
        length = int.from_bytes(whole[place : place + 4], "big")
        end = place + 8 + length
        if end + 4 > len(whole):
            break
        whole[end : end + 4] = struct.pack(">I", zlib.crc32(whole[place + 4 : end]))
        place = end + 4
    return bytes(whole)


def write_cutout(file: Path, seed: int) -> Path:
    """Write a cut-out: a coloured face on a transparent ground."""
    file.parent.mkdir(parents=True, exist_ok=True)
    image = pixels(seed, (60, 90)).convert("RGBA")
    alpha = np.zeros((90, 60), np.uint8)
    alpha[5:55, 5:55] = 255
    alpha[55:88, 26:34] = 255
    image.putalpha(Image.fromarray(alpha))
    image.save(file)
    return file
