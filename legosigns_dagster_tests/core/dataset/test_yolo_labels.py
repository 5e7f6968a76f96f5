from pathlib import Path

import pytest

from legosigns_dagster.core.dataset.yolo_labels import LabelFile, read_labels
from legosigns_dagster_tests.support.builders import CLASSES


def read(folder: Path, content: str | bytes, keypoint_columns: int = 0) -> LabelFile:
    file = folder / "a.txt"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_labels(file, (64, 48), CLASSES, keypoint_columns)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("1 0.5 0.5 0.25 1.0", id="as usual"),
        pytest.param("1.0 0.5 0.5 0.25 1.0", id="a decimal"),  # ultralytics issue 1502
        pytest.param("1.000000000000000000e+00 5e-1 5e-1 2.5e-1 1e0", id="as numpy writes"),  # supervision pull 2580
        pytest.param("\ufeff1 0.5 0.5 0.25 1.0", id="a byte order mark"),
        pytest.param("1\t0.5\t0.5\t0.25\t1.0\r\n\r\n", id="tabs and Windows"),
        pytest.param("1 0.5 0.5 0.25 1.0\n1 0.5 0.5 0.25 1.0\n", id="twice"),  # ultralytics removes duplicates
        pytest.param("1 0.375 0 0.625 0 0.625 1 0.375 1", id="a polygon"),  # ultralytics issue 19912
        pytest.param("1 0.375 0 0.625 0.5 0.5 1", id="a triangle"),
        pytest.param("1 0.5 0.505 0.25 1.0", id="over the edge by rounding"),
    ],
)
def test_a_box_is_read_as_ultralytics_does(content: str, tmp_path: Path) -> None:
    (box,) = read(tmp_path, content).boxes
    assert (box.class_id, box.box.left, box.box.right, box.box.bottom) == (1, 24, 40, 48)
    assert box.box.top < 1


# ultralytics issues 17489 and 18891: a set of keypoints, whose boxes are good for detection.
@pytest.mark.parametrize(
    ("columns", "line"),
    [
        pytest.param(3, "1 0.5 0.5 0.25 1.0 0.5 0.5 2", id="one keypoint that is visible"),
        pytest.param(4, "1 0.5 0.5 0.25 1.0 0.1 0.1 0.9 0.9", id="two keypoints, which look like a polygon"),
        pytest.param(6, "1 0.5 0.5 0.25 1.0 0.1 0.1 1 0.9 0.9 1", id="two that are visible"),
        pytest.param(4, "1 0.5 0.5 0.25 1.0", id="a box alone"),
    ],
)
def test_columns_of_keypoints_are_not_part_of_the_box(columns: int, line: str, tmp_path: Path) -> None:
    labels = read(tmp_path, line, columns)
    (box,) = labels.boxes
    assert (box.class_id, box.box.left, box.box.top, box.box.right, box.box.bottom) == (1, 24, 0, 40, 48)
    assert labels.polygons == 0


def test_another_number_of_keypoints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.txt, line 1 .* it has 9 columns"):
        read(tmp_path, "1 0.5 0.5 0.25 1.0 0.1 0.1 0.9 0.9", 6)


def test_what_was_changed_is_counted(tmp_path: Path) -> None:
    labels = read(tmp_path, "0 0.5 0.5 0.1 0.1\n0 0.1 0.1 0.2 0.1 0.2 0.2\n0 0.5 0.5 0.1 0.1\n0.0 0.5 0.5 0.1 0.1\n")
    assert (len(labels.boxes), labels.polygons, labels.doubled) == (2, 1, 2)


@pytest.mark.parametrize(
    "again", ["0 0.50000000001 0.5 0.1 0.1", "0 0.45 0.45 0.55 0.45 0.55 0.55 0.45 0.55"], ids=["rounded", "a polygon"]
)
def test_a_box_that_is_the_same_once_it_is_written_counts_once(again: str, tmp_path: Path) -> None:
    labels = read(tmp_path, f"0 0.5 0.5 0.1 0.1\n{again}\n1 0.5 0.5 0.1 0.1\n")
    assert ([one.class_id for one in labels.boxes], labels.doubled) == ([0, 1], 1)


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_an_empty_file_is_an_image_without_a_sign(content: str, tmp_path: Path) -> None:
    assert read(tmp_path, content) == LabelFile()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("2 0.5 0.5 0.1 0.1", "no class 2", id="a class that is not there"),
        pytest.param("-1 0.5 0.5 0.1 0.1", "no class -1", id="a negative class"),
        pytest.param("0.5 0.5 0.5 0.1 0.1", "no class 0.5", id="half a class"),
        pytest.param("nan 0.5 0.5 0.1 0.1", "no class nan", id="a class that is no number"),
        pytest.param("inf 0.5 0.5 0.1 0.1", "no class inf", id="an endless class"),
        pytest.param("SpeedLimit 0.5 0.5 0.1 0.1", "'SpeedLimit'", id="a name"),
        pytest.param("0 0.5 0.5 0.1", "4 columns", id="a number is missing"),
        pytest.param("0 0.5 0.5 0.1 0.1 0.9", "6 columns", id="a confidence"),
        pytest.param("0 0.1 0.1 0.2 0.2 0.3 0.3 0.4", "8 columns", id="a polygon that is cut off"),
        pytest.param("0,0.5,0.5,0.1,0.1", "could not convert", id="commas"),
        pytest.param("0 0,5 0,5 0,1 0,1", "could not convert", id="decimal commas"),
        pytest.param("0 32 24 16 12", "are these pixels", id="pixels"),
        pytest.param("0 0.5 0.5 -0.1 0.1", "not between 0 and 1", id="a negative width"),
        pytest.param("0 nan 0.5 0.1 0.1", "not between 0 and 1", id="not a number"),
        pytest.param("0 0.5 0.5 0 0", "without an inside", id="no area"),
        pytest.param("0 0.1 0.1 0.1 0.1 0.1 0.1", "without an inside", id="a polygon without area"),
    ],
)
def test_a_line_that_is_no_box_is_named_with_its_file(line: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"a.txt.*line 2 is.*{message}|a.txt.*{message}.*line 2 is"):
        read(tmp_path, f"0 0.5 0.5 0.1 0.1\n{line}\n")


def test_a_file_that_is_far_too_large_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a\.txt has 10\.0 MB, expected at most 10 MB: is it another file"):
        read(tmp_path, "0 0.5 0.5 0.1 0.1\n" * 555_556)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a.txt is not UTF-8 text"):
        read(tmp_path, "0 0.5 0.5 0.1 0.1".encode("utf-16"))
