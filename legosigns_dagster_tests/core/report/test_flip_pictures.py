"""Pictures of flips."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.dataset.dataset import VAL, Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.flips import find_flips
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.palette import PICTURE
from legosigns_dagster.core.report.flip_pictures import crop_window, draw_flip
from legosigns_dagster_tests.support.builders import CLASSES, evaluation, make_dataset, write_image


def test_annotation_base_and_new_are_on_the_same_picture(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, "val")
    base, new = evaluation(dataset, (0, 0, 0.9)), evaluation(dataset, (0, 1, 0.9))
    results = SliceResults("LEGO signs", dataset, base, new)
    pixels = np.asarray(Image.open(io.BytesIO(draw_flip(find_flips(results)[0], results).jpeg)).convert("RGB")).astype(
        int
    )

    def has(color: str) -> bool:
        rgb = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
        return int((np.abs(pixels - rgb).max(axis=-1) < 40).sum()) > 50

    assert {name: has(color) for name, color in PICTURE.items()} == {
        "annotation": True,
        "base": True,
        "new": True,
    }


def test_a_box_is_drawn_where_it_is_in_the_crop(tmp_path: Path) -> None:
    write_image(tmp_path / "large.jpg", size_wh=(640, 480))
    box = LabeledBox(0, PixelBox(300, 200, 340, 240))
    dataset = Dataset.from_images(
        tmp_path, CLASSES, [LabeledImage("large.jpg", "", (640, 480), (box,), VAL, "g", "label-studio")]
    )
    results = SliceResults("LEGO signs", dataset, evaluation(dataset, (0, 0, 0.9)), evaluation(dataset))
    picture = Image.open(io.BytesIO(draw_flip(find_flips(results)[0], results).jpeg)).convert("RGB")
    assert picture.size == (420, 315), "200 pixels of the image are 420 of the picture"
    left, middle = round((300 - 220) * 2.1), round((220 - 145) * 2.1)
    red, green, blue = np.asarray(picture).astype(int)[middle - 10 : middle + 10, left : left + 2].mean(axis=(0, 1))
    assert (red > 200, 100 < green < 190, blue < 90) == (True, True, True), "the orange of the base weights"


@pytest.mark.parametrize(
    ("box", "window"),
    [
        pytest.param(
            PixelBox(300, 200, 340, 240), (220, 145, 420, 295), id="in the middle: five times as wide as the box"
        ),
        pytest.param(PixelBox(0, 0, 10, 10), (0, 0, 160, 120), id="small and in a corner: the window is moved inside"),
        pytest.param(PixelBox(0, 0, 640, 480), (0, 0, 640, 480), id="as large as the image"),
    ],
)
def test_a_picture_shows_the_surroundings_of_the_sign(box: PixelBox, window: tuple[int, int, int, int]) -> None:
    assert crop_window(box, (640, 480)) == window
