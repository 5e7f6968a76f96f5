"""Drawn signs of other classes look as signs do: upright, and in the middle of their box."""

import numpy as np
import pytest

from legosigns_dagster.core.synthesis.distractors import FACE_PX, KINDS, DistractorKind, draw_distractor

CORNERS = {"stop", "yellow plate"}  # Pillow draws a slanted edge and its mirror image a pixel apart
POLE = slice(FACE_PX // 2 - 19, FACE_PX // 2 + 18)


@pytest.mark.parametrize("kind", KINDS)
def test_a_drawn_sign_stands_upright_in_the_middle_of_its_box(kind: DistractorKind) -> None:
    pixels, box = draw_distractor(kind)
    assert (box.left, box.top, box.right, box.bottom) == (0, 0, FACE_PX, FACE_PX)
    outline = pixels[1:FACE_PX, 1:, 3] > 0  # without the first row and column, the middle is a pixel
    outline[:, POLE] = False
    allowed = 0.02 * outline.sum() if kind in CORNERS else 0
    assert (outline != outline[:, ::-1]).sum() <= allowed
    assert (outline != outline[::-1]).sum() <= allowed
    assert outline.sum() > FACE_PX**2 / 5


def test_no_two_kinds_look_alike() -> None:
    faces = [draw_distractor(kind)[0][..., :3].astype(int) for kind in KINDS]
    for number, face in enumerate(faces):
        assert all(np.abs(face - other).mean() > 5 for other in faces[:number])
