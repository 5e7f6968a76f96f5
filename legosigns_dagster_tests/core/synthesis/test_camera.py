from dataclasses import replace

import numpy as np
import pytest

from legosigns_dagster.core.synthesis.camera import apply_camera_effects
from legosigns_dagster_tests.support.synthesis import NO_EFFECTS

# Grey, and white right of the middle.
EDGE = np.full((240, 320, 3), 128, np.float32)
EDGE[:, 160:] = 250


def steepest_step(rgb: np.ndarray) -> int:  # type: ignore[type-arg]
    return int(np.abs(np.diff(rgb[90, :, 1].astype(int))).max())


def test_a_camera_without_effects_changes_nothing() -> None:
    for level in (0, 128, 255):
        edge = np.where(EDGE == 250, np.float32(level), EDGE)
        assert (apply_camera_effects(edge, NO_EFFECTS) == edge).all()


def test_twice_the_exposure_is_twice_as_bright_until_it_is_white() -> None:
    brighter = apply_camera_effects(np.float32(1.5) * EDGE - 128, replace(NO_EFFECTS, gain=2.0))
    assert brighter[0, [0, 200]].tolist() == [[128] * 3, [255] * 3]


def test_noise_never_turns_black_into_white() -> None:
    for level, low, high in ((0, 0, 60), (255, 195, 255)):
        noisy = apply_camera_effects(np.full_like(EDGE, level), replace(NO_EFFECTS, noise=8))
        assert low <= noisy.min() < noisy.max() <= high


def test_a_warm_cast_adds_red_and_takes_blue() -> None:
    warm = apply_camera_effects(EDGE, replace(NO_EFFECTS, color_cast=0.2)).astype(int)
    assert (warm[0, 0] - 128).tolist() == pytest.approx([25, 0, -26], abs=1)


def test_an_image_out_of_focus_has_softer_edges() -> None:
    soft = apply_camera_effects(EDGE, replace(NO_EFFECTS, defocus_px=3.0))
    assert steepest_step(soft) < steepest_step(EDGE) / 3


@pytest.mark.parametrize(("degrees", "is_softer"), [(0, True), (90, False)])
def test_motion_softens_the_edges_that_it_crosses(degrees: float, is_softer: bool) -> None:
    moved = apply_camera_effects(EDGE, replace(NO_EFFECTS, motion_px=10, motion_degrees=degrees))
    assert (steepest_step(moved) < steepest_step(EDGE) / 3) == is_softer


def test_motion_moves_nothing_away_from_its_label() -> None:
    line = np.zeros((240, 320, 3), np.float32)
    line[:, 160] = 255
    profile = apply_camera_effects(line, replace(NO_EFFECTS, motion_px=10))[90, :, 1].astype(float)
    assert (profile * np.arange(320)).sum() / profile.sum() == pytest.approx(160, abs=0.1)


def test_noise_has_the_planned_deviation_and_repeats_with_its_seed() -> None:
    grey = np.full((240, 320, 3), 128, np.float32)
    first, again, other = (
        apply_camera_effects(grey, replace(NO_EFFECTS, noise=8, noise_seed=seed)) for seed in (1, 1, 2)
    )
    assert first.std() == pytest.approx(8, rel=0.05)
    assert (first == again).all()
    assert (first != other).any()
