"""Images whose EXIF data or bytes are damaged: used as a browser shows them, or refused with a reason."""

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.files import file_sha256
from legosigns_dagster_tests.support.builders import pixels, write_image
from legosigns_dagster_tests.support.stored_images import as_trained, require_same_in_training, store

ASCII, SHORT, LONG, UNDEFINED, SIGNED_SHORT, SIGNED_BYTE = 2, 3, 4, 7, 8, 6  # types of EXIF values
ORIENTATION, RESOLUTION_UNIT, Y_CB_CR_POSITIONING, GPS = 0x0112, 0x0128, 0x0213, 0x8825


def exif_entry(tag: int, kind: int, count: int, value: bytes) -> bytes:
    """An entry of an EXIF directory, little-endian; the value is stored in place."""
    return struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")[:4]


def exif(*entries: bytes, behind: bytes = b"") -> bytes:
    """EXIF data of one directory. What stands behind it begins at offset 14 + 12 for each entry."""
    directory = struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", 0)
    return b"Exif\0\0II*\0" + struct.pack("<I", 8) + directory + behind


def gps(*entries: bytes, orientation: int = 6) -> bytes:
    """EXIF data with an orientation and a directory of GPS values."""
    turned = exif_entry(ORIENTATION, SHORT, 1, struct.pack("<H", orientation))
    inner = struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<I", 0)
    return exif(turned, exif_entry(GPS, LONG, 1, struct.pack("<I", 38)), behind=inner)


def turned_with(*entries: bytes) -> bytes:
    return exif(exif_entry(ORIENTATION, SHORT, 1, struct.pack("<H", 6)), *entries)


def jpeg_with(file: Path, exif_data: bytes, seed: int = 1) -> Path:
    """Write a JPEG of 64x48 px with exactly these bytes as EXIF data."""
    stream = io.BytesIO()
    pixels(seed).save(stream, "JPEG", quality=95)
    plain = stream.getvalue()
    file.write_bytes(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif_data) + 2) + exif_data + plain[2:])
    return file


ODD_EXIF = {
    "altitude_reference_signed": gps(exif_entry(5, SIGNED_BYTE, 1, b"\xff")),  # python-pillow/Pillow#8965
    "altitude_reference_as_text": gps(exif_entry(5, ASCII, 2, b"1\0")),
    "gps_version_as_text": gps(exif_entry(0, ASCII, 4, b"2.2\0")),  # mapillary/mapillary_tools#431
    "latitude_signed": gps(exif_entry(2, 10, 1, struct.pack("<I", 60)), exif_entry(4, SIGNED_SHORT, 1, b"\xfe\xff")),
    "resolution_unit_as_text": turned_with(exif_entry(RESOLUTION_UNIT, ASCII, 2, b"2\0")),  # hMatoba/Piexif#147
    "positioning_as_text": turned_with(exif_entry(Y_CB_CR_POSITIONING, ASCII, 2, b"1\0")),
    "negative_width": turned_with(exif_entry(0x0100, SIGNED_SHORT, 1, b"\xff\xff")),  # python-pillow/Pillow#4238
    "unknown_type": turned_with(exif_entry(0x9999, 77, 1, b"\1")),
    "value_beyond_the_end": turned_with(exif_entry(0x010F, ASCII, 500, struct.pack("<I", 60_000))),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damaged EXIF data
@pytest.mark.parametrize("name", ODD_EXIF)
def test_a_turned_image_is_used_whatever_else_its_exif_data_says(tmp_path: Path, name: str) -> None:
    stored = store(jpeg_with(tmp_path / "x.jpg", ODD_EXIF[name]))
    assert stored.orientation == 6
    require_same_in_training(stored, pixels(1).transpose(Image.Transpose.ROTATE_270), allowed=30)


UPRIGHT_TAGS = {
    "text": exif(exif_entry(ORIENTATION, ASCII, 9, struct.pack("<I", 26)), behind=b"top-left\0"),  # dupeguru#698
    "short_text": exif(exif_entry(ORIENTATION, ASCII, 2, b"6\0")),  # libvips/libvips#1514
    "bytes": exif(exif_entry(ORIENTATION, UNDEFINED, 2, b"\6\0")),
    "bytes_upside_down": exif(exif_entry(ORIENTATION, UNDEFINED, 2, b"\3\0")),
    "zero": exif(exif_entry(ORIENTATION, SHORT, 1, b"\0\0")),
    "nine": exif(exif_entry(ORIENTATION, SHORT, 1, b"\x09\0")),
    "not_exif_at_all": b"Exif\0\0what is this",
    "cut_off": exif(exif_entry(ORIENTATION, SHORT, 1, b"\6\0"))[:16],
    "empty": b"Exif\0\0",
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damaged EXIF data
@pytest.mark.parametrize("name", UPRIGHT_TAGS)
def test_an_orientation_that_is_no_number_from_1_to_8_is_none(tmp_path: Path, name: str) -> None:
    stored = store(jpeg_with(tmp_path / "x.jpg", UPRIGHT_TAGS[name]))
    assert stored.orientation == 1
    require_same_in_training(stored, pixels(1), allowed=30)


def test_an_orientation_in_xmp_data_which_no_browser_obeys_turns_nothing(tmp_path: Path) -> None:
    xmp = b'http://ns.adobe.com/xap/1.0/\0<rdf:Description tiff:Orientation="6"/>'
    stored = store(jpeg_with(tmp_path / "x.jpg", xmp))
    assert (stored.orientation, file_sha256(stored.file)) == (1, file_sha256(tmp_path / "x.jpg"))


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_in_every_format_is_stored_as_people_see_it(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    turns = dict(zip((1, 2, 3, 4, 5, 6, 7, 8), (None, 0, 3, 1, 5, 4, 6, 2), strict=True))
    turn = turns[orientation]
    shown = pixels(1) if turn is None else pixels(1).transpose(Image.Transpose(turn))
    tag = Image.Exif()
    tag[ORIENTATION] = orientation
    options: dict[str, Any] = {} if suffix == "tif" else {"quality": 100}
    pixels(1).save(tmp_path / f"x.{suffix}", exif=tag, **options)
    stored = store(tmp_path / f"x.{suffix}")
    assert stored.orientation == orientation
    require_same_in_training(stored, shown, allowed=60)
    with Image.open(stored.file) as image:
        assert image.getexif().get(ORIENTATION, 1) == 1


BROKEN = {
    "empty": b"",
    "text": b"<html>not found</html>",
    "only_the_start_of_a_png": b"\x89PNG\r\n\x1a\n",
    "png_of_no_size": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(13) + struct.pack(">I", zlib.crc32(b"IHDR" + bytes(13))),
    "only_the_start_of_a_jpeg": b"\xff\xd8\xff\xe0",
    "only_the_start_of_a_tiff": b"II*\0\x08\0\0\0\xff\xff",
    "only_the_start_of_a_webp": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
    "bmp_of_a_huge_size": b"BM" + bytes(12) + struct.pack("<IiiHHI", 40, 2**31 - 1, 2**31 - 1, 1, 24, 0) + bytes(20),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damaged EXIF data
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_image_is_a_value_error(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.png").write_bytes(BROKEN[name])
    with pytest.raises(ValueError, match="not a readable image|megapixels"):
        store(tmp_path / "x.png")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of damaged EXIF data
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "bmp"])
def test_an_image_that_is_damaged_anywhere_is_stored_or_is_a_value_error(tmp_path: Path, suffix: str) -> None:
    write_image(tmp_path / f"x.{suffix}", orientation=6)
    whole, random = (tmp_path / f"x.{suffix}").read_bytes(), np.random.default_rng(7)
    for _ in range(150):
        damaged = bytearray(whole)
        for place in random.integers(0, len(whole), 4):
            damaged[place] = random.integers(0, 256)
        (tmp_path / f"x.{suffix}").write_bytes(damaged[: random.integers(len(whole) // 2, len(whole) + 1)])
        try:
            stored = store(tmp_path / f"x.{suffix}")
        except ValueError:
            continue
        assert as_trained(stored.file).shape[1::-1] == stored.size_wh
