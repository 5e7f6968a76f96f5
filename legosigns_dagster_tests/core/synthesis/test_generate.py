from dataclasses import replace
from pathlib import Path

import pytest

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds, read_backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet
from legosigns_dagster.core.synthesis.generate import build_sampling_pool, make_synthetic_set
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.core.synthesis.validation import find_mask_mismatches
from legosigns_dagster_tests.support.builders import write_image
from legosigns_dagster_tests.support.logs import SILENT


def make(
    settings: SynthesisSettings,
    cutouts: CutoutSet,
    backgrounds: Backgrounds,
    annotated: Dataset,
    into: Path,
    workers: int = 1,
) -> Dataset:
    return make_synthetic_set(settings, cutouts, backgrounds, annotated, into, SILENT, workers)


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(
    cutouts: CutoutSet, backgrounds: Backgrounds, annotated: Dataset, tmp_path: Path
) -> None:
    made = [make(SynthesisSettings(images=8), cutouts, backgrounds, annotated, tmp_path / f"w{w}", w) for w in (1, 3)]
    digests = {folder_digest(index_folder(dataset.save())) for dataset in made}
    assert len(digests) == 1


def test_cutouts_of_other_classes_than_the_annotated_images_are_refused(
    cutouts: CutoutSet, backgrounds: Backgrounds, annotated: Dataset, tmp_path: Path
) -> None:
    """They were made with other base weights: the ids of both would be mixed in one image."""
    swapped = replace(cutouts, classes=SignClasses(cutouts.classes.names[::-1]))
    with pytest.raises(ValueError, match="sign_cutouts has the classes"):
        make(SynthesisSettings(images=1), swapped, backgrounds, annotated, tmp_path / "into")


def test_another_seed_gives_other_images(
    cutouts: CutoutSet, backgrounds: Backgrounds, annotated: Dataset, tmp_path: Path
) -> None:
    made = [
        make(SynthesisSettings(images=2, seed=s), cutouts, backgrounds, annotated, tmp_path / f"s{s}") for s in (0, 1)
    ]
    assert set(made[0].images["sha256"]).isdisjoint(made[1].images["sha256"])


def test_more_images_keep_the_earlier_ones(
    cutouts: CutoutSet, backgrounds: Backgrounds, annotated: Dataset, tmp_path: Path
) -> None:
    few, many = (make(SynthesisSettings(images=n), cutouts, backgrounds, annotated, tmp_path / f"n{n}") for n in (3, 6))
    assert many.images["sha256"].tolist()[:3] == few.images["sha256"].tolist()


def test_synthetic_images_are_train_only_and_have_the_size_of_annotated_ones(
    cutouts: CutoutSet, backgrounds: Backgrounds, annotated: Dataset, tmp_path: Path
) -> None:
    made = make(SynthesisSettings(images=3), cutouts, backgrounds, annotated, tmp_path / "made")
    assert set(made.images["split"]) == {TRAIN}
    assert set(zip(made.images["width"], made.images["height"], strict=True)) == {(64, 48)}


def test_faces_are_as_large_as_annotated_boxes(
    cutouts: CutoutSet, backgrounds: Backgrounds, annotated: Dataset, tmp_path: Path
) -> None:
    settings = SynthesisSettings(
        images=40, max_signs=1, max_distractors=0, tilt_degrees=0, perspective=0, on_annotated=0, size_spread=0.2
    )
    boxes = make(settings, cutouts, backgrounds, annotated, tmp_path / "made").boxes
    sizes = ((boxes["right"] - boxes["left"]) * (boxes["bottom"] - boxes["top"])) ** 0.5
    assert sizes.median() == pytest.approx((20 * 20) ** 0.5, rel=0.25)  # the annotated ones: 20x20 and 20x30 px
    assert sizes.max() < 24.5 * 1.2 + 2


def test_a_background_that_looks_like_a_val_image_is_never_used(
    cutouts: CutoutSet, annotated: Dataset, tmp_path: Path
) -> None:
    look_alike = write_image(tmp_path / "more" / "x.jpg", seed=1, size_wh=(200, 150))  # seed 1 is the val image's
    only = read_backgrounds(look_alike.parent, lambda files: [False], tmp_path / "only", SILENT)
    with pytest.raises(ValueError, match="all 1 backgrounds look like val or test images"):
        make(SynthesisSettings(images=1), cutouts, only, annotated, tmp_path / "made")


def test_a_class_without_a_cutout_is_named(
    cutouts: CutoutSet, backgrounds: Backgrounds, annotated: Dataset, tmp_path: Path
) -> None:
    fewer = replace(cutouts, faces=cutouts.faces.iloc[:1])
    with pytest.raises(ValueError, match="no cut-out of DangerAhead"):
        make(SynthesisSettings(images=1), fewer, backgrounds, annotated, tmp_path / "made")


def test_every_scene_can_be_an_annotated_image_and_only_train_images_are(
    cutouts: CutoutSet, backgrounds: Backgrounds, annotated: Dataset, tmp_path: Path
) -> None:
    made = make(SynthesisSettings(images=12, on_annotated=1), cutouts, backgrounds, annotated, tmp_path / "made")
    assert find_mask_mismatches(made) == []
    own = annotated.part(TRAIN).boxes.groupby("file").size().min()
    assert made.boxes.groupby("file").size().min() >= own
    held_out = Dataset.from_images(
        annotated.folder, annotated.classes, [replace(image, split=VAL) for image in annotated]
    )
    assert build_sampling_pool(cutouts, 1, held_out).annotated_count == 0
