from dataclasses import replace
from pathlib import Path

from PIL import Image

from legosigns_dagster.core.dataset import validation
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL
from legosigns_dagster_tests.support.builders import make_dataset


def test_a_good_dataset_has_no_problems(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    finders = [validation.class_contract_breaks, validation.absent_classes, validation.groups_across_splits,
               validation.unreadable_images, validation.boxes_outside]  # fmt: skip
    assert [finder(dataset) for finder in finders] == [[], [], [], [], []]


def test_problems_name_their_offenders(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, TRAIN, VAL, VAL)
    dataset.images["group"] = "one"
    dataset.boxes.loc[0, "class_id"] = 1
    dataset.boxes.loc[1, "right"] = 65
    Image.new("RGB", (10, 10)).save(tmp_path / "images" / "1.jpg")
    (tmp_path / "images" / "2.jpg").write_bytes(b"not an image")
    assert validation.groups_across_splits(dataset) == ["group one is in train, val"]
    assert validation.class_contract_breaks(dataset) == ["images/0.jpg: SpeedLimit has id 1"]
    assert validation.boxes_outside(dataset)[0].startswith("images/0.jpg: ")
    unreadable = validation.unreadable_images(dataset)
    assert [offender.split()[0].rstrip(":") for offender in unreadable] == ["images/1.jpg", "images/2.jpg"]


def test_a_class_without_a_box_in_val_is_named(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, TRAIN, VAL)
    fewer = replace(dataset, boxes=dataset.boxes.drop(index=3))
    assert validation.absent_classes(fewer) == ["val has no DangerAhead"]
