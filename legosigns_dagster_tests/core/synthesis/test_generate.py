from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageDraw

from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset, LabeledBox, empty
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds, read_backgrounds
from legosigns_dagster.core.synthesis.canvas import Ground
from legosigns_dagster.core.synthesis.compositing import Sprite, boxes_of, laid, paint
from legosigns_dagster.core.synthesis.cutouts import FACE_COLUMNS, WARNING_COLUMNS, CutoutSet
from legosigns_dagster.core.synthesis.generate import find_misfits, make_synthetic_set, supply_of
from legosigns_dagster.core.synthesis.plan import Paste, Scene
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster_tests.support.builders import CLASSES, make_dataset, write_image
from legosigns_dagster_tests.support.logs import SILENT

SIZE = (320, 240)
MAGENTA = (255, 0, 255, 255)


def cutout_image() -> Image.Image:
    """A magenta face of 100x100 px on a green pole with a foot as wide as the face."""
    image = Image.new("RGBA", (120, 300), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    pen.rectangle((52, 60, 67, 299), fill=(0, 255, 0, 255))
    pen.rectangle((10, 280, 109, 299), fill=(0, 255, 0, 255))
    pen.rectangle((10, 5, 109, 104), fill=MAGENTA)
    return image


SPRITE = Sprite(np.asarray(cutout_image()), PixelBox(10, 5, 110, 105), 0)
PLAIN = Paste(
    cutout=0, kind="", size_px=40, center=(160, 90), turn_degrees=0, yaw_degrees=0, corners=(0.0,) * 8, gain=1, gamma=1,
    tint=(1, 1, 1), match=0, blending="hard",
)  # fmt: skip
STILL = Scene(
    number=0, annotated=False, background=0, zoom=1, shift=(0, 0), mirrored=False, pastes=(PLAIN,), motion=0,
    motion_degrees=0, noise=0, noise_seed=0, gain=1, jpeg_quality=95,
)  # fmt: skip
GREY = Ground(np.full((240, 320, 3), 128, np.uint8))


def painted_boxes(*pastes: Paste, min_visible: float = 0.6) -> tuple[np.ndarray, list[PixelBox]]:  # type: ignore[type-arg]
    done = paint(replace(STILL, pastes=pastes), GREY, lambda _: SPRITE, SIZE, min_visible)
    return done.rgb, boxes_of(done.owners, len(done.class_ids))


@pytest.mark.parametrize("size_px", [10, 25, 80])
@pytest.mark.parametrize("turn_degrees", [0, 17, -30])
@pytest.mark.parametrize("corners", [(0.0,) * 8, (0.1, 0, -0.1, 0.1, 0, -0.1, 0.05, 0)])
def test_the_box_surrounds_the_face_that_was_painted_and_not_its_pole(
    size_px: float, turn_degrees: float, corners: tuple[float, ...]
) -> None:
    rgb, (box,) = painted_boxes(replace(PLAIN, size_px=size_px, turn_degrees=turn_degrees, corners=corners))
    magenta = (rgb[..., 0] > 190) & (rgb[..., 1] < 70)
    rows, columns = np.nonzero(magenta)
    found = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(found, abs=1.5)


def test_a_sign_seen_from_60_degrees_to_the_side_is_half_as_wide_and_so_is_its_box() -> None:
    rgb, (box,) = painted_boxes(replace(PLAIN, yaw_degrees=60))
    assert (box.width, box.height) == pytest.approx((20, 40), abs=1.5)
    assert abs(rgb[70:110, 150:153].astype(int) - 128).max() > 40, "the face starts 10 px left of its centre"
    assert (rgb[70:110, 130:148] == 128).all()


def test_a_warm_cast_adds_red_and_takes_blue_and_an_image_out_of_focus_has_softer_edges() -> None:
    plain, warm, soft = (
        paint(scene, GREY, lambda _: SPRITE, SIZE, 0.6).rgb.astype(int)
        for scene in (STILL, replace(STILL, cast=0.2), replace(STILL, defocus=3.0))
    )
    assert (warm[0, 0] - plain[0, 0]).tolist() == pytest.approx([25, 0, -26], abs=1)
    steepest = [np.abs(np.diff(rgb[90, :, 1])).max() for rgb in (plain, soft)]
    assert steepest[1] < steepest[0] / 3


def test_a_face_that_sticks_out_is_boxed_by_what_shows() -> None:
    _, (box,) = painted_boxes(replace(PLAIN, center=(10, 90)))
    assert (box.left, box.right) == pytest.approx((0, 30), abs=1)


def test_a_face_that_shows_too_little_is_not_pasted_at_all() -> None:
    rgb, boxes = painted_boxes(replace(PLAIN, center=(-10, 90)))
    assert boxes == []
    assert (rgb == 128).all(), "a sliver without a label would teach the detector to overlook signs"


def test_a_sign_that_would_hide_another_is_left_out_and_a_small_overlap_shrinks_the_box() -> None:
    _, hidden = painted_boxes(PLAIN, replace(PLAIN, center=(165, 92)))
    assert len(hidden) == 1
    _, (behind, before) = painted_boxes(PLAIN, replace(PLAIN, center=(190, 90)))
    assert behind.right == pytest.approx(170, abs=1)
    assert before.left == pytest.approx(170, abs=1)


def test_the_area_of_a_face_is_known_though_part_of_it_is_outside() -> None:
    *_, whole = laid(PLAIN, SPRITE, SIZE)
    *_, cut = laid(replace(PLAIN, center=(0, 90)), SPRITE, SIZE)
    assert whole == pytest.approx(1600, rel=0.02)
    assert cut == pytest.approx(whole)


@pytest.mark.parametrize("blending", ["hard", "feathered", "blurred edge", "poisson"])
def test_every_blending_paints_the_sign_where_its_box_is(blending: str) -> None:
    rgb, (box,) = painted_boxes(replace(PLAIN, blending=blending))  # type: ignore[arg-type]
    inside = rgb[int(box.top) + 4 : int(box.bottom) - 4, int(box.left) + 4 : int(box.right) - 4]
    assert abs(inside.astype(int) - 128).mean() > 40
    assert abs(rgb[:40].astype(int) - 128).mean() < 2


@pytest.fixture
def cutouts(tmp_path: Path) -> CutoutSet:
    folder = tmp_path / "cutouts"
    (folder / "images").mkdir(parents=True)
    rows = []
    for class_name in CLASSES.names:
        cutout_image().save(folder / "images" / f"{class_name}.png")
        rows.append([f"images/{class_name}.png", class_name, 10.0, 5.0, 110.0, 105.0])
    return CutoutSet(folder, CLASSES, pd.DataFrame(rows, columns=FACE_COLUMNS), empty(WARNING_COLUMNS))


@pytest.fixture
def backgrounds(tmp_path: Path) -> Backgrounds:
    for number in range(4):
        write_image(tmp_path / "scenes" / f"{number}.jpg", seed=100 + number, size_wh=(200, 150))
    return read_backgrounds(tmp_path / "scenes", lambda files: [False] * len(files), tmp_path / "backgrounds", SILENT)


@pytest.fixture
def real(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "real", TRAIN, VAL)


def make(
    settings: SynthesisSettings,
    cutouts: CutoutSet,
    backgrounds: Backgrounds,
    real: Dataset,
    into: Path,
    workers: int = 1,
) -> Dataset:
    return make_synthetic_set(settings, cutouts, backgrounds, real, into, SILENT, workers)


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(
    cutouts: CutoutSet, backgrounds: Backgrounds, real: Dataset, tmp_path: Path
) -> None:
    made = [make(SynthesisSettings(images=8), cutouts, backgrounds, real, tmp_path / f"w{w}", w) for w in (1, 3)]
    digests = {folder_digest(index_folder(dataset.save())) for dataset in made}
    assert len(digests) == 1


def test_another_seed_gives_other_images(
    cutouts: CutoutSet, backgrounds: Backgrounds, real: Dataset, tmp_path: Path
) -> None:
    made = [make(SynthesisSettings(images=2, seed=s), cutouts, backgrounds, real, tmp_path / f"s{s}") for s in (0, 1)]
    assert set(made[0].images["sha256"]).isdisjoint(made[1].images["sha256"])


def test_more_images_keep_the_earlier_ones(
    cutouts: CutoutSet, backgrounds: Backgrounds, real: Dataset, tmp_path: Path
) -> None:
    few, many = (make(SynthesisSettings(images=n), cutouts, backgrounds, real, tmp_path / f"n{n}") for n in (3, 6))
    assert many.images["sha256"].tolist()[:3] == few.images["sha256"].tolist()


def test_synthetic_images_are_train_only_and_have_the_size_of_real_ones(
    cutouts: CutoutSet, backgrounds: Backgrounds, real: Dataset, tmp_path: Path
) -> None:
    made = make(SynthesisSettings(images=3), cutouts, backgrounds, real, tmp_path / "made")
    assert set(made.images["split"]) == {TRAIN}
    assert set(zip(made.images["width"], made.images["height"], strict=True)) == {(64, 48)}


def test_faces_are_as_large_as_real_boxes(
    cutouts: CutoutSet, backgrounds: Backgrounds, real: Dataset, tmp_path: Path
) -> None:
    settings = SynthesisSettings(
        images=40, max_signs=1, max_distractors=0, tilt_degrees=0, perspective=0, on_annotated=0, size_spread=0.2
    )
    boxes = make(settings, cutouts, backgrounds, real, tmp_path / "made").boxes
    sizes = ((boxes["right"] - boxes["left"]) * (boxes["bottom"] - boxes["top"])) ** 0.5
    assert sizes.median() == pytest.approx((20 * 20) ** 0.5, rel=0.25)  # the real ones: 20x20 and 20x30 px
    assert sizes.max() < 24.5 * 1.2 + 2


def test_every_box_fits_its_pixels_and_a_moved_one_is_named(
    cutouts: CutoutSet, backgrounds: Backgrounds, real: Dataset, tmp_path: Path
) -> None:
    made = make(SynthesisSettings(images=6), cutouts, backgrounds, real, tmp_path / "made")
    assert find_misfits(made) == []
    moved = made.boxes.assign(left=made.boxes["left"] + 3, right=made.boxes["right"] + 3)
    assert len(find_misfits(replace(made, boxes=moved))) == len(moved)


def test_a_background_that_looks_like_a_val_image_is_never_used(
    cutouts: CutoutSet, backgrounds: Backgrounds, tmp_path: Path
) -> None:
    real = make_dataset(tmp_path / "real", TRAIN, VAL)
    look_alike = write_image(tmp_path / "more" / "x.jpg", seed=1, size_wh=(200, 150))  # seed 1 is the val image's
    only = read_backgrounds(look_alike.parent, lambda files: [False], tmp_path / "only", SILENT)
    with pytest.raises(ValueError, match="all 1 backgrounds look like val or test images"):
        make(SynthesisSettings(images=1), cutouts, only, real, tmp_path / "made")


def test_a_class_without_a_cutout_is_named(
    cutouts: CutoutSet, backgrounds: Backgrounds, real: Dataset, tmp_path: Path
) -> None:
    fewer = replace(cutouts, faces=cutouts.faces.iloc[:1])
    with pytest.raises(ValueError, match="no cut-out of DangerAhead"):
        make(SynthesisSettings(images=1), fewer, backgrounds, real, tmp_path / "made")


WITH_SIGN = Ground(np.full((240, 320, 3), 128, np.uint8), (LabeledBox(1, PixelBox(100, 60, 140, 100)),))


def boxes_on_annotated(*pastes: Paste, **scene: Any) -> list[tuple[int, PixelBox]]:
    done = paint(replace(STILL, pastes=pastes, **scene), WITH_SIGN, lambda _: SPRITE, SIZE, 0.6)
    return list(zip(done.class_ids, boxes_of(done.owners, len(done.class_ids)), strict=True))


def test_the_signs_of_an_annotated_scene_keep_their_boxes_and_pasted_ones_are_added() -> None:
    own, pasted = boxes_on_annotated(replace(PLAIN, center=(220, 90)))
    assert own == (1, PixelBox(100, 60, 140, 100))
    assert pasted[0] == 0
    assert pasted[1].left > 150


def test_a_box_of_an_annotated_scene_moves_with_the_pixels_that_are_shown() -> None:
    ((_, box),) = boxes_on_annotated(zoom=2, shift=(0.5, 0.5))
    assert box == PixelBox(40, 0, 120, 80)


def test_a_sign_that_would_hide_one_of_the_scene_is_left_out() -> None:
    assert [class_id for class_id, _ in boxes_on_annotated(replace(PLAIN, center=(122, 82)))] == [1]


def test_every_scene_can_be_an_annotated_image_and_only_train_images_are(
    cutouts: CutoutSet, backgrounds: Backgrounds, real: Dataset, tmp_path: Path
) -> None:
    made = make(SynthesisSettings(images=12, on_annotated=1), cutouts, backgrounds, real, tmp_path / "made")
    assert find_misfits(made) == []
    own = real.part(TRAIN).boxes.groupby("file").size().min()
    assert made.boxes.groupby("file").size().min() >= own
    held_out = Dataset.from_images(real.folder, real.classes, [replace(image, split=VAL) for image in real])
    assert supply_of(cutouts, 1, held_out).annotated == 0
