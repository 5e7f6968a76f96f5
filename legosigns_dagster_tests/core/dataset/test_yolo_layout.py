"""Which images are in which split, and with which labels, in every layout in which people give a YOLO set."""

import unicodedata
from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.yolo_format import read_yolo
from legosigns_dagster_tests.support.builders import CLASSES
from legosigns_dagster_tests.support.logs import RecordedLog
from legosigns_dagster_tests.support.yolo_folder import BOTH_CLASSES, NAMES, write_files, yolo_files

Files = dict[str, str | bytes | int]
O_OF_A_MAC = unicodedata.normalize("NFD", "schild-ö")


def read(folder: Path, files: Files, log: RecordedLog | None = None) -> Dataset:
    write_files(folder / "given", files)
    return read_yolo(folder / "given", CLASSES, folder / "into", "classical", log or RecordedLog())


def splits(dataset: Dataset) -> dict[str, list[str]]:
    names = {str(row.file).split("-")[1]: row.split for row in dataset.images.itertuples()}
    return {split: sorted(name for name in names if names[name] == split) for split in sorted(set(names.values()))}


def quarantine(dataset: Dataset) -> list[tuple[str, str]]:
    return list(zip(dataset.quarantine["reason"], dataset.quarantine["image"], strict=True))


def says(train: str, val: str, more: str = "") -> str:
    """A `data.yaml` that names these entries."""
    return f"{NAMES}{more}train: {train}\nval: {val}\n"


def lists(train: str, val: str, **more: str) -> Files:
    """A set whose `data.yaml` names two lists, with these lines."""
    data = says("train.txt", "val.txt", "path: .\n")
    return yolo_files(data=data) | {"train.txt": train, "val.txt": val} | more


def under(folder: str, files: Files) -> Files:
    return {f"{folder}/{name}": content for name, content in files.items()}


ROBOFLOW = f"train: ../train/images\nval: ../valid/images\nnc: 2\n{NAMES}"
SAME_SPLIT = [
    pytest.param(yolo_files(), id="nothing is said"),
    pytest.param(yolo_files("train/images", "valid/images"), id="nothing is said, Roboflow's folders"),
    pytest.param(yolo_files("train/images", "val/images", says("train", "val")), id="folders above"),
    pytest.param(yolo_files(data=says("images/train", "images/val", "path: .\n")), id="Ultralytics'"),
    pytest.param(yolo_files(data=says("./images/train/", "images//val\ntest:")), id="slashes"),
    pytest.param(yolo_files(data=says("images\\train", "images\\val")), id="backslashes"),
    pytest.param(yolo_files(data=says("images/train", "images/val", "path: ../datasets/signs\n")), id="YOLOv5's"),
    # hub issue 746
    pytest.param(yolo_files("train/images", "valid/images", ROBOFLOW), id="Roboflow's"),
    pytest.param(
        yolo_files("train/images", "valid/images", f"{ROBOFLOW}test: ../test/images\n"), id="Roboflow's without test"
    ),
    # ultralytics issue 1027
    pytest.param(
        under("signs-3", yolo_files("train/images", "valid/images", ROBOFLOW)), id="Roboflow's below a folder"
    ),
    pytest.param(
        yolo_files(data=says("images/train", "images/val", "path: /content/drive/signs\n")), id="a path of Colab"
    ),
    pytest.param(
        yolo_files(data=says("/content/signs/images/train", "D:\\data\\signs\\images\\val")),
        id="whole paths of other machines",
    ),
    pytest.param(
        {"yaml/data.yaml": says("../images/train", "../images/val")}
        | {name: content for name, content in yolo_files().items() if name != "data.yaml"},
        id="data.yaml in a folder beside",
    ),
    pytest.param(
        yolo_files("sub/images/train", "sub/images/val", says("images/train", "images/val", "path: sub\n")),
        id="a path below",
    ),
    pytest.param(yolo_files("Images/Train", "Images/Val", says("images/train", "images/val")), id="case"),
    pytest.param(
        yolo_files(f"images/{O_OF_A_MAC}", "images/val", says("images/schild-ö", "images/val")),
        id="a folder from a Mac",
    ),
    pytest.param(yolo_files(data=f"{NAMES}train: [images/train]\nvalidation: images/val\n"), id="a list, validation"),
    # yolov5 issue 4912
    pytest.param(
        lists("./images/train/i0.jpg\n./images/train/i1.jpg", "./images/val/i100.jpg\n./images/val/i101.jpg"),
        id="autosplit",
    ),
    pytest.param(
        lists("\ufeffimages/train/i0.jpg\r\n\r\nimages\\train\\i1.jpg\r\n", "val/i100.jpg\nval/i101.jpg"),
        id="lists of Windows",
    ),
    pytest.param(
        lists("data/set/images/train/i0.jpg\n/home/me/images/train/i1.jpg", "i100.jpg\nval/i101.jpg"),
        id="lists of other machines",
    ),
]


@pytest.mark.parametrize("files", SAME_SPLIT)
def test_every_layout_gives_the_same_split_and_boxes(files: Files, tmp_path: Path) -> None:
    dataset = read(tmp_path, files)
    assert splits(dataset) == {"train": ["i0", "i1"], "val": ["i100", "i101"]}
    assert len(dataset.boxes) == 8
    assert [row for row in quarantine(dataset) if row[0] != "missing_test"] == []


def test_the_split_of_data_yaml_counts_and_not_the_folders(tmp_path: Path) -> None:
    """Here val was read from images/val, though the list has other images for it."""
    files = lists("images/train/i0.jpg\n", "images/train/i1.jpg\n")
    dataset = read(tmp_path, files)
    assert splits(dataset) == {"train": ["i0"], "val": ["i1"]}
    assert ("unused_file", "images/val/i100.jpg") in quarantine(dataset)
    assert ("unused_file", "labels/val/i100.txt") in quarantine(dataset)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("train: images/val\nval: images/train\n", {"train": ["i100", "i101"], "val": ["i0", "i1"]}),
        (
            "train: [images/train, images/test]\nval: images/val\n",
            {"train": ["i0", "i1", "i7"], "val": ["i100", "i101"]},
        ),
        (
            "train: images/train\nval: images/val\ntest: images/test\n",
            {"test": ["i7"], "train": ["i0", "i1"], "val": ["i100", "i101"]},
        ),
        ("train: images/train\nval: images/test\n", {"train": ["i0", "i1"], "val": ["i7"]}),
    ],
    ids=["swapped", "two folders", "a test set", "val is called test"],
)
def test_what_data_yaml_says_is_followed(data: str, expected: dict[str, list[str]], tmp_path: Path) -> None:
    dataset = read(
        tmp_path, yolo_files(data=NAMES + data) | {"images/test/i7.jpg": 7, "labels/test/i7.txt": BOTH_CLASSES}
    )
    assert splits(dataset) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param("train: images/train\nval: images/valid\n", "names val: 'images/valid', which", id="absent"),
        pytest.param("train: images/train\nval: val.txt\n", "names val: 'val.txt', which is not below", id="no list"),
        pytest.param("train: images/train\nval: https://x.invalid/val\n", "names val: 'https", id="a URL"),
        pytest.param("train: images/train\nval: images/val/i100.jpg\n", "which is images/val/i100.jpg", id="an image"),
        pytest.param("train: images/train\nval: ../../../etc\n", "which is not below", id="outside"),
        pytest.param("train: IMAGES/B\nval: images/val\n", "which is Images/b or images/b", id="two"),
    ],
)
def test_a_split_that_is_not_there_is_refused_with_the_file(data: str, message: str, tmp_path: Path) -> None:
    files = yolo_files(data=NAMES + data) | {"Images/b/1.jpg": 1, "images/b/1.jpg": 2}
    with pytest.raises(ValueError, match=f"data.yaml.*{message}"):
        read(tmp_path, files)


@pytest.mark.parametrize("data", ["path: {outside}\ntrain: images/train\nval: images/val\n",
                                  "train: {outside}/images/train\nval: images/val\n"])  # fmt: skip
def test_a_path_to_another_set_of_this_machine_is_refused(data: str, tmp_path: Path) -> None:
    """Ultralytics would read the other set, not the images beside `data.yaml`."""
    outside = write_files(tmp_path / "outside", yolo_files())
    with pytest.raises(ValueError, match="data.yaml names train: .*outside/images/train.*, which is outside of"):
        read(tmp_path, yolo_files(data=NAMES + data.format(outside=outside)))


def test_a_path_to_the_set_itself_is_followed(tmp_path: Path) -> None:
    data = says("images/train", str(tmp_path / "given/images/val"), f"path: {tmp_path}/given\n")
    assert splits(read(tmp_path, yolo_files(data=data))) == {"train": ["i0", "i1"], "val": ["i100", "i101"]}


def test_a_line_of_a_list_that_names_no_image_is_a_row(tmp_path: Path) -> None:
    files = lists("i0.jpg\ngone.jpg\n../../outside.jpg\ndata.yaml\nsame.jpg\n", "i100.jpg")
    dataset = read(tmp_path, files | {"a/same.jpg": 1, "b/same.jpg": 2})
    assert splits(dataset) == {"train": ["i0"], "val": ["i100"]}
    details = dict(zip(dataset.quarantine["image"], dataset.quarantine["detail"], strict=True))
    assert "train.txt, line 2 names 'gone.jpg'" in details["gone.jpg"]
    assert "a/same.jpg or b/same.jpg" in details["same.jpg"]
    lines = ("gone.jpg", "../../outside.jpg", "data.yaml", "same.jpg")
    assert {("unusable_image", line) for line in lines} <= set(quarantine(dataset))


LABELS = [
    pytest.param("a.jpg", "labels/train/a.txt", id="as usual"),
    pytest.param("a.JPG", "labels/train/a.txt", id="an image in upper case"),
    pytest.param("a.jpg", "labels/train/A.txt", id="a label in upper case"),
    pytest.param("a.jpg", "labels/train/a.TXT", id="an ending in upper case"),  # ultralytics issue 21224
    pytest.param("a.jpg", "Labels/Train/a.txt", id="folders in upper case"),
    pytest.param("a.jpg", "images/train/a.txt", id="beside the image"),  # ultralytics issue 5036
    pytest.param("a.b.jpg", "labels/train/a.b.txt", id="a dot in the name"),
    pytest.param("schild-ö.jpg", f"labels/train/{O_OF_A_MAC}.txt", id="a label from a Mac"),
    pytest.param(f"{O_OF_A_MAC}.jpg", "labels/train/schild-ö.txt", id="an image from a Mac"),
    pytest.param("SCHILD-Ö.jpg", f"labels/train/{O_OF_A_MAC}.txt", id="a Mac and upper case"),
    pytest.param("a.jpg", "labels/train/a.jpg.txt", id="the image's ending in its name"),  # fsoco-devkit issue 60
    pytest.param("a.JPG", "images/train/a.jpg.txt", id="the image's ending, beside it"),
    pytest.param("sub/a.jpg", "labels/train/sub/a.txt", id="a subfolder"),
    pytest.param("images/a.jpg", "images/train/labels/a.txt", id="a second folder of the name"),
]


@pytest.mark.parametrize(("image", "label"), LABELS)
def test_a_label_file_is_found(image: str, label: str, tmp_path: Path) -> None:
    dataset = read(tmp_path, yolo_files() | {f"images/train/{image}": 50, label: BOTH_CLASSES})
    assert len(dataset.boxes) == 5 * 2
    assert (len(dataset.quarantine), len(dataset.adjustments)) == (0, 0)


def test_a_label_file_of_exactly_the_right_name_is_not_given_to_another_image(tmp_path: Path) -> None:
    files = yolo_files() | {"images/train/I1.jpg": 51}
    dataset = read(tmp_path, files)
    assert dataset.adjustments[["reason", "image"]].values.tolist() == [["no_label_file", "train/I1.jpg"]]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"images/train/a.jpg": 9, "labels/train/A.txt": "", "labels/train/a.TXT": ""},
         "may be labels/train/A.txt or labels/train/a.TXT"),
        ({"images/train/a.jpg": 9, "images/train/A.jpg": 8, "labels/train/A.TXT": ""},
         "may belong to images/train/A.jpg or images/train/a.jpg"),
        ({"images/train/a.jpg": 9, "images/train/a.png": 8, "labels/train/a.txt": ""},
         "may belong to images/train/a.jpg or images/train/a.png"),  # classifai issue 15
        ({"images/train/a.jpg": 9, "images/train/a.JPG": 8, "labels/train/a.txt": ""},
         "may belong to images/train/a.JPG or images/train/a.jpg"),
    ],
    ids=["two label files", "two images", "two formats", "two spellings of an ending"],
)  # fmt: skip
def test_two_candidates_are_a_row_that_names_both(more: Files, message: str, tmp_path: Path) -> None:
    dataset = read(tmp_path, yolo_files() | more)
    assert splits(dataset) == {"train": ["i0", "i1"], "val": ["i100", "i101"]}
    assert {name for _, name in quarantine(dataset)} == {
        f"train/{Path(n).name}" for n in more if n.startswith("images")
    }
    assert all(message in detail for detail in dataset.quarantine["detail"])


def test_images_without_labels_and_labels_without_images_are_counted_and_named(tmp_path: Path) -> None:
    log = RecordedLog()
    more: Files = {"images/train/street.jpg": 50, "labels/train/strret.txt": BOTH_CLASSES}
    dataset = read(tmp_path, yolo_files() | more, log)
    assert dataset.adjustments[["reason", "image"]].values.tolist() == [["no_label_file", "train/street.jpg"]]
    assert quarantine(dataset) == [("label_without_image", "labels/train/strret.txt")]
    assert any("1 no_label_file; the first is train/street.jpg" in line for line in log.warnings)
    assert any("1 label_without_image; the first is labels/train/strret.txt" in line for line in log.warnings)


def test_every_file_that_is_not_read_is_named_and_those_of_systems_are_not(tmp_path: Path) -> None:
    more: Files = {
        "README.roboflow.txt": "", "labels/train.cache": b"\0", "images/train/notes.heic": b"\0", "old/1.jpg": 9,
        ".DS_Store": b"\0", "images/train/._i0.jpg": b"\0", "images/Thumbs.db": b"\0", "__MACOSX/images/i0.jpg": b"\0",
    }  # fmt: skip
    dataset = read(tmp_path, yolo_files() | more)
    names = ["README.roboflow.txt", "images/train/notes.heic", "labels/train.cache", "old/1.jpg"]
    assert quarantine(dataset) == [("unused_file", name) for name in names]


def test_links_are_followed_inside_the_source_and_named_otherwise(tmp_path: Path) -> None:
    outside = write_files(tmp_path / "outside", {"far.jpg": 60}) / "far.jpg"
    files = yolo_files("pool/images", "images/val", says("images/train", "images/val"))
    given = write_files(tmp_path / "given", files)
    (given / "images/train").symlink_to("../pool/images")
    (given / "labels/train").symlink_to("../pool/labels")
    (given / "images/val/loop").symlink_to("..")
    (given / "images/val/far.jpg").symlink_to(outside)
    (given / "images/val/gone.jpg").symlink_to("nothing.jpg")
    dataset = read(tmp_path, {})
    assert splits(dataset) == {"train": ["i0", "i1"], "val": ["i100", "i101"]}
    assert len(dataset.boxes) == 8
    details = dict(zip(dataset.quarantine["image"], dataset.quarantine["detail"], strict=True))
    assert sorted(details) == ["images/val/far.jpg", "images/val/gone.jpg", "images/val/loop"]
    assert "outside of" in details["images/val/far.jpg"]
    assert "leads nowhere" in details["images/val/gone.jpg"]
