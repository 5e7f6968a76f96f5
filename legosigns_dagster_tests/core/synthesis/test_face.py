import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.synthesis.face import find_face
from legosigns_dagster_tests.support.synthesis import FACE, SHAPES, draw_sign


def measure_face(image: Image.Image) -> tuple[float, ...]:
    face = find_face(np.asarray(image.getchannel("A")))
    return face.left, face.top, face.right, face.bottom


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("foot_px", [0, 50, 100])
def test_the_face_ends_where_the_pole_begins_however_wide_the_foot(shape: str, foot_px: int) -> None:
    assert measure_face(draw_sign(shape, foot_px=foot_px)) == pytest.approx(FACE, abs=3)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_sign_without_a_pole_is_all_face(shape: str) -> None:
    assert measure_face(draw_sign(shape, pole=False)) == pytest.approx(FACE, abs=1)


def test_a_leaning_pole_does_not_widen_the_face() -> None:
    assert measure_face(draw_sign("disc", lean_px=25, foot_px=60)) == pytest.approx(FACE, abs=3)


def test_a_pale_halo_is_not_part_of_the_face() -> None:
    image = draw_sign("disc")
    halo = np.asarray(image).copy()
    halo[..., 3] = np.maximum(halo[..., 3], 40)
    assert measure_face(Image.fromarray(halo)) == pytest.approx(FACE, abs=3)


def test_a_sign_with_nothing_opaque_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing in it is opaque"):
        find_face(np.full((30, 20), 127, np.uint8))
