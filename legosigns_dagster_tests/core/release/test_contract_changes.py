"""Each change that a client would notice is named."""

from dataclasses import replace
from typing import Any

import pytest

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.release.contract_changes import contract_changes

RELEASED = ModelContract(SignClasses(("SpeedLimit", "DangerAhead")), 640, (1, 6, 8400), (0.25, 0.25))


def test_the_same_contract_has_no_changes_and_thresholds_are_free() -> None:
    assert contract_changes(RELEASED, RELEASED) == []
    assert contract_changes(RELEASED, replace(RELEASED, thresholds=(0.5, 0.1))) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"classes": SignClasses(("DangerAhead", "SpeedLimit"))},
         ["class 0 was SpeedLimit, and is DangerAhead", "class 1 was DangerAhead, and is SpeedLimit"]),
        ({"classes": SignClasses(("SpeedLimit",)), "output_shape": (1, 5, 8400), "thresholds": (0.25,)},
         ["class 1 was DangerAhead, and is not there",
          "the output had shape [1, 6, 8400], and has [1, 5, 8400]"]),
        ({"image_size": 416, "output_shape": (1, 6, 3549)}, ["the image size was 640 px, and is 416 px"]),
        ({"input_name": "x"}, ["the input tensor was images, and is x"]),
        ({"output_name": "y"}, ["the output tensor was output0, and is y"]),
        ({"colour": "BGR"}, ["the order of the colours was RGB, and is BGR"]),
        ({"divisor": 1.0}, ["the divisor of the pixels was 255.0, and is 1.0"]),
        ({"padding_place": "right_bottom", "padding_value": 0},
         ["the place of the padding was center, and is right_bottom", "the value of the padding was 114, and is 0"]),
        ({"nms_iou": 0.45}, ["the IoU of the suppression was 0.7, and is 0.45"]),
        ({"nms_by_class": False}, ["whether only boxes of one class suppress each other was True, and is False"]),
    ],
)  # fmt: skip
def test_a_change_is_named(changes: dict[str, Any], told: list[str]) -> None:
    assert contract_changes(RELEASED, replace(RELEASED, **changes)) == told
