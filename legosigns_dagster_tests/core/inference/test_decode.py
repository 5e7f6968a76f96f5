"""A model's answer becomes detections in pixels of the image."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.decode import MOST_DETECTIONS, decode
from legosigns_dagster.core.inference.prepare import Placement

ANCHORS = 400
CONTRACT = ModelContract(SignClasses(("SpeedLimit", "DangerAhead")), 64, (1, 6, ANCHORS), (0.25, 0.25))
WHOLE = Placement(1.0, 0, 0, (64, 64))


def answer(*rows: tuple[float, ...]) -> npt.NDArray[np.float32]:
    """Of each anchor centre x, centre y, width, height and two scores; all other anchors see nothing."""
    output = np.zeros((1, 6, ANCHORS), np.float32)
    for index, row in enumerate(rows):
        output[0, :, index] = row
    return output


def test_a_detection_has_class_confidence_and_box_in_pixels_of_the_image() -> None:
    half = Placement(0.5, 0, 16, (128, 64))
    (found,) = decode(answer((32, 32, 16, 8, 0.1, 0.75)), CONTRACT, half, CONTRACT.thresholds)
    assert (found.class_id, found.confidence) == (1, 0.75)
    assert found.box == PixelBox(48, 24, 80, 40)


def test_the_most_confident_come_first_and_each_class_has_its_threshold() -> None:
    output = answer((10, 10, 4, 4, 0.5, 0), (30, 10, 4, 4, 0.9, 0), (50, 10, 4, 4, 0, 0.5), (10, 50, 4, 4, 0, 0.7))
    found = decode(output, CONTRACT, WHOLE, (0.3, 0.6))
    assert [(one.class_id, round(one.confidence, 2)) for one in found] == [(0, 0.9), (1, 0.7), (0, 0.5)]


def test_of_two_boxes_on_one_sign_the_more_confident_one_stays() -> None:
    output = answer((20, 20, 10, 10, 0.6, 0), (21, 20, 10, 10, 0.8, 0), (21, 20, 10, 10, 0, 0.7))
    assert [one.confidence for one in decode(output, CONTRACT, WHOLE, (0.25, 0.25))] == pytest.approx([0.8, 0.7])
    over_all = replace(CONTRACT, nms_by_class=False)
    assert [one.confidence for one in decode(output, over_all, WHOLE, (0.25, 0.25))] == pytest.approx([0.8])


@pytest.mark.parametrize(("apart", "kept"), [(1, 1), (3, 2)])
def test_boxes_that_overlap_less_than_the_contract_says_both_stay(apart: int, kept: int) -> None:
    """Two boxes 10 px wide, 1 px apart, have an IoU of 0.82; 3 px apart, of 0.54."""
    output = answer((20, 20, 10, 10, 0.6, 0), (20 + apart, 20, 10, 10, 0.8, 0))
    assert len(decode(output, CONTRACT, WHOLE, (0.25, 0.25))) == kept


def test_an_image_has_at_most_300_detections() -> None:
    rows = [(x, y, 1.0, 1.0, 0.5, 0.0) for x in range(0, 60, 3) for y in range(0, 60, 3)]
    assert len(decode(answer(*rows), CONTRACT, WHOLE, (0.25, 0.25))) == MOST_DETECTIONS < len(rows)


def test_an_answer_without_a_detection_is_empty() -> None:
    assert decode(answer(), CONTRACT, WHOLE, (0.25, 0.25)) == []


def test_an_answer_of_another_shape_is_an_error_that_tells_both() -> None:
    with pytest.raises(ValueError, match=r"shape \[1, 300, 6\], expected \[1, 6, 400\]"):
        decode(np.zeros((1, 300, 6), np.float32), CONTRACT, WHOLE, (0.25, 0.25))


def test_an_answer_that_is_empty_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"shape \[0\], expected"):
        decode(np.zeros(0, np.float32), CONTRACT, WHOLE, (0.25, 0.25))


def test_numbers_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(ValueError, match="not finite"):
        decode(answer((1, 1, 1, 1, float("nan"), 0)), CONTRACT, WHOLE, (0.25, 0.25))
