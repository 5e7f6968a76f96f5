import pytest

from legosigns_dagster.core.geometry import PixelBox, UnitBox, upright_envelope


def test_pixels_to_fractions_and_back() -> None:
    box = PixelBox(10, 20, 30, 60)
    unit = box.to_unit((100, 200))
    assert unit == UnitBox(0.2, 0.2, 0.2, 0.2)
    back = unit.to_pixels((100, 200))
    assert (back.left, back.top, back.right, back.bottom) == pytest.approx((10, 20, 30, 60))


@pytest.mark.parametrize(
    ("other", "iou"), [(PixelBox(0, 0, 10, 10), 1), (PixelBox(5, 0, 15, 10), 1 / 3), (PixelBox(10, 0, 20, 10), 0)]
)
def test_iou_is_the_share_of_both(other: PixelBox, iou: float) -> None:
    assert PixelBox(0, 0, 10, 10).iou(other) == pytest.approx(iou)


def test_a_box_turned_clockwise_by_90_degrees_hangs_to_the_left_of_its_corner() -> None:
    turned = upright_envelope(PixelBox(10, 10, 30, 20), 90)
    assert (turned.left, turned.top, turned.right, turned.bottom) == pytest.approx((0, 10, 10, 30))


def test_clipping_keeps_the_part_inside() -> None:
    assert PixelBox(-5, 2, 70, 99).clip((64, 48)) == PixelBox(0, 2, 64, 48)
    assert PixelBox(3, -5, 9, 0.5).clip((64, 48)) == PixelBox(3, 0, 9, 0.5)
    assert PixelBox(-9, -9, -5, -5).clip((64, 48)) == PixelBox(0, 0, 0, 0)
    assert PixelBox(70, 50, 99, 99).clip((64, 48)) == PixelBox(64, 48, 64, 48)
