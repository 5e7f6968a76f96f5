from dataclasses import replace

import numpy as np
import pytest

from legosigns_dagster.core.synthesis.plan import SamplingPool, draw_center, draw_size, plan_scene
from legosigns_dagster.core.synthesis.scene import BLENDINGS, Scene
from legosigns_dagster.core.synthesis.settings import SynthesisSettings

POOL = SamplingPool(
    cutouts_by_class=((0, 1, 2), (3,)),
    distractors=(4,),
    background_count=5,
    annotated_count=7,
    relative_sizes=(0.1, 0.2),
    image_wh=(640, 480),
)


def plan(settings: SynthesisSettings, count: int, pool: SamplingPool = POOL) -> list[Scene]:
    return [plan_scene(settings, pool, number) for number in range(count)]


def test_the_draws_of_a_scene_are_those_that_stored_datasets_were_made_with() -> None:
    """A draw more, fewer or in another place changes every synthetic image of the same seed."""
    settings = SynthesisSettings(seed=3, yaw_degrees=30, defocus=0.2, cast=0.1, on_annotated=0.5)
    scene = plan_scene(settings, POOL, 120)
    camera, paste = scene.camera, scene.pastes[-1]
    assert [(p.cutout, p.kind, p.blending) for p in scene.pastes] == [
        (-1, "blue disc", "blurred edge"),
        (2, None, "feathered"),
        (4, None, "feathered"),
    ]
    assert (paste.size_px, *paste.center) == pytest.approx((150.2359455, 311.0815183, 261.9968777))
    assert (paste.tilt_degrees, paste.yaw_degrees) == pytest.approx((11.2866967, -27.6452774))
    assert paste.corner_shifts[::7] == pytest.approx((0.0446188, 0.0679586), abs=1e-6)
    assert (paste.gain, paste.gamma, paste.light_match) == pytest.approx((0.8334484, 0.9145938, 0.4160134))
    assert paste.tint == pytest.approx((0.9311157, 1.0507550, 0.9548758))
    assert (scene.on_annotated, scene.background, scene.mirrored) == (True, 3, False)
    assert (scene.zoom, *scene.shift) == pytest.approx((1.2710011, 0.3714578, 0.2646389))
    assert (camera.motion_px, camera.motion_degrees) == pytest.approx((24.9053102, 63.0466162))
    assert (camera.noise_seed, camera.jpeg_quality) == (3343610556, 81)
    assert (camera.gain, camera.defocus_px) == pytest.approx((1.0221900, 5.6329998))
    assert (camera.noise, camera.color_cast) == pytest.approx((6.8070851, 0.06406328))


def test_the_same_seed_gives_the_same_scene_and_another_seed_another() -> None:
    first, again = (plan(SynthesisSettings(seed=1), 5) for _ in range(2))
    assert first == again
    assert all(a != b for a, b in zip(first, plan(SynthesisSettings(seed=2), 5), strict=True))


def test_every_class_is_pasted_equally_often_however_many_cutouts_it_has() -> None:
    scenes = plan(SynthesisSettings(max_distractors=0), 400)
    cutouts = [paste.cutout for scene in scenes for paste in scene.pastes]
    assert np.mean([cutout == 3 for cutout in cutouts]) == pytest.approx(0.5, abs=0.05)
    assert set(cutouts) == {0, 1, 2, 3}


def test_the_numbers_of_signs_and_distractors_stay_within_the_settings() -> None:
    scenes = plan(SynthesisSettings(min_signs=2, max_signs=3, max_distractors=1), 200)
    signs = [sum(0 <= paste.cutout < 4 for paste in scene.pastes) for scene in scenes]
    distractors = [sum(paste.cutout in (-1, 4) for paste in scene.pastes) for scene in scenes]
    assert set(signs) == {2, 3}
    assert set(distractors) == {0, 1}
    drawn = [paste for scene in scenes for paste in scene.pastes if paste.cutout == -1]
    assert drawn
    assert all(paste.kind for paste in drawn)


def test_an_annotated_image_is_never_mirrored_and_a_background_sometimes() -> None:
    on_annotated, on_background = (plan(SynthesisSettings(on_annotated=share), 50) for share in (1, 0))
    assert all(scene.on_annotated and not scene.mirrored for scene in on_annotated)
    assert not any(scene.on_annotated for scene in on_background)
    assert {scene.mirrored for scene in on_background} == {True, False}
    assert {scene.background for scene in on_annotated} == set(range(7))
    assert {scene.background for scene in on_background} == set(range(5))


def test_without_annotated_images_every_scene_is_a_background() -> None:
    scenes = plan(SynthesisSettings(on_annotated=1), 20, replace(POOL, annotated_count=0))
    assert not any(scene.on_annotated for scene in scenes)


def test_effects_that_are_set_to_zero_are_not_planned() -> None:
    settings = SynthesisSettings(blur=0, defocus=0, cast=0, noise=0, tilt_degrees=0, yaw_degrees=0, perspective=0)
    for scene in plan(settings, 20):
        camera = scene.camera
        assert (camera.motion_px, camera.defocus_px, camera.color_cast, camera.noise) == (0, 0, 0, 0)
        assert all((p.tilt_degrees, p.yaw_degrees, *p.corner_shifts) == (0,) * 10 for p in scene.pastes)


def test_two_images_in_five_have_motion_blur_and_two_in_five_are_out_of_focus() -> None:
    cameras = [scene.camera for scene in plan(SynthesisSettings(blur=0.1, defocus=0.1, max_distractors=0), 400)]
    has_motion, is_unsharp = (np.array([value > 0 for value in values]) for values in
                              ([c.motion_px for c in cameras], [c.defocus_px for c in cameras]))  # fmt: skip
    assert (has_motion.mean(), is_unsharp.mean()) == pytest.approx((0.4, 0.4), abs=0.05)
    assert (has_motion & is_unsharp).mean() == pytest.approx(0.16, abs=0.04), "one says nothing of the other"


def test_every_kind_of_edge_is_planned() -> None:
    assert {paste.blending for scene in plan(SynthesisSettings(), 50) for paste in scene.pastes} == set(BLENDINGS)


@pytest.mark.parametrize(
    ("relative_sizes", "smallest", "largest"), [((0.1, 0.2), 0.05, 0.3), ((), 0.03, 0.25)], ids=["boxes", "no boxes"]
)
def test_sizes_are_those_of_annotated_boxes_give_or_take_the_spread(
    relative_sizes: tuple[float, ...], smallest: float, largest: float
) -> None:
    rng = np.random.default_rng(0)
    pool = replace(POOL, relative_sizes=relative_sizes)
    sizes = [draw_size(rng, pool, 0.5) / (640 * 480) ** 0.5 for _ in range(500)]
    assert min(sizes) == pytest.approx(smallest, rel=0.05)
    assert max(sizes) == pytest.approx(largest, rel=0.05)
    assert smallest <= min(sizes)
    assert max(sizes) <= largest


def test_one_face_in_six_may_stick_out_to_the_side_and_none_above_or_below() -> None:
    rng = np.random.default_rng(0)
    centers = [draw_center(rng, 100, (640, 480)) for _ in range(2000)]
    assert all(10 <= x <= 630 and 60 <= y <= 382 for x, y in centers)
    near_an_edge = [x < 60 or x > 580 for x, _ in centers]
    assert np.mean(near_an_edge) == pytest.approx(1 / 6 * 100 / 620, abs=0.01)
