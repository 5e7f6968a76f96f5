"""Images with boxes drawn on them."""

import io
from pathlib import Path

from PIL import Image

from legosigns_dagster.core.dataset.dataset import TRAIN, Dataset
from legosigns_dagster.core.report.gallery import contact_sheet
from legosigns_dagster_tests.support.builders import make_dataset


def open_jpeg(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg))


def test_a_contact_sheet_stays_small_enough_for_metadata(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, *[TRAIN] * 20)
    sheet = contact_sheet(dataset, 12, 960)
    assert len(sheet) <= 90_000
    assert open_jpeg(sheet).size == (960, 3 * 180)


def test_an_empty_dataset_has_an_empty_sheet(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "train")
    nothing = Dataset.from_images(tmp_path, dataset.classes, [])
    assert open_jpeg(contact_sheet(nothing, 12, 960)).width == 960
