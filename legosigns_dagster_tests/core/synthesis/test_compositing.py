from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from legosigns_dagster.core.dataset.dataset import LabeledBox
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.canvas import Canvas
from legosigns_dagster.core.synthesis.compositing import Sprite, match_lighting, render_scene, warp_sprite
from legosigns_dagster.core.synthesis.masks import boxes_from_mask
from legosigns_dagster.core.synthesis.scene import BLENDINGS, Blending, Paste
from legosigns_dagster_tests.support.synthesis import GREY, NO_EFFECTS, PLAIN_PASTE, PLAIN_SCENE, SIZE, SPRITE


def render(*pastes: Paste, min_visible: float = 0.6) -> tuple[np.ndarray, list[PixelBox]]:  # type: ignore[type-arg]
    rendered = render_scene(replace(PLAIN_SCENE, pastes=pastes), GREY, lambda _: SPRITE, SIZE, min_visible)
    return rendered.rgb, boxes_from_mask(rendered.instance_mask, len(rendered.class_ids))


@pytest.mark.parametrize("size_px", [10, 25, 80])
@pytest.mark.parametrize("tilt_degrees", [0, 17, -30])
@pytest.mark.parametrize("corner_shifts", [(0.0,) * 8, (0.1, 0, -0.1, 0.1, 0, -0.1, 0.05, 0)])
def test_the_box_surrounds_the_face_that_was_pasted_and_not_its_pole(
    size_px: float, tilt_degrees: float, corner_shifts: tuple[float, ...]
) -> None:
    paste = replace(PLAIN_PASTE, size_px=size_px, tilt_degrees=tilt_degrees, corner_shifts=corner_shifts)
    rgb, (box,) = render(paste)
    magenta = (rgb[..., 0] > 190) & (rgb[..., 1] < 70)
    rows, columns = np.nonzero(magenta)
    edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(edges, abs=1.5)


def test_a_sprite_that_keeps_its_size_covers_the_very_pixels_around_its_center() -> None:
    """A face of 10x10 px with its centre at x 20 and y 15 reaches from 15 to 25 and from 10 to 20, to the pixel."""
    rgba = np.zeros((14, 12, 4), np.uint8)
    rgba[2:12, 1:11] = (200, 100, 50, 255)
    paste = replace(PLAIN_PASTE, size_px=10, center=(20, 15))
    warped = warp_sprite(paste, Sprite(rgba, PixelBox(1, 2, 11, 12), 0), (40, 30))
    expected = np.zeros((30, 40), np.float32)
    expected[10:20, 15:25] = 1
    assert np.array_equal(warped.face_alpha, expected)
    assert np.array_equal(warped.alpha, expected)
    assert np.array_equal(warped.color, expected[..., None] * np.array([200, 100, 50], np.float32))


@pytest.mark.parametrize(
    ("under", "light_match", "factor"),
    [
        pytest.param(81, 1, 0.81, id="the place is darker"),
        pytest.param(81, 0.5, 0.9, id="matched half the way, in the logarithm"),
        pytest.param(81, 0, 1, id="not matched"),
        pytest.param(121, 1, 1.21, id="the place is brighter"),
        pytest.param(10, 1, 0.45, id="darkness leaves a sign visible"),
        pytest.param(250, 1, 1.3, id="and bright light its colours"),
    ],
)
def test_a_sign_takes_on_the_brightness_of_its_place(under: float, light_match: float, factor: float) -> None:
    """The sign's mean brightness is 100, where there is some of it; of the place only what is below it counts."""
    alpha = np.zeros((6, 8), np.float32)
    alpha[1:3, 1:3], alpha[3, 1:3] = 1, 0.5
    sign = np.array([50, 100, 150], np.float32)
    place = np.where(alpha[..., None] > 0, under, 255).astype(np.float32) * np.ones(3, np.float32)
    lit = match_lighting(sign * alpha[..., None], alpha, replace(PLAIN_PASTE, light_match=light_match), place)
    assert np.allclose(lit[alpha > 0], sign * factor, rtol=1e-3)


def test_gain_gamma_and_tint_change_a_sign_s_colors_and_not_beyond_white() -> None:
    paste = replace(PLAIN_PASTE, gain=1.25, gamma=2, tint=(1, 0.5, 1.08))
    color = np.full((4, 4, 3), (51, 102, 255), np.float32)
    lit = match_lighting(color, np.ones((4, 4), np.float32), paste, color)
    # 51 * 1.25 / 255 is a quarter, and its square a sixteenth of 255.
    assert lit[0, 0] == pytest.approx((255 / 16, 255 / 4 * 0.5, 255), rel=1e-4)


def test_a_sign_seen_from_60_degrees_to_the_side_is_half_as_wide_and_so_is_its_box() -> None:
    rgb, (box,) = render(replace(PLAIN_PASTE, yaw_degrees=60))
    assert (box.width, box.height) == pytest.approx((20, 40), abs=1.5)
    assert abs(rgb[70:110, 150:153].astype(int) - 128).max() > 40, "the face starts 10 px left of its centre"
    assert (rgb[70:110, 130:148] == 128).all()


def test_a_warm_cast_and_an_image_out_of_focus_change_the_whole_scene() -> None:
    cameras = (NO_EFFECTS, replace(NO_EFFECTS, color_cast=0.2), replace(NO_EFFECTS, defocus_px=3.0))
    plain, warm, soft = (
        render_scene(replace(PLAIN_SCENE, camera=camera), GREY, lambda _: SPRITE, SIZE, 0.6).rgb.astype(int)
        for camera in cameras
    )
    assert (warm[0, 0] - plain[0, 0]).tolist() == pytest.approx([25, 0, -26], abs=1)
    steepest = [np.abs(np.diff(rgb[90, :, 1])).max() for rgb in (plain, soft)]
    assert steepest[1] < steepest[0] / 3


def test_a_face_that_sticks_out_is_boxed_by_its_visible_part() -> None:
    _, (box,) = render(replace(PLAIN_PASTE, center=(10, 90)))
    assert (box.left, box.right) == pytest.approx((0, 30), abs=1)


def test_a_face_that_shows_too_little_is_not_pasted_at_all() -> None:
    rgb, boxes = render(replace(PLAIN_PASTE, center=(-10, 90)))
    assert boxes == []
    assert (rgb == 128).all(), "a sliver without a box would teach the detector to overlook signs"


def test_a_sign_that_would_hide_another_is_left_out_and_a_small_overlap_shrinks_the_box() -> None:
    _, boxes = render(PLAIN_PASTE, replace(PLAIN_PASTE, center=(165, 92)))
    assert len(boxes) == 1
    _, (behind, before) = render(PLAIN_PASTE, replace(PLAIN_PASTE, center=(190, 90)))
    assert behind.right == pytest.approx(170, abs=1)
    assert before.left == pytest.approx(170, abs=1)


def test_the_area_of_a_face_is_known_though_part_of_it_is_outside() -> None:
    whole = warp_sprite(PLAIN_PASTE, SPRITE, SIZE).face_area
    cut = warp_sprite(replace(PLAIN_PASTE, center=(0, 90)), SPRITE, SIZE).face_area
    assert whole == pytest.approx(1600, rel=0.02)
    assert cut == pytest.approx(whole)


@pytest.mark.parametrize("blending", BLENDINGS)
def test_every_blending_shows_the_sign_where_its_box_is(blending: Blending) -> None:
    rgb, (box,) = render(replace(PLAIN_PASTE, blending=blending))
    inside = rgb[int(box.top) + 4 : int(box.bottom) - 4, int(box.left) + 4 : int(box.right) - 4]
    assert abs(inside.astype(int) - 128).mean() > 40
    assert abs(rgb[:40].astype(int) - 128).mean() < 2


WITH_SIGN = Canvas(np.full((240, 320, 3), 128, np.uint8), (LabeledBox(1, PixelBox(100, 60, 140, 100)),))


def boxes_on_annotated(*pastes: Paste, **scene: Any) -> list[tuple[int, PixelBox]]:
    rendered = render_scene(replace(PLAIN_SCENE, pastes=pastes, **scene), WITH_SIGN, lambda _: SPRITE, SIZE, 0.6)
    boxes = boxes_from_mask(rendered.instance_mask, len(rendered.class_ids))
    return list(zip(rendered.class_ids, boxes, strict=True))


def test_the_signs_of_an_annotated_image_keep_their_boxes_and_pasted_ones_are_added() -> None:
    existing, pasted = boxes_on_annotated(replace(PLAIN_PASTE, center=(220, 90)))
    assert existing == (1, PixelBox(100, 60, 140, 100))
    assert pasted[0] == 0
    assert pasted[1].left > 150


def test_a_box_of_an_annotated_image_moves_with_its_pixels() -> None:
    ((_, box),) = boxes_on_annotated(zoom=2, shift=(0.5, 0.5))
    assert box == PixelBox(40, 0, 120, 80)


def test_a_sign_that_would_hide_one_of_the_annotated_image_is_left_out() -> None:
    assert [class_id for class_id, _ in boxes_on_annotated(replace(PLAIN_PASTE, center=(122, 82)))] == [1]
