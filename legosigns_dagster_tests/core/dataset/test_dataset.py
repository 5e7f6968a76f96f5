from pathlib import Path

import pandas as pd
import pytest

from legosigns_dagster.core.dataset.dataset import SOURCE_COLUMNS, TEST, TRAIN, VAL, Dataset
from legosigns_dagster.core.files import ABOUT, folder_digest, index_folder
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


def source_row(**values: str) -> list[str]:
    """A row of the table `sources`."""
    return list((dict.fromkeys(SOURCE_COLUMNS, "") | values).values())


TEXTS = {
    "carriage_return": "a\rb.jpg",
    "line_break": "a\r\nb\n.jpg",
    "quotes_and_commas": '"a",b;.jpg',
    "null": "a\0b.jpg",
    "not_available": "NA",
    "number": "1e5",
    "emoji": "🚂.jpg",
    "byte_order_mark": "\ufeffa.jpg",
    "empty": "",
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_name_of_any_characters_comes_back(tmp_path: Path, name: str) -> None:
    dataset = make_dataset(tmp_path)
    dataset.sources.loc[0] = source_row(image=TEXTS[name], orientation="6")
    loaded = Dataset.load(dataset.save())
    assert loaded.sources[["image", "orientation"]].values.tolist() == [[TEXTS[name], 6]]


def test_half_a_character_in_a_name_does_not_stop_the_saving(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path)
    dataset.sources.loc[0] = source_row(image="a\ud83d.jpg", orientation="1")
    assert Dataset.load(dataset.save()).sources["image"].tolist() == ["a\\ud83d.jpg"]


@pytest.mark.parametrize("stored", ["top-left", "b'\\x06'", "(6, 1)", "", "0", "9", "1.5"])
def test_an_orientation_that_an_older_version_stored_as_text_is_read_as_upright(tmp_path: Path, stored: str) -> None:
    dataset = make_dataset(tmp_path)
    dataset.sources.loc[0] = source_row(orientation=stored)
    dataset.save()
    assert (tmp_path / ABOUT / "sources.csv").read_text().count(stored)
    assert Dataset.load(tmp_path).sources["orientation"].tolist() == [1]


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


def test_a_part_has_only_its_split(tmp_path: Path) -> None:
    part = make_dataset(tmp_path, TRAIN, VAL).part(VAL)
    assert set(part.images["split"]) == {VAL}
    assert set(part.boxes["file"]) == {"images/1.jpg"}


def test_weights_are_judged_by_the_test_part_and_by_the_val_part_where_there_is_none(tmp_path: Path) -> None:
    tested, only_val = make_dataset(tmp_path / "a", TRAIN, VAL, TEST), make_dataset(tmp_path / "b", TRAIN, VAL)
    assert list(tested.evaluation_part().images["split"]) == [TEST]
    assert list(only_val.evaluation_part().images["split"]) == [VAL]
