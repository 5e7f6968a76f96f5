from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from legosigns_dagster.core.dataset import validation
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Dataset
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster_tests.support.builders import make_dataset


def test_a_dataset_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, TRAIN, VAL)
    dataset.boxes.loc[0, "left"] = 1 / 3  # a number that no short decimal holds
    loaded = Dataset.load(dataset.save())
    pd.testing.assert_frame_equal(loaded.images, dataset.images, check_dtype=False)
    pd.testing.assert_frame_equal(loaded.boxes, dataset.boxes, check_dtype=False)
    assert list(loaded) == list(dataset)


def test_a_group_that_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, TRAIN)
    dataset.images["group"] = "007"
    assert Dataset.load(dataset.save()).images["group"].tolist() == ["007"]


def test_where_it_came_from_does_not_count_in_the_digest(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    before = folder_digest(index_folder(dataset.save()))
    row = dict.fromkeys(dataset.sources.columns, "") | {"file": "images/0.jpg", "task": "17", "orientation": "1"}
    dataset.sources.loc[0] = list(row.values())
    assert folder_digest(index_folder(dataset.save())) == before
    dataset.boxes.loc[0, "left"] += 1
    assert folder_digest(index_folder(dataset.save())) != before


def test_counts_are_by_split_and_class(tmp_path: Path) -> None:
    counts = make_dataset(tmp_path, TRAIN, TRAIN, VAL).counts()
    assert counts.to_dict("records") == [
        {"split": "train", "images": 2, "SpeedLimit": 2, "DangerAhead": 2},
        {"split": "val", "images": 1, "SpeedLimit": 1, "DangerAhead": 1},
    ]


def test_a_class_without_a_box_in_val_is_named(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, TRAIN, VAL)
    fewer = replace(dataset, boxes=dataset.boxes.drop(index=3))
    assert validation.absent_classes(fewer) == ["val has no DangerAhead"]


def test_a_part_has_only_its_split(tmp_path: Path) -> None:
    part = make_dataset(tmp_path, TRAIN, VAL).part(VAL)
    assert set(part.images["split"]) == {VAL}
    assert set(part.boxes["file"]) == {"images/1.jpg"}


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


@pytest.mark.parametrize("ids", [{}, {0: "a", 2: "b"}, {1: "a"}])
def test_class_ids_with_a_gap_are_refused(ids: dict[int, str]) -> None:
    from legosigns_dagster.core.classes import SignClasses

    with pytest.raises(ValueError, match="without a gap"):
        SignClasses.from_ids(ids)


def test_weights_are_judged_by_the_test_part_and_by_the_val_part_where_there_is_none(tmp_path: Path) -> None:
    tested, only_val = make_dataset(tmp_path / "a", TRAIN, VAL, TEST), make_dataset(tmp_path / "b", TRAIN, VAL)
    assert list(tested.evaluation_part().images["split"]) == [TEST]
    assert list(only_val.evaluation_part().images["split"]) == [VAL]
