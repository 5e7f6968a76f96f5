"""What is trained on shows nothing of what is measured on, across all sets."""

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from PIL import Image

from legosigns_dagster.assets.weights import repeats_result
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset, LabeledImage, Split
from legosigns_dagster.core.files import file_sha256, short_digest
from legosigns_dagster.core.training.repeats import leave_out_repeats
from legosigns_dagster.core.training.training_data import TrainingData
from legosigns_dagster_tests.support.builders import CLASSES, write_image

NAMES = ("raw_annotations", "synthetic_set", "classical_signs")


def write_set(folder: Path, first_seed: int, *splits: Split) -> Dataset:
    """Make a set of images that no other set has, unless the seeds are near."""
    images = []
    for number, split in enumerate(splits):
        file = write_image(folder / f"images/{number}.jpg", first_seed + number, (160, 120))
        digest = file_sha256(file)
        images.append(LabeledImage(f"images/{number}.jpg", digest, (160, 120), (), split, f"g{number}", folder.name))
    return Dataset.from_images(folder, CLASSES, images)


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    lego, classical = (
        write_set(tmp_path / name, seed, TRAIN, TRAIN, VAL, TEST) for name, seed in ((NAMES[0], 0), (NAMES[2], 200))
    )
    return TrainingData(lego, write_set(tmp_path / NAMES[1], 100, TRAIN, TRAIN), classical)


def repeat(data: TrainingData, train: str, held_out: str, number: int, quality: int) -> TrainingData:
    """Make the second train image of a set a copy of an image of another; at a quality of 0, with the same bytes."""
    sets = dict(zip(NAMES, (data.lego, data.synthetic, data.classical), strict=True))
    source, target = sets[held_out].folder / f"images/{number}.jpg", sets[train].folder / "images/1.jpg"
    if quality:
        with Image.open(source) as image:
            image.resize((120, 90)).save(target, quality=quality)
    else:
        target.write_bytes(source.read_bytes())
    sets[train].images.loc[1, "sha256"] = file_sha256(target)
    return replace(data)


@pytest.mark.parametrize("quality", [0, 60], ids=["the same bytes", "smaller and compressed again"])
@pytest.mark.parametrize(("number", "split"), [(2, "val"), (3, "test")])
@pytest.mark.parametrize(
    ("train", "held_out"),
    [
        pytest.param(NAMES[2], NAMES[0], id="classical train shows a LEGO image"),
        pytest.param(NAMES[0], NAMES[2], id="LEGO train shows a classical image"),
        pytest.param(NAMES[1], NAMES[0], id="a synthetic image shows a LEGO image"),
        pytest.param(NAMES[1], NAMES[2], id="a synthetic image shows a classical image"),
    ],
)
def test_a_train_image_that_repeats_a_held_out_image_of_another_set_is_left_out_and_fails_the_check(
    train: str, held_out: str, number: int, split: str, quality: int, data: TrainingData
) -> None:
    repeats = leave_out_repeats(repeat(data, train, held_out, number, quality))
    said = f"{train} images/1.jpg (train) repeats {held_out} images/{number}.jpg ({split})"
    assert repeats.sentences == [said]
    kept = dict(zip(NAMES, (repeats.data.lego, repeats.data.synthetic, repeats.data.classical), strict=True))
    assert "images/1.jpg" not in set(kept[train].images["file"])
    assert sum(len(dataset.images) for dataset in kept.values()) == 9
    result = repeats_result(repeats.sentences)
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert result.description == f"left out of the training: {said}: remove them from train, or from val"


def test_sets_without_repeats_are_returned_as_they_are_and_pass_the_check(data: TrainingData) -> None:
    repeats = leave_out_repeats(data)
    assert repeats.sentences == []
    for kept, given in zip(vars(repeats.data).values(), vars(data).values(), strict=True):
        assert kept is given
    assert repeats_result(repeats.sentences).passed


def test_sets_without_any_image_have_no_repeats(data: TrainingData) -> None:
    empty = TrainingData(data.lego.part(TRAIN), data.synthetic.part(), data.classical.part())
    assert leave_out_repeats(empty).sentences == []


def test_sets_without_their_repeats_are_still_known_by_their_versions(data: TrainingData) -> None:
    for dataset in (data.lego, data.synthetic, data.classical):
        dataset.save()
    drawn = replace(data.synthetic, made_from={"raw_annotations": short_digest(data.lego)})
    given = repeat(replace(data, synthetic=drawn), "synthetic_set", "classical_signs", 2, 0)
    kept = leave_out_repeats(given).data
    assert len(kept.synthetic.images) < len(given.synthetic.images)
    assert kept.versions() == given.versions()
    assert kept.require_lineage() == []
