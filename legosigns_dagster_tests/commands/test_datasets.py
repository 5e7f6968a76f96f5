"""`legosigns export` and `legosigns show`, on datasets in a store on disk."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from PIL import Image, ImageColor

from legosigns_dagster.cli import main
from legosigns_dagster.commands import picture_files
from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL
from legosigns_dagster.core.palette import class_color
from legosigns_dagster.core.pictures.random_images import choose_images, list_dataset
from legosigns_dagster.resources.storage.object_store import LocalObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.builders import make_dataset
from legosigns_dagster_tests.support.exports import (
    NAMES,
    digest,
    hard_dataset,
    read_coco_export,
    read_label_studio_export,
    read_yolo_export,
)

SPEED_LIMIT, OVERTAKING = NAMES.names[0], NAMES.names[2]


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The digest of raw_annotations in a store that the environment names, seen from another folder."""
    monkeypatch.setenv("LEGOSIGNS_STORE", str(tmp_path / "store"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    dataset = hard_dataset(tmp_path / "dataset")
    before = digest(dataset)
    store = SnapshotStore(LocalObjectStore(tmp_path / "store"), tmp_path / "cache", "legosigns/")
    store.save("raw_annotations", "first run", dataset.folder)
    return before


def fails(*arguments: str) -> str:
    """The line with which a command ends that cannot be done."""
    with pytest.raises(SystemExit) as exit_:
        main(arguments)
    return str(exit_.value.code)


@pytest.mark.parametrize("form", ["yolo", "coco", "label-studio"])
def test_an_exported_asset_is_read_again_as_the_same_dataset(
    stored: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["export", "raw_annotations", "sub/dataset", "--format", form])
    out, err = capsys.readouterr()
    assert out.startswith("raw_annotations of run first run: 6 images (train 4, val 1, test 1), 53 boxes\n")
    assert "written: " in err
    folder, into = Path("sub/dataset"), Path("again")
    if form == "yolo":
        again = read_yolo_export(folder, into)
    elif form == "coco":
        again = read_coco_export(folder, into)
    else:
        again = read_label_studio_export(folder / "tasks.json", folder / "images", into)
    assert digest(again) == stored


def test_nothing_temporary_is_left_and_the_folder_may_be_read_by_those_who_may_read_others(
    stored: str, tmp_path: Path
) -> None:
    main(["export", "raw_annotations", "dataset"])
    main(["show", "raw_annotations", "--out", "a.png"])
    assert sorted(os.listdir()) == ["a.png", "dataset"]
    assert list((tmp_path / "store/scratch").iterdir()) == []
    Path("other").mkdir()
    assert Path("dataset").stat().st_mode == Path("other").stat().st_mode


def test_what_cannot_be_exported_is_an_error_that_says_what_to_do(stored: str) -> None:
    Path("full/mine").mkdir(parents=True)
    assert "full is not empty (1 entries, such as mine): give another name" in fails(
        "export", "raw_annotations", "full"
    )
    assert "materialize synthetic_set first" in fails("export", "synthetic_set", "new")
    assert "leave it out" in fails("export", "raw_annotations", "new", "--image-url", "s3://bucket/images")
    assert sorted(os.listdir()) == ["full"]


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[list[str], Path, str]:
    """The lines about images that `show` prints, its picture, and the option that shows the same again."""
    main(["show", *arguments])
    *lines, picture, again = capsys.readouterr().out.splitlines()
    return lines, Path(picture.removeprefix("picture: ")), again.removeprefix("the same again: ")


def test_another_image_is_shown_each_time_and_the_same_one_with_its_seed(
    stored: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    first, other = (shown(capsys, "raw_annotations") for _ in range(2))
    assert first[2] != other[2]
    again = shown(capsys, "raw_annotations", *first[2].split())
    assert (again[0], again[1].name) == (first[0], first[1].name)
    assert again[1].read_bytes() == first[1].read_bytes()


def test_seeds_give_different_images(tmp_path: Path) -> None:
    dataset = hard_dataset(tmp_path / "dataset")
    images = list_dataset(dataset)
    assert len({choose_images(images, NAMES, seed, 1)[0].name for seed in range(50)}) == len(images)
    assert len({image.name for image in choose_images(images, NAMES, 0, 50)}) == len(images)


def test_only_images_of_a_class_and_a_split_are_shown(stored: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines, picture, _ = shown(capsys, "raw_annotations", "--class", SPEED_LIMIT, "--split", TRAIN, "--count", "50",
                           "--out", "new folder/sheet.png")  # fmt: skip
    assert len(lines) == 3
    assert all(" (train): " in line and SPEED_LIMIT in line for line in lines)
    with Image.open(picture) as sheet:
        assert sheet.width == 1599


def test_the_boxes_are_drawn_in_the_color_of_their_class(stored: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, picture, _ = shown(capsys, "raw_annotations", "--split", TRAIN, "--class", OVERTAKING, "--out", "a.png")
    with Image.open(picture) as image:
        colors = {color for _, color in image.getcolors(maxcolors=10**7) or ()}
    assert {ImageColor.getrgb(class_color(number)) for number in range(3)} <= colors


def test_a_yolo_folder_is_shown_with_its_own_classes(
    stored: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["export", "raw_annotations", "dataset"])
    Path("dataset/labels/train/same.txt").write_text("pixels 3 4 5 6")
    capsys.readouterr()
    lines, picture, _ = shown(capsys, "dataset", "--count", "9", "--out", "a.jpg")
    assert len(lines) == 6
    assert "1 images are left out; the first is train/same.jpg: same.txt, line 1" in lines[-1]
    assert picture.stat().st_size > 10_000


def test_what_cannot_be_shown_is_an_error_that_names_what_there_is(stored: str) -> None:
    assert f"class 'Stop' is not one of {SPEED_LIMIT}, " in fails("show", "raw_annotations", "--class", "Stop")
    assert "neither a folder nor one of raw_annotations, " in fails("show", "raw_anotations")
    assert "0 files data.yaml" in fails("show", ".")
    assert "expected 1 to 100" in fails("show", "raw_annotations", "--count", "0")
    assert "ends in .jpg or .png" in fails("show", "raw_annotations", "--out", "picture")


def test_a_split_without_images_is_an_error_that_counts_the_others(tmp_path: Path, stored: str) -> None:
    dataset = make_dataset(tmp_path / "two", TRAIN, VAL)
    dataset.save()
    store = SnapshotStore(LocalObjectStore(tmp_path / "store"), tmp_path / "cache", "legosigns/")
    store.save("synthetic_set", "first run", dataset.folder)
    assert fails("show", "synthetic_set", "--split", TEST) == (
        "legosigns: synthetic_set: there is no image of test: there is train: 1 images, 1 with SpeedLimit, 1 with "
        "DangerAhead; val: 1 images, 1 with SpeedLimit, 1 with DangerAhead"
    )


def test_the_picture_is_opened_only_where_there_is_a_desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    viewer, opened = tmp_path / "bin" / "xdg-open", tmp_path / "opened"
    viewer.parent.mkdir()
    viewer.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    viewer.chmod(0o755)
    monkeypatch.setenv("PATH", f"{viewer.parent}:{os.environ['PATH']}")
    assert picture_files.open_viewer(Path("a.jpg"), {}) is None
    process = picture_files.open_viewer(Path("a.jpg"), {"WAYLAND_DISPLAY": "wayland-0"})
    assert isinstance(process, subprocess.Popen)
    assert process.wait(30) == 0
    assert re.fullmatch(r"a\.jpg\n", opened.read_text())
