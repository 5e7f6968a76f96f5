"""Asset checks name what is wrong, and stop what would be built on it."""

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from legosigns_dagster import checks
from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.core.dataset.quarantine import QuarantineRow, quarantine_table
from legosigns_dagster.core.dataset.yolo_format import read_yolo
from legosigns_dagster.core.evaluation.comparison import SliceResults, compare
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster_tests.support.builders import CLASSES, evaluation, make_dataset, pixels
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.yolo_folder import BOTH_CLASSES, NAMES, write_files, yolo_files

Check = Callable[[Dataset], Iterator[dg.AssetCheckResult]]
Change = Callable[[Dataset], object]


def swap_ids(dataset: Dataset) -> None:
    dataset.boxes["class_id"] = 1 - dataset.boxes["class_id"]


def remove_a_class(dataset: Dataset) -> None:
    dataset.boxes.loc[3, ["class_id", "class_name"]] = [0, "SpeedLimit"]


def leave_one_class(dataset: Dataset) -> None:
    dataset.boxes[["class_id", "class_name"]] = [0, "SpeedLimit"]


def put_all_in_one_group(dataset: Dataset) -> None:
    dataset.images["group"] = "burst"


def repeat_an_image(dataset: Dataset) -> None:
    (dataset.folder / "images" / "1.jpg").write_bytes((dataset.folder / "images" / "0.jpg").read_bytes())
    dataset.images["sha256"] = dataset.images["sha256"][0]


def repeat_the_looks_of_an_image(dataset: Dataset) -> None:
    with Image.open(dataset.folder / "images" / "0.jpg") as image:
        image.save(dataset.folder / "images" / "1.jpg", quality=40)


def break_a_file(dataset: Dataset) -> None:
    (dataset.folder / "images" / "1.jpg").write_bytes(b"\xff\xd8 nothing")


def change_sizes(dataset: Dataset) -> None:
    dataset.images["width"] = 48


def move_a_box_over_the_edge(dataset: Dataset) -> None:
    dataset.boxes.loc[0, "right"] = 65.0


RAW_ANNOTATIONS = [
    (swap_ids, "class_contract", "images/0.jpg: SpeedLimit has id 1"),
    (remove_a_class, "every_class_present", "val has no DangerAhead"),
    (put_all_in_one_group, "splits_share_no_group", "group burst is in train, val"),
    (repeat_an_image, "splits_share_no_group", "images/0.jpg (train) and images/1.jpg (val) are the same file"),
    (repeat_the_looks_of_an_image, "splits_share_no_group", "images/0.jpg (train) looks like images/1.jpg (val)"),
    (break_a_file, "every_image_readable", "images/1.jpg"),
    (change_sizes, "every_image_readable", "the manifest says (48, 48)"),
    (move_a_box_over_the_edge, "boxes_inside", "images/0.jpg: 4.0, 4.0, 65.0, 24.0"),
]


def run_check(check: Check, dataset: Dataset) -> dict[str, dg.AssetCheckResult]:
    return {str(result.check_name): result for result in check(dataset)}


def check_annotations(dataset: Dataset, **settings: float) -> dict[str, dg.AssetCheckResult]:
    settings = {"max_quarantined": 0.05, **settings}
    return {str(result.check_name): result for result in checks.check_annotations(dataset, **settings)}


@pytest.mark.parametrize(("change", "check", "offender"), RAW_ANNOTATIONS)
def test_what_is_wrong_fails_its_check_and_is_named(change: Change, check: str, offender: str, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, TRAIN, VAL)
    change(dataset)
    result = check_annotations(dataset)[check]
    assert not result.passed
    assert offender in str(result.metadata["offenders"].value)
    assert offender.split(",")[0] in str(result.description)


def test_a_sound_dataset_passes_every_check(tmp_path: Path) -> None:
    assert all(result.passed for result in check_annotations(make_dataset(tmp_path, TRAIN, VAL)).values())


def with_quarantine(dataset: Dataset, *rows: QuarantineRow) -> Dataset:
    """Add these rows to the quarantine of a dataset of four images, 0.jpg to 3.jpg, whose tasks are 10 to 13."""
    files = dataset.images["file"]
    sources = pd.DataFrame("", index=range(len(files)), columns=dataset.sources.columns)
    named = sources.assign(file=files, image=files.str.removeprefix("images/"), task=["10", "11", "12", "13"])
    return replace(dataset, quarantine=quarantine_table(rows), sources=named)


def test_too_many_images_in_the_quarantine_stop_the_run_and_the_worst_are_named(tmp_path: Path) -> None:
    sound = make_dataset(tmp_path, TRAIN, TRAIN, TRAIN, VAL)
    rows = [QuarantineRow("missing_image", "not there", f"{n}.jpg", str(n), link=f"/data?task={n}") for n in (1, 2)]
    dataset = with_quarantine(sound, *rows, QuarantineRow("unreadable_annotation", "cut off", annotation="77"))
    result = check_annotations(dataset)["few_quarantined"]
    assert not result.passed
    assert result.description == (
        "3 of 7 images are in the quarantine (42.9%, allowed 5.0%): 2 missing_image (1.jpg task 1, 2.jpg task 2); "
        "1 unreadable_annotation (77): correct them in Label Studio, or raise max_quarantined"
    )
    assert "missing_image: 2.jpg [task 2](/data?task=2): not there" in str(result.metadata["offenders"].value)
    assert check_annotations(dataset, max_quarantined=0.5)["few_quarantined"].passed


def test_what_people_decided_and_regions_that_are_no_signs_do_not_count_as_lost(tmp_path: Path) -> None:
    meant = [QuarantineRow(reason, "", "a.jpg", "9") for reason in ("skipped", "unlabeled", "superseded", "same_image")]
    no_sign = QuarantineRow("not_a_box:polygonlabels", "", "0.jpg", "10")
    not_in_sink = QuarantineRow("not_in_sink", "", task="10", annotation="5")
    dataset = with_quarantine(make_dataset(tmp_path, TRAIN, TRAIN, TRAIN, VAL), *meant, no_sign, not_in_sink)
    assert check_annotations(dataset, max_quarantined=0.0)["few_quarantined"].passed


@pytest.mark.parametrize("reason", ["empty_box", "no_class", "outside", "sign_not_a_box:ellipselabels", "two_classes"])
def test_a_region_that_an_image_in_use_has_lost_counts(reason: str, tmp_path: Path) -> None:
    dataset = with_quarantine(
        make_dataset(tmp_path, TRAIN, TRAIN, TRAIN, VAL), QuarantineRow(reason, "", "0.jpg", "10")
    )
    result = check_annotations(dataset)["few_quarantined"]
    assert not result.passed
    assert result.description == (
        "0 of 4 images are in the quarantine (0.0%, allowed 5.0%), and 1 of 9 boxes of the other images (11.1%): "
        f"1 {reason} (0.jpg task 10): correct them in Label Studio, or raise max_quarantined"
    )
    assert f"{reason}: 0.jpg [task 10]()" in str(result.metadata["offenders"].value)
    assert check_annotations(dataset, max_quarantined=0.12)["few_quarantined"].passed


@pytest.mark.parametrize(
    ("row", "share"),
    [
        pytest.param(QuarantineRow("other_boxes", "task 10 has the same image", "copy.jpg", "14"), 0.2, id="a copy"),
        pytest.param(QuarantineRow("missing_image", "page 2", "page2.jpg", "10"), 0.2, id="a page of a task in use"),
    ],
)
def test_a_copy_with_other_boxes_and_a_page_count_as_lost_images(
    row: QuarantineRow, share: float, tmp_path: Path
) -> None:
    dataset = with_quarantine(make_dataset(tmp_path, TRAIN, TRAIN, TRAIN, VAL), row)
    result = check_annotations(dataset)["few_quarantined"]
    assert not result.passed
    assert result.metadata["share"].value == pytest.approx(share)


@pytest.mark.parametrize(("left", "passed"), [(4, True), (9, False)])
def test_a_synthetic_box_that_does_not_fit_its_pixels_is_named(left: int, passed: bool, tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, TRAIN, origin="synthetic")
    mask = np.zeros((48, 64), np.uint8)
    mask[4:24, left : left + 20] = 1
    mask[10:40, 30:50] = 2
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "0.png")
    result = run_check(checks.check_synthetic, dataset)["boxes_fit_their_pixels"]
    assert result.passed is passed
    assert ("images/0.jpg, box 1" in str(result.metadata["offenders"].value)) is not passed


def check_comparison(
    tmp_path: Path, images: int, found_by_base: int, found_by_new: int
) -> dict[str, dg.AssetCheckResult]:
    """Results of both criteria on slices where base and new weights find the boxes of the first images only."""
    dataset = make_dataset(tmp_path, *[VAL] * images)
    base, new = (
        evaluation(dataset, *[(image, box, 0.9) for image in range(count) for box in (0, 1)])
        for count in (found_by_base, found_by_new)
    )
    slices = [
        SliceResults(Slice.CLASSICAL.title, dataset, base, new),
        SliceResults(Slice.LEGO.title, dataset, base, new, "map50"),
    ]
    results = checks.check_comparison(ComparisonReport(tmp_path, compare(slices)), checks.AcceptanceConfig())
    return {str(result.check_name): result for result in results}


@pytest.mark.parametrize(
    ("images", "base", "new", "kept", "gained"),
    [
        pytest.param(40, 20, 40, "passed", "passed", id="far more is found"),
        pytest.param(40, 40, 20, "ERROR", "ERROR", id="far less is found"),
        pytest.param(40, 20, 20, "passed", "WARN", id="the same is found: nothing lost, nothing gained"),
        pytest.param(5, 1, 5, "WARN", "WARN", id="five groups of images are inconclusive"),
    ],
)
def test_a_criterion_passes_fails_or_warns_that_it_is_inconclusive(
    images: int, base: int, new: int, kept: str, gained: str, tmp_path: Path
) -> None:
    results = check_comparison(tmp_path, images, base, new)
    outcomes = {name: "passed" if r.passed else r.severity.value for name, r in results.items()}
    assert outcomes == {"classical_signs_kept": kept, "lego_signs_gained": gained}
    assert ("at least 6 groups of images are needed" in str(results["lego_signs_gained"].description)) is (images < 6)
    for result in results.values():
        assert ("inconclusive with" in str(result.description)) is (
            not result.passed and result.severity.value == "WARN"
        )
        assert "95 % interval" in str(result.description)
        assert "about 0 " not in str(result.description)


def image_bytes(seed: int, quality: int) -> bytes:
    """The bytes of the image of a seed, compressed as told."""
    content = io.BytesIO()
    pixels(seed).save(content, "JPEG", quality=quality)
    return content.getvalue()


def read_classical(folder: Path, files: Mapping[str, str | bytes | int]) -> Dataset:
    return read_yolo(write_files(folder / "given", files), CLASSES, folder / "into", "classical", SILENT)


def test_a_sound_classical_set_passes_every_check(tmp_path: Path) -> None:
    assert all(r.passed for r in run_check(checks.check_classical, read_classical(tmp_path, yolo_files())).values())


IN_VAL = {"images/val/other.jpg": 0, "labels/val/other.txt": BOTH_CLASSES}


@pytest.mark.parametrize(
    ("files", "offender"),
    [
        pytest.param(yolo_files() | IN_VAL, "val-other-", id="val has a train image under another name"),
        pytest.param(yolo_files() | {**IN_VAL, "images/val/other.jpg": image_bytes(0, quality=40)}, "looks like",
                     id="val has a train image that was compressed again"),
        # yolov5 issue 8773: the example set has one folder for both
        pytest.param(yolo_files(data=f"{NAMES}train: images/train\nval: images/train\n"), "are the same file",
                     id="val is train"),
        pytest.param(yolo_files(data=f"{NAMES}train: images/train\nval: images/val\ntest: images/val\n"),
                     "val-i100-", id="test is val"),
    ],
)  # fmt: skip
def test_a_classical_val_that_repeats_train_stops_the_run(
    files: Mapping[str, str | bytes | int], offender: str, tmp_path: Path
) -> None:
    result = run_check(checks.check_classical, read_classical(tmp_path, files))["splits_share_no_group"]
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert offender in str(result.metadata["offenders"].value)


@pytest.mark.parametrize(
    ("train", "val", "passed"),
    [("00003_0", "00003_1", False), ("00003_0", "00004_0", True), ("IMG_0001", "IMG_0002", True)],
    ids=["one scene", "two scenes", "a camera's names"],
)
def test_a_scene_name_in_two_classical_splits_is_a_warning(train: str, val: str, passed: bool, tmp_path: Path) -> None:
    more: dict[str, str | bytes | int] = {f"images/train/{train}.jpg": 50, f"labels/train/{train}.txt": BOTH_CLASSES,
            f"images/val/{val}.jpg": 51, f"labels/val/{val}.txt": BOTH_CLASSES}  # fmt: skip
    dataset = read_classical(tmp_path, yolo_files() | more)
    result = run_check(checks.check_classical, dataset)["splits_share_no_group"]
    assert result.passed is passed
    assert passed or result.severity == dg.AssetCheckSeverity.WARN
    assert passed or "scene 00003 is in train, val" in str(result.description)


@pytest.mark.parametrize(
    ("change", "check", "offender"),
    [
        (swap_ids, "class_contract", "has id 1"),
        (leave_one_class, "every_class_present", "train has no DangerAhead"),
        (change_sizes, "every_image_readable", "the manifest says (48, 48)"),
        (put_all_in_one_group, "splits_share_no_group", "group burst is in train, val"),
    ],
)  # fmt: skip
def test_each_check_of_the_classical_set_can_fail(change: Change, check: str, offender: str, tmp_path: Path) -> None:
    dataset = read_classical(tmp_path, yolo_files())
    change(dataset)
    result = run_check(checks.check_classical, dataset)[check]
    assert not result.passed
    assert offender in str(result.metadata["offenders"].value)


def test_a_missing_classical_set_is_a_warning_that_stops_nothing(tmp_path: Path) -> None:
    results = run_check(checks.check_classical, make_dataset(tmp_path, TRAIN).part())
    assert len(results) == 4
    for result in results.values():
        assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert "nothing protects the old skill" in str(result.description)
