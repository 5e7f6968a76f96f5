import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.quarantine import RejectedError
from legosigns_dagster.core.files import file_sha256, folder_digest, index_folder
from legosigns_dagster.core.ingestion.fetched_images import image_name
from legosigns_dagster.core.ingestion.ingest import ingest
from legosigns_dagster.core.ingestion.label_studio import read_documents
from legosigns_dagster.core.ingestion.settings import DatasetSettings, Recipe
from legosigns_dagster_tests.support.builders import CLASSES, annotation, pixels, region, task, write_image
from legosigns_dagster_tests.support.logs import SILENT


def run(folder: Path, *tasks: dict[str, Any], url: str = "", **policies: Any) -> Dataset:
    """The dataset of these tasks; images come from `folder/images`."""

    def fetch(url: str, into: Path) -> Path:
        file = folder / "images" / image_name(url)
        if not file.is_file():
            raise RejectedError("missing_image", url)
        return file

    into = folder / "dataset"
    into.mkdir(exist_ok=True)
    documents, rows = read_documents("export", json.dumps(tasks))
    recipe = Recipe(CLASSES, DatasetSettings(**policies), url)
    return ingest(documents, rows, fetch, recipe, into, SILENT)


def test_an_image_without_an_orientation_tag_is_kept_byte_for_byte(tmp_path: Path) -> None:
    source = write_image(tmp_path / "images" / "a.jpg")
    dataset = run(tmp_path, task("a.jpg", annotation(region())))
    assert [file_sha256(dataset.folder / file) for file in dataset.images["file"]] == [file_sha256(source)]


@pytest.mark.parametrize(("orientation", "turned"), [(3, Image.Transpose.ROTATE_180), (6, Image.Transpose.ROTATE_270)])
def test_orientation_is_baked_into_the_pixels(tmp_path: Path, orientation: int, turned: Image.Transpose) -> None:
    write_image(tmp_path / "images" / "a.jpg", seed=5, orientation=orientation)
    displayed = pixels(5).transpose(turned)
    size = {"original_width": displayed.width, "original_height": displayed.height}
    dataset = run(tmp_path, task("a.jpg", annotation(region(**size))))
    stored = Image.open(dataset.folder / dataset.images["file"][0])
    assert stored.getexif().get(0x0112, 1) == 1
    assert stored.size == displayed.size
    assert np.abs(np.asarray(stored, float) - np.asarray(displayed, float)).mean() < 3
    assert dataset.sources["orientation"].tolist() == [orientation]


def test_a_bad_task_is_a_row_that_names_it_and_the_others_are_unharmed(tmp_path: Path) -> None:
    for name in ("good.jpg", "skipped.jpg", "never.jpg", "stop.jpg"):
        write_image(tmp_path / "images" / name, seed=len(name))
    (tmp_path / "images" / "broken.jpg").write_bytes((tmp_path / "images" / "good.jpg").read_bytes()[:700])
    (tmp_path / "images" / "text.jpg").write_text("<html>not found</html>")
    dataset = run(
        tmp_path,
        task("good.jpg", annotation(region(), region(type="brushlabels")), id=1),
        task("skipped.jpg", annotation(region(), was_cancelled=True), id=2),
        task("never.jpg", id=3),
        task("stop.jpg", annotation(region(value={"rectanglelabels": ["Stop"]})), id=4),
        task("broken.jpg", annotation(region()), id=5),
        task("text.jpg", annotation(region()), id=6),
        task("nowhere.jpg", annotation(region()), id=7),
        url="https://labels.example.invalid/",
    )
    rows = {row.task: (row.reason, row.image) for row in dataset.quarantine.itertuples()}
    assert rows == {
        "1": ("not_a_box:brushlabels", "good.jpg"),
        "2": ("skipped", ""),
        "3": ("unlabeled", ""),
        "4": ("unknown_class", "stop.jpg"),
        "5": ("unreadable_image", "broken.jpg"),
        "6": ("unreadable_image", "text.jpg"),
        "7": ("missing_image", "nowhere.jpg"),
    }
    assert "https://labels.example.invalid/projects/1/data?task=4" in dataset.quarantine["link"].tolist()
    assert [Path(file).name[:4] for file in dataset.images["file"]] == ["good"]
    assert len(list((dataset.folder / "images").iterdir())) == 1, "what is rejected leaves no file behind"


def read_boxes(dataset: Dataset) -> dict[str, list[str]]:
    """The classes on each image, by its name."""
    names = dict(zip(dataset.sources["file"], dataset.sources["image"], strict=True))
    return {names[one.file]: [dataset.classes.names[box.class_id] for box in one.boxes] for one in dataset}


@pytest.mark.parametrize(
    ("data", "page"),
    [
        pytest.param({"left": "s3://b/l.jpg", "right": "s3://b/r.jpg"}, 0, id="two Image tags"),
        pytest.param({"left": ["s3://b/l.jpg", "s3://b/r.jpg"]}, 1, id="two pages"),
    ],
)
def test_each_image_of_a_task_has_its_own_boxes(data: dict[str, Any], page: int, tmp_path: Path) -> None:
    for seed, name in enumerate(("l.jpg", "r.jpg")):
        write_image(tmp_path / "images" / name, seed=seed)
    on_left = region(to_name="left", item_index=0)
    on_right = region(to_name=list(data)[-1], item_index=page, value={"rectanglelabels": ["DangerAhead"]})
    dataset = run(tmp_path, {"id": 1, "data": data, "annotations": [annotation(on_left, on_right), annotation(id=0)]})
    assert read_boxes(dataset) == {"l.jpg": ["SpeedLimit"], "r.jpg": ["DangerAhead"]}
    assert dataset.quarantine["reason"].tolist() == ["superseded"], "once for the task"


def test_a_missing_page_is_a_row_and_the_other_pages_are_used(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "l.jpg")
    write_image(tmp_path / "images" / "other.jpg", seed=2)
    pages = {"id": 1, "data": {"image": ["l.jpg", "gone.jpg", 7]}, "annotations": [annotation(region(item_index=0))]}
    dataset = run(tmp_path, pages, task("other.jpg", annotation(), id=2))
    assert read_boxes(dataset) == {"l.jpg": ["SpeedLimit"], "other.jpg": []}
    rows = [(row.reason, row.image, row.task) for row in dataset.quarantine.itertuples()]
    assert rows == [("missing_image", "gone.jpg", "1"), ("no_image", "", "1")]


ODD_TASKS: dict[str, tuple[dict[str, Any], str]] = {
    "annotations are null": ({"data": {"image": "a.jpg"}, "annotations": None}, "unlabeled"),
    "an annotation is null": ({"data": {"image": "a.jpg"}, "annotations": [None]}, "unreadable_annotation"),
    "a result of text": ({"data": {"image": "a.jpg"}, "annotations": [{"result": "r"}]}, "unreadable_annotation"),
    "data is a list": ({"data": ["a.jpg"], "annotations": []}, "unreadable_annotation"),
    "a region is null": ({"data": {"image": "a.jpg"}, "annotations": [{"result": [None]}]}, "unreadable_region"),
    "a region is a number": ({"data": {"image": "a.jpg"}, "annotations": [{"result": [7]}]}, "unreadable_region"),
    "a relation without ends": ({"data": {"image": "a.jpg"}, "annotations": [annotation({"type": "relation"})]}, ""),
    "a type that is a list": (
        {"data": {"image": "a.jpg"}, "annotations": [annotation({"type": [1]})]}, "unreadable_region"
    ),
    "the image is a number": ({"data": {"image": 5}, "annotations": [annotation(region())]}, "no_image"),
    "the source is an object": (
        {"data": {"image": "a.jpg"}, "annotations": [annotation(region(source={}, to_name={}))]}, ""
    ),
}  # fmt: skip


@pytest.mark.parametrize(("odd", "reason"), ODD_TASKS.values(), ids=list(ODD_TASKS))
def test_an_odd_task_is_a_row_or_is_read_and_the_one_beside_it_is_unharmed(
    odd: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    for seed, name in enumerate(("a.jpg", "good.jpg")):
        write_image(tmp_path / "images" / name, seed=seed)
    dataset = run(tmp_path, {"id": 7, "project": 1} | odd, task("good.jpg", annotation(region()), id=1))
    assert read_boxes(dataset)["good.jpg"] == ["SpeedLimit"]
    assert [(row.reason, row.task) for row in dataset.quarantine.itertuples()] == ([(reason, "7")] if reason else [])


def test_whatever_an_image_of_one_task_raises_is_a_row_and_a_disk_that_fails_ends_the_run(tmp_path: Path) -> None:
    write_image(tmp_path / "a.jpg")
    documents, _ = read_documents(
        "x", json.dumps([task("a.jpg", annotation(), id=1), task("b.jpg", annotation(), id=2)])
    )

    def fetch_with(error: Exception) -> Dataset:
        def fetch(url: str, into: Path) -> Path:
            if url.endswith("b.jpg"):
                raise error
            return tmp_path / "a.jpg"

        return ingest(documents, [], fetch, Recipe(CLASSES), tmp_path / type(error).__name__, SILENT)

    for error in (ValueError("'REDACTED' is no address"), KeyError("x"), TypeError("t"), RecursionError("deep")):
        dataset = fetch_with(error)
        (row,) = dataset.quarantine.itertuples()
        assert (row.reason, row.task, row.image) == ("unreadable_task", "2", "b.jpg")
        assert row.detail.startswith(f"{type(error).__name__}: {error}: correct the task")
        assert read_boxes(dataset) == {"a.jpg": []}
    with pytest.raises(OSError, match="No space left"):
        fetch_with(OSError("No space left on device"))


def test_a_host_in_brackets_that_is_no_address_ends_no_run(tmp_path: Path) -> None:
    for seed, name in enumerate(("a.jpg", "good.jpg")):
        write_image(tmp_path / "images" / name, seed=seed)
    anonymous = task("", annotation(region()), id=2) | {"data": {"image": "https://[REDACTED]/bucket/a.jpg"}}
    dataset = run(tmp_path, task("good.jpg", annotation(region()), id=1), anonymous)
    assert set(read_boxes(dataset)) | set(dataset.quarantine["task"]) in ({"good.jpg", "a.jpg"}, {"good.jpg", "2"})


def test_an_empty_submission_is_an_image_without_signs(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.jpg")
    dataset = run(tmp_path, task("a.jpg", annotation()))
    assert (len(dataset.images), len(dataset.boxes), len(dataset.quarantine)) == (1, 0, 0)


def test_the_annotations_that_do_not_count_are_listed(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.jpg")
    dataset = run(tmp_path, task("a.jpg", annotation(id=1), annotation(region(), id=2)))
    assert len(dataset.boxes) == 1
    assert dataset.quarantine[["reason", "annotation"]].values.tolist() == [["superseded", "1"]]


def test_one_image_in_two_tasks_is_one_image_and_the_latest_annotation_counts(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.jpg", seed=1)
    write_image(tmp_path / "images" / "copy.jpg", seed=1)
    newer = task("a.jpg", annotation(region(), region(0, 0, 10, 10), id=9), id=1)
    older = task("copy.jpg", annotation(region(), id=2), id=2)
    dataset = run(tmp_path, newer, older)
    assert (len(dataset.images), len(dataset.boxes)) == (1, 2)
    row = dataset.quarantine.iloc[0]
    assert (row["reason"], row["task"]) == ("other_boxes", "2")
    assert "OTHER boxes" in row["detail"]


def test_a_second_task_with_the_same_image_and_the_same_boxes_is_a_copy(tmp_path: Path) -> None:
    for name in ("a.jpg", "copy.jpg"):
        write_image(tmp_path / "images" / name, seed=1)
    dataset = run(
        tmp_path, task("a.jpg", annotation(region(), id=1), id=1), task("copy.jpg", annotation(region(), id=2), id=2)
    )
    assert dataset.quarantine[["reason", "task"]].values.tolist() == [["same_image", "1"]]


def test_by_policy_one_image_with_two_different_annotations_is_not_used(tmp_path: Path) -> None:
    for name, seed in (("a.jpg", 1), ("copy.jpg", 1), ("b.jpg", 2)):
        write_image(tmp_path / "images" / name, seed=seed)
    tasks = [task("a.jpg", annotation(region()), id=1), task("copy.jpg", annotation(), id=2)]
    dataset = run(tmp_path, *tasks, task("b.jpg", annotation(), id=3), several_annotations="reject")
    assert dataset.sources["task"].tolist() == ["3"]
    assert [(r.reason, r.task) for r in dataset.quarantine.itertuples()] == [
        ("several_annotations", "1"),
        ("several_annotations", "2"),
    ]


def test_images_of_the_same_name_stay_two(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "a.jpg", seed=1)
    write_image(tmp_path / "images" / "a.jpeg", seed=2)
    dataset = run(tmp_path, task("a.jpg", annotation(), id=1), task("a.jpeg", annotation(region()), id=2))
    assert sorted(dataset.images["file"].str.endswith(".jpg")) == [True, True]
    assert len(set(dataset.images["file"])) == 2


def test_names_in_other_alphabets_become_safe_file_names(tmp_path: Path) -> None:
    write_image(tmp_path / "images" / "знак é.jpg")
    dataset = run(tmp_path, task("знак é.jpg", annotation(region())))
    assert dataset.images["file"][0].isascii()
    assert dataset.sources["image"][0] == "знак é.jpg"


def test_an_empty_project_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="0 tasks, no usable image .*annotate some images"):
        run(tmp_path)


def test_a_project_of_which_nothing_is_usable_is_an_error_with_its_reasons(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"1 tasks.*'missing_image': 1.*gone\.jpg"):
        run(tmp_path, task("gone.jpg", annotation(region())))


def test_the_same_tasks_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    digests = []
    tasks = [task(f"{n}.jpg", annotation(region(n, n, 20, 20)), id=n) for n in range(1, 9)]
    for folder, given in ((tmp_path / "one", tasks), (tmp_path / "two", tasks[::-1])):
        for n in range(1, 9):
            write_image(folder / "images" / f"{n}.jpg", seed=n)
        digests.append(folder_digest(index_folder(run(folder, *given).save())))
    assert digests[0] == digests[1]


def test_images_of_a_camera_without_a_clock_are_grouped_by_looks_and_listed(tmp_path: Path) -> None:
    for n in range(8):  # mapillary/mapillary_issues#1977
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = "2016:01:01 00:00:00"
        (tmp_path / "images").mkdir(exist_ok=True)
        pixels(n).save(tmp_path / "images" / f"{n}.jpg", exif=exif)
    dataset = run(tmp_path, *(task(f"{n}.jpg", annotation(region()), id=n) for n in range(8)))
    assert dataset.images["group"].nunique() == 8
    rows = dataset.adjustments[["reason", "image"]].values.tolist()
    assert rows == [["shared_time", f"{n}.jpg"] for n in range(1, 8)]
    assert dataset.adjustments["detail"][0].startswith("taken at the same time as 0.jpg, which look different")
