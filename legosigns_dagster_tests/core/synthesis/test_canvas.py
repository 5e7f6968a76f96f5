from dataclasses import replace

import numpy as np
import pytest

from legosigns_dagster.core.dataset.dataset import LabeledBox
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.canvas import Canvas, CropTransform, existing_signs
from legosigns_dagster_tests.support.synthesis import PLAIN_SCENE, SIZE

GREY_PIXELS = np.full((240, 320, 3), 128, np.uint8)


@pytest.mark.parametrize(("zoom", "shift"), [(1, (0, 0)), (1.5, (0.2, 0.9)), (2, (1, 0.5))])
def test_a_box_moves_with_the_pixels_that_it_surrounds(zoom: float, shift: tuple[float, float]) -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    image[100:140, 150:200] = 255
    crop = CropTransform.for_scene(replace(PLAIN_SCENE, zoom=zoom, shift=shift), SIZE, SIZE)
    rows, columns = np.nonzero(crop.apply_image(image, SIZE)[..., 0] > 127)
    box = crop.apply_box(PixelBox(150, 100, 200, 140), SIZE).clip(SIZE)
    edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(edges, abs=1)


def test_a_mirrored_crop_is_flipped_left_to_right() -> None:
    image = np.zeros((240, 320, 3), np.uint8)
    image[:, :100] = 255
    crop = CropTransform.for_scene(replace(PLAIN_SCENE, mirrored=True), SIZE, SIZE)
    assert (crop.apply_image(image, SIZE) == image[:, ::-1]).all()


def test_an_image_of_another_shape_fills_the_size_without_distortion() -> None:
    crop = CropTransform.for_scene(PLAIN_SCENE, (200, 200), SIZE)
    assert crop.scaled_wh == (320, 320)
    assert crop.apply_image(np.zeros((200, 200, 3), np.uint8), SIZE).shape == (240, 320, 3)


def test_a_sign_of_which_the_crop_leaves_a_sliver_is_not_counted() -> None:
    canvas = Canvas(GREY_PIXELS, (LabeledBox(1, PixelBox(100, 60, 140, 100)), LabeledBox(0, PixelBox(0, 60, 83, 100))))
    mask, class_ids = existing_signs(canvas, replace(PLAIN_SCENE, zoom=2, shift=(0.5, 0.5)), SIZE)
    assert class_ids == [0, 1]
    mask, class_ids = existing_signs(canvas, replace(PLAIN_SCENE, zoom=2, shift=(0.51, 0.5)), SIZE)
    assert class_ids == [1]
    assert set(np.unique(mask)) == {0, 1}


def test_of_signs_that_overlap_the_smaller_lies_in_front() -> None:
    canvas = Canvas(GREY_PIXELS, (LabeledBox(0, PixelBox(20, 20, 30, 30)), LabeledBox(1, PixelBox(10, 10, 90, 90))))
    mask, class_ids = existing_signs(canvas, PLAIN_SCENE, SIZE)
    assert class_ids == [1, 0]
    assert (mask[20:30, 20:30] == 2).all()
