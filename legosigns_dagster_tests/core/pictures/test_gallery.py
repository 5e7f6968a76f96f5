"""Images with boxes drawn on them."""

import io
from pathlib import Path

import pytest
from PIL import Image

from legosigns_dagster.core.dataset.dataset import TRAIN, Dataset, LabeledImage
from legosigns_dagster.core.pictures.gallery import contact_sheet
from legosigns_dagster_tests.support.builders import CLASSES, make_dataset, write_image


def open_jpeg(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


def test_a_contact_sheet_stays_small_enough_for_metadata(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, *[TRAIN] * 20)
    sheet = contact_sheet(dataset, 12, 960)
    assert len(sheet) <= 90_000
    assert open_jpeg(sheet).size == (960, 3 * 180)


@pytest.mark.parametrize("size_wh", [(10, 3000), (3000, 10), (10, 60_000)])
def test_one_very_tall_or_wide_image_is_a_small_picture_among_the_others(
    tmp_path: Path, size_wh: tuple[int, int]
) -> None:
    files = [write_image(tmp_path / "images" / f"{n}.png", n, wh) for n, wh in enumerate([(64, 48), size_wh])]
    images = [
        LabeledImage(f"images/{file.name}", "", wh, (), TRAIN, file.stem, "label-studio")
        for file, wh in zip(files, [(64, 48), size_wh], strict=True)
    ]
    sheet = contact_sheet(Dataset.from_images(tmp_path, CLASSES, images), 12, 960)
    assert open_jpeg(sheet).width == 960
    assert open_jpeg(sheet).height <= 3 * 240


def test_an_empty_dataset_has_an_empty_sheet(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "train")
    nothing = Dataset.from_images(tmp_path, dataset.classes, [])
    assert open_jpeg(contact_sheet(nothing, 12, 960)).width == 960
