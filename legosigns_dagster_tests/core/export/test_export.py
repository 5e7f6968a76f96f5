"""What is exported and read again is the same dataset, and a folder is written whole or not at all."""

import json
from functools import partial
from pathlib import Path

import pytest
import yaml

from legosigns_dagster.core.dataset import validation
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.core.export.coco import write_coco
from legosigns_dagster.core.export.export import Writer, export_dataset, write_yolo
from legosigns_dagster.core.export.label_studio import write_label_studio
from legosigns_dagster.core.progress import Log
from legosigns_dagster_tests.support.builders import make_dataset
from legosigns_dagster_tests.support.exports import (
    NAMES,
    digest,
    hard_dataset,
    read_coco_export,
    read_label_studio_export,
    read_yolo_export,
)
from legosigns_dagster_tests.support.logs import SILENT, RecordedLog

WRITERS: dict[str, Writer] = {
    "yolo": write_yolo,
    "coco": write_coco,
    "label-studio": partial(write_label_studio, image_url="/data/local-files/?d=dataset/images"),
    "label-studio on s3": partial(write_label_studio, image_url="s3://bucket/dataset/images/"),
}
each_format = pytest.mark.parametrize("form", WRITERS)


def read_again(form: str, folder: Path, into: Path) -> Dataset:
    if form == "yolo":
        return read_yolo_export(folder, into)
    if form == "coco":
        return read_coco_export(folder, into)
    return read_label_studio_export(folder / "tasks.json", folder / "images", into)


@each_format
def test_an_export_that_is_read_again_is_the_same_dataset(form: str, tmp_path: Path) -> None:
    dataset = hard_dataset(tmp_path / "dataset")
    export_dataset(dataset, WRITERS[form], tmp_path / "export", SILENT)
    again = read_again(form, tmp_path / "export", tmp_path / "again")
    assert list(again) == list(dataset)
    assert digest(again) == digest(dataset)
    assert len(again.quarantine) == len(again.adjustments) == 0


@each_format
def test_a_dataset_keeps_its_images_when_somebody_writes_into_the_export(form: str, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    before = digest(dataset)
    export_dataset(dataset, WRITERS[form], tmp_path / "export", SILENT)
    for file in (tmp_path / "export").rglob("*.jpg"):
        file.write_bytes(b"rewritten")
    assert digest(dataset) == before


def test_a_yolo_export_can_be_moved_and_names_only_the_splits_that_have_images(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", TRAIN)
    export_dataset(dataset, write_yolo, tmp_path / "export", SILENT)
    assert yaml.safe_load((tmp_path / "export/data.yaml").read_text()) == {
        "train": "images/train",
        "names": {0: "SpeedLimit", 1: "DangerAhead"},
    }


def test_a_changed_yolo_export_is_read_as_it_is_now(tmp_path: Path) -> None:
    dataset = hard_dataset(tmp_path / "dataset")
    export_dataset(dataset, write_yolo, tmp_path / "export", SILENT)
    (tmp_path / "export/labels/train/same.txt").write_text("2 0.5 0.5 0.5 0.5\n")
    (tmp_path / "export/images/train/no-sign.jpg").rename(tmp_path / "export/images/val/no-sign.jpg")
    again = {image.file: image for image in read_yolo_export(tmp_path / "export", tmp_path / "again")}
    before = {image.file: image for image in dataset}
    assert [box.class_id for box in again["images/same.jpg"].boxes] == [2]
    assert again["images/same.jpg"].group == before["images/same.jpg"].group
    assert "images/no-sign.jpg" not in again
    assert sorted(image.split for image in again.values()) == ["test", "train", "train", "train", "val", "val"]


def test_a_box_that_was_moved_in_label_studio_is_where_it_was_moved_to(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", VAL, VAL)
    export_dataset(dataset, WRITERS["label-studio"], tmp_path / "export", SILENT)
    tasks = json.loads((tmp_path / "export/tasks.json").read_text())
    tasks[0]["annotations"][0]["result"][0]["value"]["x"] += 1
    (tmp_path / "export/tasks.json").write_text(json.dumps(tasks))
    again = list(read_label_studio_export(tmp_path / "export/tasks.json", tmp_path / "export/images",
                                          tmp_path / "again", dataset.classes))  # fmt: skip
    assert {image.split for image in again} == {VAL}
    moved = [box for box in again[0].boxes if box.class_id == 0]
    assert [box.box.left for box in moved] == [pytest.approx(4.64)]
    assert again[1].boxes == list(dataset)[1].boxes


@pytest.mark.parametrize("name", ["images/../../outside.jpg", "outside.jpg", f"images/{'outside' * 50}.jpg", 7])
def test_damaged_facts_of_an_exported_task_are_a_row_of_the_quarantine(name: object, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset")
    export_dataset(dataset, WRITERS["label-studio"], tmp_path / "export", SILENT)
    tasks = json.loads((tmp_path / "export/tasks.json").read_text())
    tasks[0]["data"]["legosigns"]["file"] = name
    (tmp_path / "export/tasks.json").write_text(json.dumps(tasks))
    again = read_label_studio_export(tmp_path / "export/tasks.json", tmp_path / "export/images", tmp_path / "again",
                                     dataset.classes)  # fmt: skip
    assert len(again.images) == 1
    assert again.quarantine["reason"].tolist() == ["unreadable_task"]
    assert str(name)[:100] in again.quarantine["detail"][0]


def test_exported_tasks_with_names_that_cannot_be_both_keep_both_images(tmp_path: Path) -> None:
    """Somebody changed the facts: two images of one name, and a name below the file of another image."""
    dataset = make_dataset(tmp_path / "dataset", TRAIN, VAL, VAL)
    export_dataset(dataset, WRITERS["label-studio"], tmp_path / "export", SILENT)
    tasks = json.loads((tmp_path / "export/tasks.json").read_text())
    tasks[1]["data"]["legosigns"]["file"] = "images/0.jpg"
    tasks[2]["data"]["legosigns"]["file"] = "images/0.jpg/2.jpg"
    (tmp_path / "export/tasks.json").write_text(json.dumps(tasks))
    again = read_label_studio_export(tmp_path / "export/tasks.json", tmp_path / "export/images", tmp_path / "again",
                                     dataset.classes)  # fmt: skip
    assert sorted(again.images["sha256"]) == sorted(dataset.images["sha256"])
    assert again.images["file"].is_unique
    assert validation.unreadable_images(again) == []


DAMAGE = {
    "a file outside": ("images/same.jpg", "images/../../same.jpg"),
    "another column": ("width", "breadth"),
    "no split": (",train,", ",practice,"),
    "two of one name": ("images/cam 1/same.jpg", "images/same.jpg"),
}


@pytest.mark.parametrize(("before", "after"), DAMAGE.values(), ids=DAMAGE)
def test_damaged_tables_of_a_yolo_export_are_refused_with_their_folder(before: str, after: str, tmp_path: Path) -> None:
    export_dataset(hard_dataset(tmp_path / "dataset"), write_yolo, tmp_path / "export", SILENT)
    table = tmp_path / "export/legosigns/images.csv"
    table.write_text(table.read_text().replace(before, after))
    with pytest.raises(ValueError, match="export/legosigns is not as the export wrote it .*export the dataset again"):
        read_yolo_export(tmp_path / "export", tmp_path / "again")
    assert not list(tmp_path.rglob("outside*"))


@pytest.mark.parametrize("content", ["folder", "file", "link"])
def test_what_is_there_already_is_never_overwritten(content: str, tmp_path: Path) -> None:
    into = tmp_path / "export"
    if content == "folder":
        (into / "mine").mkdir(parents=True)
    elif content == "file":
        into.write_text("mine")
    else:
        into.symlink_to(tmp_path / "nowhere")
    with pytest.raises(FileExistsError, match=r"export is not (empty \(1 entries, such as mine\)|a folder)"):
        export_dataset(make_dataset(tmp_path / "dataset"), write_yolo, into, SILENT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "export"]


def test_an_export_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(dataset: Dataset, into: Path, log: Log) -> None:
        write_yolo(dataset, into, log)
        raise KeyboardInterrupt

    (tmp_path / "export").mkdir()
    with pytest.raises(KeyboardInterrupt):
        export_dataset(make_dataset(tmp_path / "dataset"), fail, tmp_path / "export", SILENT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "export"]
    assert list((tmp_path / "export").iterdir()) == []


def test_two_images_with_one_label_file_are_refused_as_yolo(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", TRAIN, TRAIN)
    dataset.images["file"] = ["images/0.jpg", "images/0.png"]
    with pytest.raises(ValueError, match="train/0.txt: export as coco"):
        export_dataset(dataset, write_yolo, tmp_path / "export", SILENT)


def test_progress_is_logged_for_each_split(tmp_path: Path) -> None:
    log = RecordedLog()
    export_dataset(make_dataset(tmp_path / "dataset"), write_yolo, tmp_path / "export", log)
    assert [line.rpartition(" in ")[0] for line in log.lines] == [
        "images of train written: 1",
        "images of val written: 1",
    ]


def test_the_boxes_of_coco_are_where_they_are_for_programs_that_do_not_know_our_facts(tmp_path: Path) -> None:
    dataset = hard_dataset(tmp_path / "dataset").part("test")
    export_dataset(dataset, write_coco, tmp_path / "export", SILENT)
    content = json.loads((tmp_path / "export/annotations/instances_test.json").read_text())
    table = dataset.boxes.assign(width=dataset.boxes["right"] - dataset.boxes["left"],
                                 height=dataset.boxes["bottom"] - dataset.boxes["top"])  # fmt: skip
    assert [one["bbox"] for one in content["annotations"]] == table[["left", "top", "width", "height"]].values.tolist()


def test_the_ids_of_coco_s_categories_are_the_class_ids(tmp_path: Path) -> None:
    export_dataset(hard_dataset(tmp_path / "dataset"), write_coco, tmp_path / "export", SILENT)
    content = json.loads((tmp_path / "export/annotations/instances_test.json").read_text())
    assert {one["id"]: one["name"] for one in content["categories"]} == NAMES.by_id()
    assert [one["id"] for one in content["annotations"]] == list(range(1, 41))
