"""An image becomes the tensor that its contract asks for, and boxes find their way back."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.prepare import prepare

CONTRACT = ModelContract(SignClasses(("SpeedLimit", "DangerAhead")), 32, (1, 6, 21), (0.25, 0.25))
RED = (255, 0, 0)


def test_an_image_lies_in_the_middle_of_grey_as_a_training_sees_it() -> None:
    tensor, placement = prepare(Image.new("RGB", (64, 32), RED), CONTRACT)
    assert tensor.shape == CONTRACT.input_shape
    assert tensor.dtype == np.float32
    assert (placement.left, placement.top) == (0, 8)
    assert (tensor[0, :, 8:24] == np.array([1, 0, 0]).reshape(3, 1, 1)).all()
    for padding in (tensor[0, :, :8], tensor[0, :, 24:]):
        assert (padding == np.float32(114) / np.float32(255)).all()


def test_padding_and_channels_follow_the_contract() -> None:
    other = replace(CONTRACT, padding_place="right_bottom", padding_value=0, colour="BGR", divisor=1.0)
    tensor, placement = prepare(Image.new("RGB", (64, 32), RED), other)
    assert (placement.left, placement.top) == (0, 0)
    assert (tensor[0, :, :16] == np.array([0, 0, 255]).reshape(3, 1, 1)).all()
    assert (tensor[0, :, 16:] == 0).all()


@pytest.mark.parametrize("mode", ["L", "RGBA", "P"])
def test_an_image_of_another_mode_has_three_channels_for_the_model(mode: str) -> None:
    assert prepare(Image.new(mode, (40, 30)), CONTRACT)[0].shape == CONTRACT.input_shape


@pytest.mark.parametrize("size_wh", [(1, 1), (5000, 1), (1, 777), (33, 31), (640, 480)])
def test_a_box_comes_back_to_where_it_was(size_wh: tuple[int, int]) -> None:
    _, placement = prepare(Image.new("RGB", size_wh), CONTRACT)
    scale, x, y = placement.scale, placement.left, placement.top
    box = placement.to_image(x, y, x + size_wh[0] * scale, y + size_wh[1] * scale)
    assert (box.left, box.top) == (0, 0)
    assert (box.right, box.bottom) == pytest.approx(size_wh)


def test_a_box_is_cut_off_at_the_image_s_edges() -> None:
    _, placement = prepare(Image.new("RGB", (64, 32)), CONTRACT)
    assert placement.to_image(-4, 0, 40, 32) == PixelBox(0, 0, 64, 32)
