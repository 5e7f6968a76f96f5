from pathlib import Path

import pytest
import yaml

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset import validation
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.core.dataset.yolo_format import read_yolo, write_data_yaml, write_split
from legosigns_dagster.core.dataset.yolo_layout import YoloImage
from legosigns_dagster.core.dataset.yolo_reader import YoloReader
from legosigns_dagster.core.sources.source_files import list_source_files
from legosigns_dagster_tests.support.builders import CLASSES, make_dataset, write_image
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.yolo_folder import write_files, yolo_files


def write_folder(folder: Path, label: str = "0 0.5 0.5 0.25 0.5\n") -> Path:
    for split in ("train", "val"):
        write_image(folder / "images" / split / "scene_1.jpg", seed=len(split))
        file = folder / "labels" / split / "scene_1.txt"
        file.parent.mkdir(parents=True)
        file.write_text(label)
    (folder / "data.yaml").write_text(yaml.safe_dump({"names": CLASSES.by_id()}))
    return folder


def read(folder: Path, into: Path) -> Dataset:
    return read_yolo(folder, CLASSES, into, "classical", SILENT)


def test_a_yolo_folder_is_read_with_its_own_splits(tmp_path: Path) -> None:
    dataset = read(write_folder(tmp_path / "given"), tmp_path / "dataset")
    assert sorted(dataset.images["split"]) == [TRAIN, VAL]
    assert dataset.boxes[["left", "top", "right", "bottom"]].values.tolist() == [[24, 12, 40, 36]] * 2


def test_written_labels_read_back_as_they_were(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", TRAIN, VAL)
    for split in (TRAIN, VAL):
        write_split(dataset.part(split), dataset.folder, split, tmp_path / "yolo")
    write_data_yaml(tmp_path / "yolo", "images/train", "images/val", CLASSES)
    again = read(tmp_path / "yolo", tmp_path / "again")
    for before, after in zip(dataset, again, strict=True):
        assert after.split == before.split
        for one, other in zip(before.boxes, after.boxes, strict=True):
            assert one.box.iou(other.box) > 0.99999


def test_an_image_is_copied_so_that_a_training_cannot_write_into_the_store(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "dataset", TRAIN)
    (copy,) = write_split(dataset, dataset.folder, TRAIN, tmp_path / "yolo")
    copy.write_bytes(b"rewritten")
    assert (dataset.folder / "images/0.jpg").read_bytes() != b"rewritten"


@pytest.mark.parametrize("label", ["5 0.5 0.5 0.1 0.1", "0 0.5 0.5", "x 1 1 1 1", "0 0.5 0.5 0 0"])
def test_a_bad_label_is_a_row_that_names_its_file(tmp_path: Path, label: str) -> None:
    folder = write_folder(tmp_path / "given")
    (folder / "labels/val/scene_1.txt").write_text(label)
    dataset = read(folder, tmp_path / "dataset")
    assert len(dataset.images) == 1
    assert dataset.quarantine["image"].tolist() == ["val/scene_1.jpg"]
    assert "scene_1.txt" in dataset.quarantine["detail"][0]


def test_swapped_classes_are_refused_with_both_sides(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "given")
    (folder / "data.yaml").write_text(yaml.safe_dump({"names": ["DangerAhead", "SpeedLimit"]}))
    with pytest.raises(ValueError, match=r"\['DangerAhead', 'SpeedLimit'\].*\['SpeedLimit', 'DangerAhead'\]"):
        read(folder, tmp_path / "dataset")


def test_the_same_image_twice_in_a_split_is_used_once(tmp_path: Path) -> None:
    """Two names that give one stem, one image in two folders (as oversampling leaves it), one stem with two endings."""
    files = yolo_files()
    for name in ("знак.jpg", "фото.jpg", "a/1.jpg", "b/1.jpg"):
        files |= {f"images/train/{name}": 50, f"labels/train/{name[:-4]}.txt": "0 0.5 0.5 0.2 0.2"}
    dataset = read(write_files(tmp_path / "given", files), tmp_path / "dataset")
    assert (len(dataset.images), len(dataset.boxes)) == (5, 9)
    assert dataset.images["file"].is_unique
    assert dataset.quarantine["reason"].tolist() == ["same_image"] * 3
    assert validation.absent_classes(dataset) == []
    assert len(list((tmp_path / "dataset/images").iterdir())) == 5


@pytest.mark.parametrize("label", ["1 0.5 0.5 0.2 0.2", None], ids=["another class", "no label file"])
def test_copies_with_different_boxes_are_not_used_and_both_named(tmp_path: Path, label: str | None) -> None:
    files = yolo_files() | {f"images/train/{name}.jpg": 50 for name in "abc"}
    files |= {"labels/train/a.txt": "0 0.5 0.5 0.2 0.2", "labels/train/c.txt": "0 0.5 0.5 0.2 0.2"}
    files |= {"labels/train/b.txt": label} if label else {}
    dataset = read(write_files(tmp_path / "given", files), tmp_path / "dataset")
    assert len(dataset.images) == 4
    assert dataset.quarantine["image"].tolist() == ["train/a.jpg", "train/b.jpg", "train/c.jpg"]
    assert all("other boxes" in detail for detail in dataset.quarantine["detail"])
    assert len(list((tmp_path / "dataset/images").iterdir())) == 4


def test_an_image_that_cannot_be_used_leaves_no_file(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "given")
    (folder / "labels/val/scene_1.txt").write_text("nothing")
    read(folder, tmp_path / "dataset")
    assert len(list((tmp_path / "dataset/images").iterdir())) == 1


DAMAGED = {
    "no image": b"nothing",
    "an empty file": b"",
    "a picture of a vector program": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "a truncated PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_one_damaged_image_is_a_row_and_the_others_are_unharmed(tmp_path: Path, content: bytes) -> None:
    files = yolo_files() | {"images/train/bad.jpg": content, "labels/train/bad.txt": ""}
    dataset = read(write_files(tmp_path / "given", files), tmp_path / "dataset")
    assert len(dataset.images) == 4
    assert dataset.quarantine[["reason", "image"]].values.tolist() == [["unusable_image", "train/bad.jpg"]]


def test_an_error_of_another_type_is_a_row_with_its_type(tmp_path: Path) -> None:
    folder = write_files(tmp_path / "given", yolo_files())
    source = list_source_files(folder)
    (folder / "images/train/i0.jpg").unlink()
    reader = YoloReader(source, CLASSES, tmp_path, "classical")
    reader.add(YoloImage(TRAIN, "images/train/i0.jpg", "train/i0.jpg"))
    (row,) = reader.rows
    assert (row.image, row.detail.split(":")[0]) == ("train/i0.jpg", "FileNotFoundError")


def test_without_a_usable_image_the_first_reasons_stand_in_the_error(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "given", "SpeedLimit 0.5 0.5 0.1 0.1")
    with pytest.raises(ValueError, match="no usable image.*train/scene_1.jpg: scene_1.txt, line 1.*val/scene_1.jpg"):
        read(folder, tmp_path / "dataset")


def test_polygons_and_doubled_lines_are_listed_as_adjustments(tmp_path: Path) -> None:
    lines = "0 0.1 0.1 0.2 0.1 0.2 0.2\n1 0.5 0.5 0.1 0.1\n1 0.5 0.5 0.1 0.1\n"
    dataset = read(write_folder(tmp_path / "given", lines), tmp_path / "dataset")
    assert dataset.adjustments["reason"].tolist() == ["doubled_box", "doubled_box", "polygon", "polygon"]
    assert len(dataset.boxes) == 4


def test_a_folder_without_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"0 files data\.yaml"):
        read_yolo(tmp_path, SignClasses(("a",)), tmp_path, "classical", SILENT)
