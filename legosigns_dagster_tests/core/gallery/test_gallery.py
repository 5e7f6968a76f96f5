"""The gallery of a dataset as a file; what a browser does with it is tested in core/report, with the browser there."""

import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.dataset.dataset import TRAIN, Dataset, LabeledImage
from legosigns_dagster.core.gallery import gallery
from legosigns_dagster.core.gallery.gallery import write_gallery
from legosigns_dagster.core.gallery.items import box_size
from legosigns_dagster.core.gallery.thumbnails import make_thumbnail
from legosigns_dagster_tests.support.builders import CLASSES, make_dataset, write_image
from legosigns_dagster_tests.support.exports import hard_dataset


def page(dataset: Dataset, into: Path) -> str:
    write_gallery(dataset, "raw_annotations", into)
    return into.read_text(encoding="utf-8")


def test_equal_datasets_have_equal_galleries(tmp_path: Path) -> None:
    first, second = (page(hard_dataset(tmp_path / name), tmp_path / f"{name}.html") for name in ("a", "b"))
    assert first == second


def test_a_gallery_asks_nobody_for_anything(tmp_path: Path) -> None:
    text = page(make_dataset(tmp_path / "a"), tmp_path / "a.html")
    assert re.findall(r"(?:https?:|url\(|@import|<link|src=\"(?!data:))", text) == []


def test_every_image_of_a_small_dataset_is_in_its_gallery(tmp_path: Path) -> None:
    text = page(make_dataset(tmp_path / "a", *[TRAIN] * 9), tmp_path / "a.html")
    assert "All images of the dataset: 9 with 18 boxes." in text
    assert text.count('data-boxes="0:medium 1:large"') == 0  # 20 of 64 px are 200 of 640 px
    assert text.count('data-boxes="0:large 1:large"') == 9


def test_a_sample_is_of_the_whole_dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "MOST_IMAGES", 10)
    text = page(make_dataset(tmp_path / "a", *[TRAIN] * 40), tmp_path / "a.html")
    numbers = [int(number) for number in re.findall(r'alt="images/(\d+)\.jpg', text)]
    assert len(set(numbers)) == 10
    assert min(numbers) < 20 <= max(numbers)
    assert "A random sample of 10 of the 40 images of the dataset, which has 80 boxes." in text


def test_the_size_of_a_box_is_that_which_the_network_sees(tmp_path: Path) -> None:
    (image, _) = make_dataset(tmp_path / "a")
    sizes = {box_size(image.boxes[0], replace(image, size_wh=(side, 48))) for side in (64, 320, 1280)}
    assert sizes == {"large", "medium", "small"}


@pytest.mark.parametrize("most_bytes", [2_000, 12_000, 60_000])
def test_a_thumbnail_fits_and_is_as_large_as_can_be(most_bytes: int, tmp_path: Path) -> None:
    grain = np.random.default_rng(0).integers(0, 256, (900, 1200, 3), dtype=np.uint8)
    Image.fromarray(grain).save(tmp_path / "a.png")
    jpeg = make_thumbnail(tmp_path / "a.png", most_bytes)
    assert most_bytes / 4 < len(jpeg) <= most_bytes


@pytest.mark.parametrize("size_wh", [(10, 3000), (3000, 10), (64, 48)])
def test_an_image_keeps_its_shape_and_is_not_enlarged(size_wh: tuple[int, int], tmp_path: Path) -> None:
    file = write_image(tmp_path / "images/a.png", 0, size_wh)
    image = LabeledImage("images/a.png", "", size_wh, (), TRAIN, "a", "label-studio")
    text = page(Dataset.from_images(tmp_path, CLASSES, [image]), tmp_path / "a.html")
    (source,) = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    with Image.open(io.BytesIO(base64.b64decode(source))) as thumbnail:
        assert thumbnail.width <= size_wh[0]
        assert thumbnail.height <= size_wh[1]
        assert max(thumbnail.size) >= min(max(size_wh), 1000)
    assert f"--ratio:{size_wh[0] / size_wh[1]:.5g}" in text
    assert file.exists()
