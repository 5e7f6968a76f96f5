import io
import tarfile
from pathlib import Path

import pytest
import yaml

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.core.dataset.yolo_format import read_yolo, unpack, write_data_yaml, write_split
from legosigns_dagster_tests.support.builders import CLASSES, make_dataset, write_image
from legosigns_dagster_tests.support.logs import SILENT


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


def test_an_archive_is_the_same_as_its_folder(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "given")
    with tarfile.open(tmp_path / "set.tar.gz", "w:gz") as archive:
        archive.add(folder, arcname="deep/inside")
    (tmp_path / "unpacked").mkdir()
    unpacked = unpack(tmp_path / "set.tar.gz", tmp_path / "unpacked")
    assert list(read(unpacked, tmp_path / "one")) == list(read(folder, tmp_path / "two"))


def write_archive(file: Path, member: tarfile.TarInfo) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        archive.addfile(member, io.BytesIO(b"\0" * member.size))
    return file


def test_an_archive_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    upwards = tarfile.TarInfo("../evil.txt")
    upwards.size = 4
    link = tarfile.TarInfo("way-out")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    (tmp_path / "deep").mkdir()
    for member in (upwards, link):
        with pytest.raises(ValueError, match=r"set\.tar\.gz.*refused"):
            unpack(write_archive(tmp_path / "set.tar.gz", member), tmp_path / "deep")
    assert not (tmp_path / "evil.txt").exists()


def test_an_absolute_member_lands_inside_the_folder(tmp_path: Path) -> None:
    absolute = tarfile.TarInfo(f"{tmp_path}/outside/evil.txt")
    unpack(write_archive(tmp_path / "set.tar.gz", absolute), tmp_path / "deep")
    assert not (tmp_path / "outside").exists()


def test_a_file_that_is_no_archive_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "set.tar.gz").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"set\.tar\.gz is not a readable"):
        unpack(tmp_path / "set.tar.gz", tmp_path)


def test_a_folder_without_names_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"0 files data\.yaml"):
        read_yolo(tmp_path, SignClasses(("a",)), tmp_path, "classical", SILENT)
