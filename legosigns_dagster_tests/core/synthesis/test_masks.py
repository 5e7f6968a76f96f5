from pathlib import Path

import numpy as np

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.masks import boxes_from_mask, mask_path


def test_boxes_are_in_the_order_of_their_numbers_and_end_after_their_last_pixel() -> None:
    mask = np.zeros((48, 64), np.uint8)
    mask[5:9, 40:60] = 1
    mask[0, 0] = mask[47, 3] = 2
    assert boxes_from_mask(mask, 2) == [PixelBox(40, 5, 60, 9), PixelBox(0, 0, 4, 48)]


def test_a_mask_lies_in_its_own_folder_under_the_name_of_its_image() -> None:
    assert mask_path(Path("set"), "images/synthetic-00001.jpg") == Path("set/masks/synthetic-00001.png")
