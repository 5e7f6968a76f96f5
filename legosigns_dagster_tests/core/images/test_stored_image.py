"""What is stored of an image, and that the training's reader sees in it what people saw."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.images.stored_image import open_opaque, open_upright, store_upright
from legosigns_dagster_tests.support.builders import pixels, write_image
from legosigns_dagster_tests.support.stored_images import as_trained, require_same_in_training, store


def grey_16_bit(factor: int = 257) -> Image.Image:
    return Image.fromarray(np.asarray(pixels(1).convert("L"), np.uint16) * factor)


def half_transparent(mode: str) -> Image.Image:
    """An image whose left part is transparent over hidden pixels."""
    image = pixels(1).convert("RGBA")
    image.paste(Image.new("RGBA", (20, 48), (255, 0, 0, 0)), (0, 0))
    return image.convert(mode)


def on_white(image: Image.Image) -> Image.Image:
    opaque = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(opaque, mask=opaque.getchannel("A"))
    return white


KINDS: dict[str, tuple[str, Callable[[], Image.Image], Callable[[], Image.Image]]] = {
    "16_bit_png": ("png", grey_16_bit, lambda: pixels(1).convert("L")),  # ultralytics/ultralytics#21645, yolov5#8481
    "16_bit_tiff": ("tif", grey_16_bit, lambda: pixels(1).convert("L")),  # ultralytics/ultralytics#13945
    "12_bits_in_16": ("png", lambda: grey_16_bit(16), lambda: pixels(1).convert("L").point(lambda v: v // 16)),
    "32_bit_tiff": (
        "tif",
        lambda: Image.fromarray(np.linspace(-9, 70_000, 3072).reshape(48, 64).astype(np.int32)),
        lambda: Image.fromarray(np.linspace(0, 255, 3072).reshape(48, 64).astype(np.uint8)),
    ),
    "float_tiff": (
        "tif",
        lambda: Image.fromarray(np.linspace(0, 1, 3072).reshape(48, 64).astype(np.float32)),
        lambda: Image.fromarray(np.linspace(0, 255, 3072).reshape(48, 64).astype(np.uint8)),
    ),
    "cmyk_jpeg": ("jpg", lambda: pixels(1).convert("CMYK"), lambda: pixels(1)),
    "cmyk_tiff": ("tif", lambda: pixels(1).convert("CMYK"), lambda: pixels(1)),
    "transparent_png": ("png", lambda: half_transparent("RGBA"), lambda: on_white(half_transparent("RGBA"))),
    "transparent_webp": ("webp", lambda: half_transparent("RGBA"), lambda: on_white(half_transparent("RGBA"))),
    "transparent_grey_png": ("png", lambda: half_transparent("LA"), lambda: on_white(half_transparent("LA"))),
    "palette_png": ("png", lambda: pixels(1).quantize(64), lambda: pixels(1).quantize(64)),
    "black_and_white_png": ("png", lambda: pixels(1).convert("1"), lambda: pixels(1).convert("1")),
    "grey_jpeg": ("jpg", lambda: pixels(1).convert("L"), lambda: pixels(1).convert("L")),
    "bmp": ("bmp", lambda: pixels(1), lambda: pixels(1)),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_training_reads_of_every_kind_of_image_what_people_saw(tmp_path: Path, name: str) -> None:
    suffix, make, show = KINDS[name]
    options: dict[str, Any] = {"quality": 95} if suffix in ("jpg", "webp") else {}
    make().save(tmp_path / f"x.{suffix}", **options)
    require_same_in_training(store(tmp_path / f"x.{suffix}"), show(), allowed=70 if suffix == "webp" else 30)


def test_a_palette_with_one_transparent_colour_is_shown_on_white(tmp_path: Path) -> None:
    palette = pixels(1).quantize(16)
    palette.save(tmp_path / "x.png", transparency=palette.getpixel((3, 3)))
    stored = store(tmp_path / "x.png")
    assert as_trained(stored.file)[3, 3].tolist() == [255, 255, 255]
    require_same_in_training(stored, open_opaque(tmp_path / "x.png"))


def test_the_first_image_of_an_animation_is_stored_alone(tmp_path: Path) -> None:
    more: dict[str, Any] = {"save_all": True, "append_images": [pixels(2)]}
    for suffix in ("png", "tif", "webp"):
        pixels(1).save(tmp_path / f"x.{suffix}", **more)
        with Image.open(store(tmp_path / f"x.{suffix}").file) as image:
            assert getattr(image, "n_frames", 1) == 1


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp", "webp", "tif"])
def test_an_ordinary_image_is_stored_byte_for_byte(tmp_path: Path, suffix: str) -> None:
    pixels(1).save(tmp_path / f"x.{suffix}")
    stored = store(tmp_path / f"x.{suffix}")
    assert file_sha256(stored.file) == file_sha256(tmp_path / f"x.{suffix}")


def test_a_camera_s_image_with_a_small_one_in_the_same_file_is_stored_byte_for_byte(tmp_path: Path) -> None:
    pixels(1).save(tmp_path / "x.jpg", "MPO", save_all=True, append_images=[pixels(1, (32, 24))])
    stored = store(tmp_path / "x.jpg")
    assert file_sha256(stored.file) == file_sha256(tmp_path / "x.jpg")
    require_same_in_training(stored, pixels(1), allowed=70)


def test_an_opaque_alpha_channel_changes_nothing(tmp_path: Path) -> None:
    pixels(1).convert("RGBA").save(tmp_path / "x.png")
    assert file_sha256(store(tmp_path / "x.png").file) == file_sha256(tmp_path / "x.png")


def test_what_a_cutout_hides_stays_transparent() -> None:
    stream = io.BytesIO()
    half_transparent("LA").save(stream, "PNG")
    assert open_upright(stream).getchannel("A").getextrema() == (0, 255)  # type: ignore[arg-type]


def test_a_wrong_checksum_behind_the_pixels_that_ultralytics_refuses_is_mended(tmp_path: Path) -> None:
    stream = io.BytesIO()
    pixels(1).save(stream, "PNG")
    note = b"tEXtComment\0hello"
    chunk = struct.pack(">I", len(note) - 4) + note + struct.pack(">I", zlib.crc32(note) ^ 1)
    (tmp_path / "x.png").write_bytes(stream.getvalue()[:-12] + chunk + stream.getvalue()[-12:])
    stored = store(tmp_path / "x.png")
    with Image.open(stored.file) as image:
        image.verify()
    require_same_in_training(stored, pixels(1))


@pytest.mark.parametrize("size_wh", [(9, 200), (200, 9), (1, 1)])
def test_an_image_that_the_training_would_leave_out_is_refused_with_its_size(
    tmp_path: Path, size_wh: tuple[int, int]
) -> None:
    write_image(tmp_path / "x.png", size_wh=size_wh)
    with pytest.raises(ValueError, match=rf"{size_wh[0]}x{size_wh[1]} px, expected at least 10 px"):
        store(tmp_path / "x.png")


def test_the_smallest_image_that_the_training_takes_is_stored(tmp_path: Path) -> None:
    assert store(write_image(tmp_path / "x.png", size_wh=(10, 3000))).size_wh == (10, 3000)


def test_a_format_that_the_training_does_not_know_is_refused_by_name(tmp_path: Path) -> None:
    pixels(1).save(tmp_path / "x.png", "GIF")
    with pytest.raises(ValueError, match="format GIF are not supported, expected JPEG"):
        store(tmp_path / "x.png")


def test_a_full_disk_is_not_an_images_fault(tmp_path: Path) -> None:
    file = write_image(tmp_path / "x.jpg", orientation=6)
    with pytest.raises(OSError, match="No such file"):
        store_upright(file, tmp_path / "nowhere", "x")
