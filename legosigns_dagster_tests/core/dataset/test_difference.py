from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from legosigns_dagster.core.dataset.dataset import TRAIN, Dataset, LabeledBox
from legosigns_dagster.core.dataset.difference import Difference, box_changes, difference
from legosigns_dagster.core.dataset.quarantine import QuarantineRow, quarantine_table
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.pictures.difference_pictures import difference_sheet, select_changes
from legosigns_dagster_tests.support.builders import make_dataset

SPEED, DANGER = 0, 1
ONE, MOVED, FAR = PixelBox(10, 10, 30, 30), PixelBox(12, 10, 32, 30), PixelBox(40, 10, 60, 30)


def version(folder: Path, images: int = 3, without: int | None = None) -> Dataset:
    """A dataset of images 0, 1, ... as the source had them once."""
    dataset = make_dataset(folder, *[TRAIN] * images)
    rows = [(file, Path(file).name, f"1{number}", "", f"/data?task=1{number}", 1, "", "", "")
            for number, file in enumerate(dataset.images["file"])]  # fmt: skip
    sources = pd.DataFrame(rows, columns=dataset.sources.columns)
    images_left = dataset.images[dataset.images.index != without].reset_index(drop=True)
    kept = dataset.boxes[dataset.boxes["file"].isin(images_left["file"])].reset_index(drop=True)
    left = sources[sources["file"].isin(images_left["file"])].reset_index(drop=True)
    return Dataset(folder, dataset.classes, images_left, kept, sources=left)


def compare(before: Dataset, after: Dataset, **given: Any) -> Difference:
    return difference(before, after, given.get("tasks", ["10", "11", "12", "13"]))


def row(of: Difference, name: str) -> dict[str, Any]:
    table = of.by_class().set_index("class")
    return {str(k): v for k, v in table.loc[name].items() if v}


def test_two_equal_versions_have_no_difference(tmp_path: Path) -> None:
    result = compare(version(tmp_path / "a"), version(tmp_path / "b"))
    assert result.changes == ()
    assert result.text() == "images: 0 added, 0 removed; boxes: 0 added, 0 removed, 0 moved, 0 relabelled"


def test_an_image_that_came_and_one_that_went_are_counted_by_class_with_their_boxes(tmp_path: Path) -> None:
    before, after = version(tmp_path / "a", 3), version(tmp_path / "b", 4, without=1)
    result = compare(before, after, tasks=["10", "12", "13"])
    counts = {"images_added": 1, "images_removed": 1, "boxes_added": 1, "boxes_removed": 1}
    assert row(result, "SpeedLimit") == row(result, "DangerAhead") == counts
    assert row(result, "all") == {"images_added": 1, "images_removed": 1, "boxes_added": 2, "boxes_removed": 2}
    assert result.by_image()[["change", "image", "task"]].values.tolist() == [
        ["added", "3.jpg", "13"],
        ["removed", "1.jpg", "11"],
    ]
    assert result.deleted_tasks.values.tolist() == [["11", "1.jpg", "/data?task=11"]]


def test_a_task_that_is_there_but_not_used_any_more_is_not_called_deleted(tmp_path: Path) -> None:
    result = compare(version(tmp_path / "a"), version(tmp_path / "b", without=1))
    assert len(result.changes) == 1
    assert len(result.deleted_tasks) == 0


def test_a_file_of_which_no_task_is_known_is_no_deleted_task(tmp_path: Path) -> None:
    before = version(tmp_path / "a")
    unreadable = [
        QuarantineRow("unreadable_annotation", "no JSON", image="sink/7"),
        QuarantineRow("unlabeled", "", task="9"),
    ]
    before = replace(before, quarantine=quarantine_table(unreadable))
    assert compare(before, version(tmp_path / "b")).deleted_tasks["task"].tolist() == ["9"]


def test_another_class_on_a_box_is_relabelled_from_one_and_to_the_other(tmp_path: Path) -> None:
    before, after = version(tmp_path / "a"), version(tmp_path / "b")
    after.boxes.loc[0, ["class_id", "class_name"]] = [DANGER, "DangerAhead"]
    result = compare(before, after)
    assert row(result, "SpeedLimit") == {"relabelled_from": 1}
    assert row(result, "DangerAhead") == {"relabelled_to": 1}
    assert result.by_image()["boxes"].tolist() == ["SpeedLimit relabelled DangerAhead"]


def test_boxes_are_kept_moved_relabelled_added_or_removed() -> None:
    before = [LabeledBox(SPEED, ONE), LabeledBox(SPEED, FAR)]
    assert box_changes(before, before[::-1]).text(["S", "D"]) == "no sign"
    assert box_changes(before, [LabeledBox(SPEED, MOVED), LabeledBox(SPEED, FAR)]).text(["S", "D"]) == "S moved"
    assert box_changes(before, [LabeledBox(DANGER, MOVED)]).text(["S", "D"]) == "S removed, S relabelled D"
    # The nearest pair first: what is left over is new.
    near = LabeledBox(SPEED, PixelBox(15, 10, 35, 30))
    assert box_changes(before[:1], [near, LabeledBox(DANGER, MOVED)]).text(["S", "D"]) == "S added, S relabelled D"
    assert box_changes(before, []).text(["S", "D"]) == "2 S removed"
    assert box_changes(before[:1], [LabeledBox(SPEED, FAR)]).text(["S", "D"]) == "S added, S removed"


def test_a_second_box_in_the_same_place_is_one_more(tmp_path: Path) -> None:
    before, after = version(tmp_path / "a"), version(tmp_path / "b")
    after = Dataset(after.folder, after.classes, after.images, pd.concat([after.boxes, after.boxes.iloc[:1]]))
    assert row(compare(before, after), "all") == {"boxes_added": 1}


def test_an_image_without_signs_is_counted_as_one(tmp_path: Path) -> None:
    before, after = version(tmp_path / "a", 2), version(tmp_path / "b", 3)
    bare = Dataset(after.folder, after.classes, after.images, after.boxes[after.boxes["file"] != "images/2.jpg"])
    assert row(compare(before, bare), "(no sign)") == {"images_added": 1}


def test_pictures_show_what_was_there_before_beside_what_is_there_now(tmp_path: Path) -> None:
    before, after = version(tmp_path / "a", 3), version(tmp_path / "b", 4, without=1)
    (tmp_path / "sheet.jpg").write_bytes(difference_sheet(compare(before, after), 8, 640))
    sheet = Image.open(tmp_path / "sheet.jpg").convert("RGB")
    assert sheet.width == 640
    nothing = (0xE0, 0xE0, 0xE0)
    removed_before, removed_after = sheet.getpixel((80, 60)), sheet.getpixel((240, 60))
    added_before, added_after = sheet.getpixel((400, 60)), sheet.getpixel((560, 60))
    assert (removed_after, added_before) == (nothing, nothing)
    assert nothing not in (removed_before, added_after)


def test_pictures_are_of_each_kind_in_turn_and_show_relabelled_boxes_first(tmp_path: Path) -> None:
    before, after = version(tmp_path / "a", 6), version(tmp_path / "b", 8, without=1)
    after.boxes.loc[after.boxes["file"] == "images/2.jpg", "left"] = 5.0
    after.boxes.loc[after.boxes.index[after.boxes["file"] == "images/4.jpg"][0], "class_id"] = DANGER
    result = compare(before, after)
    chosen = [(one.kind, (one.after or one.before).file) for one in select_changes(result, 4)]  # type: ignore[union-attr]
    assert chosen == [
        ("changed", "images/4.jpg"),
        ("removed", "images/1.jpg"),
        ("added", "images/6.jpg"),
        ("changed", "images/2.jpg"),
    ]
    assert len(select_changes(result, 100)) == 5
