"""Average precision by the size of signs."""

import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from legosigns_dagster.core.analysis.sizes import ObjectSize, SizeResults, compare_sizes
from legosigns_dagster.core.dataset.dataset import VAL, Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.evaluation.evaluation import DETECTION_COLUMNS
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster_tests.support.builders import CLASSES, evaluation

SMALL, LARGE = LabeledBox(0, PixelBox(0, 0, 20, 20)), LabeledBox(0, PixelBox(100, 100, 300, 300))
MEDIUM = LabeledBox(0, PixelBox(100, 100, 133, 133))
IMAGES = 8


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Images of 640 px with a small and a large sign each."""
    return Dataset.from_images(
        tmp_path,
        CLASSES,
        [LabeledImage(f"{n}.jpg", "", (640, 480), (SMALL, LARGE), VAL, f"g{n}", "classical") for n in range(IMAGES)],
    )


def sizes(dataset: Dataset, base: list[int], new: list[int], image_size: int = 640) -> dict[str, SizeResults]:
    """What weights reach that find only these boxes, by number, on each image."""
    before, after = (
        evaluation(dataset, *((image, box, 0.9) for image in range(IMAGES) for box in boxes)) for boxes in (base, new)
    )
    results = compare_sizes(list(dataset), before, after, 2, image_size)
    return {one.size.name: one for one in results}


def test_a_size_is_judged_by_its_own_signs_alone(dataset: Dataset) -> None:
    by_size = sizes(dataset, base=[1], new=[0, 1])
    small, large = by_size["SMALL"], by_size["LARGE"]
    assert (small.boxes, small.base, round(small.new, 3)) == (IMAGES, 0.0, 0.995)
    assert (large.boxes, round(large.base, 3), round(large.new, 3)) == (IMAGES, 0.995, 0.995)
    assert small.interval.verdict == "better"
    assert (large.interval.low, large.interval.high) == (0.0, 0.0)


@pytest.mark.parametrize(
    "box",
    [
        pytest.param(PixelBox(400, 200, 600, 400), id="wrong, but large"),
        pytest.param(PixelBox(100, 100, 130, 130), id="small, but right: it stands for a sign that is medium"),
    ],
)
def test_what_is_found_of_another_size_does_not_count(tmp_path: Path, box: PixelBox) -> None:
    images = [
        LabeledImage(f"{n}.jpg", "", (640, 480), (SMALL, MEDIUM), VAL, f"g{n}", "classical") for n in range(IMAGES)
    ]
    found = evaluation(Dataset.from_images(tmp_path, CLASSES, images), *((n, 0, 0.5) for n in range(IMAGES)))
    more = [[image.file, 0, 0.9, box.left, box.top, box.right, box.bottom] for image in images]
    detections = pd.concat([found.detections, pd.DataFrame(more, columns=DETECTION_COLUMNS)])
    small = compare_sizes(images, found, replace(found, detections=detections), 2, 640)[0]
    assert (round(small.base, 3), round(small.new, 3)) == (0.995, 0.995)


def test_a_size_without_a_sign_has_a_count_and_no_figure(dataset: Dataset) -> None:
    medium = sizes(dataset, base=[1], new=[1])["MEDIUM"]
    assert medium.boxes == 0
    assert all(map(math.isnan, (medium.base, medium.new, medium.interval.low)))


def test_with_signs_in_few_groups_there_is_no_interval(dataset: Dataset) -> None:
    few = Dataset(dataset.folder, dataset.classes, dataset.images, dataset.boxes.iloc[:5])
    found = evaluation(few, (0, 0, 0.9))
    small = compare_sizes(list(few), found, found, 2, 640)[0]
    assert small.boxes == 3
    assert math.isnan(small.interval.low)


def test_sizes_are_those_that_the_network_sees(dataset: Dataset) -> None:
    assert sizes(dataset, base=[], new=[], image_size=64)["SMALL"].boxes == 2 * IMAGES


@pytest.mark.parametrize(("side", "size"), [(31.9, "SMALL"), (32, "MEDIUM"), (95.9, "MEDIUM"), (96, "LARGE")])
def test_the_limits_are_those_of_coco(side: float, size: str) -> None:
    assert ObjectSize.from_box(PixelBox(0, 0, side, side), (640, 480), 640).name == size
