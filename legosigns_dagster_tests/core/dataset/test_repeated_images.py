from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageEnhance

from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset, LabeledImage, Split
from legosigns_dagster.core.dataset.repeated_images import (
    describe_looks,
    find_copies,
    images_across_splits,
    scenes_across_splits,
)
from legosigns_dagster.core.files import file_sha256
from legosigns_dagster_tests.support.builders import CLASSES, pixels

SIZE = (320, 240)


def dataset(folder: Path, *images: tuple[Image.Image, Split], quality: int = 95) -> Dataset:
    labelled = []
    for number, (image, split) in enumerate(images):
        image.save(folder / f"{number}.jpg", quality=quality if number else 95)
        digest = file_sha256(folder / f"{number}.jpg")
        labelled.append(LabeledImage(f"{number}.jpg", digest, image.size, (), split, f"{split}/{number}", "classical"))
    return Dataset.from_images(folder, CLASSES, labelled)


@pytest.mark.parametrize("splits", [(TRAIN, VAL), (TRAIN, TEST), (VAL, TEST)])
def test_the_same_file_in_two_splits_is_found(splits: tuple[Split, Split], tmp_path: Path) -> None:
    one, other = splits
    found = images_across_splits(dataset(tmp_path, (pixels(1, SIZE), one), (pixels(1, SIZE), other)))
    assert found == [f"0.jpg ({one}) and 1.jpg ({other}) are the same file"]


@pytest.mark.parametrize(
    ("change", "quality"),
    [
        pytest.param(lambda image: image, 60, id="compressed again"),
        pytest.param(lambda image: image.resize((160, 120)), 95, id="smaller"),
        pytest.param(lambda image: image.resize((240, 240)), 95, id="stretched to a square, as Roboflow does"),
        pytest.param(lambda image: image.convert("L"), 95, id="grey"),
        pytest.param(lambda image: image.crop((3, 2, 317, 238)), 95, id="cropped a little"),
        pytest.param(lambda image: ImageEnhance.Brightness(image).enhance(0.8), 95, id="darker"),
    ],
)
def test_an_image_that_looks_the_same_is_found(
    change: Callable[[Image.Image], Image.Image], quality: int, tmp_path: Path
) -> None:
    changed = change(pixels(1, SIZE))
    found = images_across_splits(dataset(tmp_path, (pixels(1, SIZE), TRAIN), (changed, VAL), quality=quality))
    assert found == ["0.jpg (train) looks like 1.jpg (val)"]


def test_blank_images_are_the_same_by_their_bytes_alone(tmp_path: Path) -> None:
    """What has no pattern has no looks."""
    blank, other = Image.new("RGB", SIZE, "white"), Image.new("RGB", SIZE, "black")
    first, *looks = describe_looks(dataset(tmp_path, (blank, TRAIN), (other, VAL), (blank, VAL)))
    assert [looks[number].file for _, number in find_copies([first], looks)] == ["2.jpg"]


def test_images_of_one_split_may_repeat_each_other(tmp_path: Path) -> None:
    images = [(pixels(1, SIZE), TRAIN), (pixels(1, SIZE), TRAIN), (pixels(2, SIZE), VAL)]
    assert images_across_splits(dataset(tmp_path, *images)) == []
    assert images_across_splits(dataset(tmp_path, *images, quality=60)) == []


def test_other_images_are_not_found(tmp_path: Path) -> None:
    images = [(pixels(seed, SIZE), (TRAIN, VAL, TEST)[seed % 3]) for seed in range(60)]
    assert images_across_splits(dataset(tmp_path, *images)) == []


def test_an_image_that_cannot_be_read_is_passed_over(tmp_path: Path) -> None:
    given = dataset(tmp_path, (pixels(1, SIZE), TRAIN), (pixels(1, SIZE), VAL), (pixels(2, SIZE), VAL))
    (tmp_path / "2.jpg").write_bytes(b"nothing")
    assert len(images_across_splits(given)) == 1
    assert images_across_splits(given.part()) == []


def test_a_scene_in_two_splits_is_found_by_the_name_of_its_group(tmp_path: Path) -> None:
    given = dataset(tmp_path, *[(pixels(number, SIZE), split) for number, split in enumerate((TRAIN, VAL, VAL))])
    assert scenes_across_splits(given) == []
    given.images["group"] = ["train/scene1", "val/scene1", "val/scene2"]
    assert scenes_across_splits(given) == ["scene scene1 is in train, val"]
