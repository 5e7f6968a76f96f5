"""The table of metrics has Ultralytics' figures."""

from pathlib import Path

import numpy as np
import pytest

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import VAL
from legosigns_dagster.core.evaluation.evaluation import ALL, IOU_COUNT, METRICS, Matches
from legosigns_dagster.core.evaluation.metrics import best_precision_and_recall, metrics_table
from legosigns_dagster_tests.support.builders import make_dataset, make_matches


def random_matches(seed: int, classes: int = 3, images: int = 12) -> Matches:
    """Detections of which some are right up to some IoU; the last class has no box."""
    draw = np.random.default_rng(seed)
    count = int(draw.integers(1, 90))
    hit = np.arange(IOU_COUNT) < draw.integers(0, IOU_COUNT + 1, (count, 1))
    boxes = draw.integers(0, 5, (images, classes))
    boxes[:, -1] = 0
    return Matches(
        tuple(map(str, range(images))), np.sort(draw.integers(0, images, count)), draw.integers(0, classes, count),
        draw.uniform(0, 1, count), hit, boxes,
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_the_figures_are_those_of_ultralytics_for_the_same_detections(seed: int, tmp_path: Path) -> None:
    from ultralytics.utils.metrics import ap_per_class

    matches = random_matches(seed)
    classes = np.repeat(np.arange(3), matches.box_counts.sum(axis=0))
    _, _, precision, recall, _, ap, known, *_ = ap_per_class(matches.hit, matches.confidence, matches.class_id, classes)
    expected = np.full((4, len(METRICS)), np.nan)
    expected[1 + known] = np.stack([precision, recall, ap[:, 0], ap.mean(axis=1)], axis=1)
    expected[0] = expected[1 + known].mean(axis=0)
    table = metrics_table(matches, make_dataset(tmp_path, VAL, classes=SignClasses(("a", "b", "c"))))
    assert table[METRICS].to_numpy(float) == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_a_class_without_a_box_has_no_figures_and_does_not_count_in_the_mean(tmp_path: Path) -> None:
    matches = make_matches(10, missed=0)
    matches.box_counts[:, 1] = 0
    assert np.isnan(best_precision_and_recall(matches)[2]).all()
    assert best_precision_and_recall(matches)[0].tolist() == [1.0, 1.0]


def test_the_rows_count_images_and_boxes(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, VAL, VAL)
    table = metrics_table(make_matches(len(dataset.images), missed=0), dataset).set_index("class_name")
    assert table.loc[ALL, ["images", "boxes"]].tolist() == [len(dataset.images), len(dataset.boxes)]
    assert table["boxes"].iloc[1:].sum() == len(dataset.boxes)
