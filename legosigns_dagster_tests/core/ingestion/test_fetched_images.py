from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from legosigns_dagster.core.dataset.near_duplicates import capture_time_s
from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.dataset.splits import NEAR_BITS
from legosigns_dagster.core.images.decoded_image import MAX_PIXELS
from legosigns_dagster.core.ingestion.fetched_images import DECODING, FetchedImage, fetch_image, image_name
from legosigns_dagster_tests.support.builders import pixels, write_image


def fetch_file(file: Path, folder: Path) -> FetchedImage:
    """Fetch a file that is there already into the dataset in `folder`."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    return fetch_image(f"https://example.invalid/{file.name}", lambda url, into: file, folder)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/bucket/a%20b.jpg?X-Amz-Signature=1", "a b.jpg"),
        ("s3://bucket/deep/er/a.jpg", "a.jpg"),
        ("/data/local-files/?d=sub/a%20b.jpg", "a b.jpg"),
        ("/data/upload/3/1234abcd-a.jpg", "1234abcd-a.jpg"),
        ("https://host/../../etc/passwd", "passwd"),
        ("https://host/..%2F..%2Fetc%2Fpasswd", "passwd"),
    ],
)
def test_an_image_is_named_by_the_last_part_of_its_url(url: str, name: str) -> None:
    assert image_name(url) == name


SCALES = {"8_bits": (np.uint8, 1), "16_bits": (np.uint16, 257), "12_bits_in_16": (np.uint16, 16)}


@pytest.mark.parametrize("scale", SCALES)
def test_different_grey_images_differ_in_their_hash_with_any_number_of_bits(tmp_path: Path, scale: str) -> None:
    kind, factor = SCALES[scale]
    hashes = []
    for seed in range(8):  # ultralytics/ultralytics#21645: all became white, and near-duplicates
        grey = np.asarray(pixels(seed).convert("L")).astype(kind) * kind(factor)
        Image.fromarray(grey).save(tmp_path / f"{seed}.png")
        hashes.append(fetch_file(tmp_path / f"{seed}.png", tmp_path / "dataset").perceptual_hash)
    distances = [(one ^ other).bit_count() for n, one in enumerate(hashes) for other in hashes[:n]]
    assert min(distances) > NEAR_BITS


def test_what_is_hidden_below_transparent_pixels_does_not_count_in_the_hash(tmp_path: Path) -> None:
    hashes = set()
    for seed in range(3):
        image = pixels(seed).convert("RGBA")
        image.putalpha(0)
        image.paste(pixels(9).resize((30, 30)), (10, 10))
        image.save(tmp_path / f"{seed}.png")
        hashes.add(fetch_file(tmp_path / f"{seed}.png", tmp_path / "dataset").perceptual_hash)
    assert len(hashes) == 1


def test_an_image_that_cannot_be_used_is_rejected_with_the_type_and_the_words_of_the_error(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"<html>")
    with pytest.raises(RejectedError, match=r"unreadable_image: .*\(UnidentifiedImageError: cannot identify"):
        fetch_file(tmp_path / "a.jpg", tmp_path / "dataset")
    with pytest.raises(RejectedError, match="unreadable_image: .*9x60 px"):
        fetch_file(write_image(tmp_path / "b.jpg", size_wh=(9, 60)), tmp_path / "dataset")
    (tmp_path / "c.jpg").mkdir()
    with pytest.raises(RejectedError, match="unreadable_image: IsADirectoryError"):
        fetch_file(tmp_path / "c.jpg", tmp_path / "dataset")
    (tmp_path / "d.jpg").symlink_to("/dev/zero")
    with pytest.raises(RejectedError, match="unreadable_image: it is a pipe or a device"):
        fetch_file(tmp_path / "d.jpg", tmp_path / "dataset")
    assert not list((tmp_path / "dataset" / "images").iterdir())


def test_an_image_waits_while_others_take_the_memory(tmp_path: Path) -> None:
    file = write_image(tmp_path / "a.jpg")
    with ThreadPoolExecutor(1) as pool:
        with DECODING.reserve(MAX_PIXELS):
            fetched = pool.submit(fetch_file, file, tmp_path / "dataset")
            with pytest.raises(TimeoutError):
                fetched.result(0.3)
        assert fetched.result(10).size_wh == (64, 48)


TIMES: dict[str, Any] = {
    "a_date": ("2024:06:13 16:04:58", 1718294698.0),
    "zeros": ("0000:00:00 00:00:00", None),
    "blank": ("    :  :     :  :  ", None),
    "iso": ("2024-06-13T16:04:58", None),
    "beyond_the_calendar": ("2024:13:45 99:99:99", None),
    "year_one": ("0001:01:01 00:00:00", -62135596800.0),
    "a_number": (7, None),
    "bytes": (b"\xff\xfe", None),
}


@pytest.mark.parametrize("name", TIMES)
def test_a_capture_time_is_read_or_is_not_known(tmp_path: Path, name: str) -> None:
    written, expected = TIMES[name]
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = written
    pixels(1).save(tmp_path / "a.jpg", exif=exif)
    assert capture_time_s(tmp_path / "a.jpg", "a.jpg") == expected
