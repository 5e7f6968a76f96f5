"""What is said before the time is spent."""

from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.core.training.caveats import find_caveats
from legosigns_dagster_tests.support.builders import make_dataset


@pytest.fixture
def enough(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path, TRAIN, *[VAL] * 6)


def test_there_is_nothing_to_say_about_enough_of_everything(enough: Dataset) -> None:
    assert find_caveats(416, 416, enough, enough) == []


def test_without_a_classical_set_it_is_said_what_protects_the_old_skill(enough: Dataset) -> None:
    (said,) = find_caveats(416, 416, enough.part(), enough)
    assert "nothing protects the old skill but the base's BatchNorm statistics" in said
    assert "set CLASSICAL_SIGNS" in said


def test_another_image_size_than_the_base_was_trained_at_is_said(enough: Dataset) -> None:
    assert "trained at 640 px and this training is at 416" in find_caveats(640, 416, enough, enough)[0]


def test_a_class_without_a_val_image_is_named(enough: Dataset) -> None:
    boxes = enough.boxes[enough.boxes["class_name"] == "SpeedLimit"]
    one = Dataset(enough.folder, enough.classes, enough.images, boxes)
    assert find_caveats(416, 416, enough, one) == [
        "LEGO signs: val has no DangerAhead, so nothing is known about it"
    ]  # fmt: skip


def test_a_slice_of_three_images_is_said_to_decide_nothing(enough: Dataset, tmp_path: Path) -> None:
    three = make_dataset(tmp_path / "three", TRAIN, VAL, VAL, VAL)
    (said,) = find_caveats(416, 416, enough, three)
    assert "the 3 val images are of 3 scenes, and fewer than 6 decide nothing" in said
