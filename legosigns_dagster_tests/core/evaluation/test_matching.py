"""Detections are matched with boxes as Ultralytics matches them."""

from pathlib import Path

import numpy as np
import pytest

from legosigns_dagster.core.dataset.dataset import VAL
from legosigns_dagster.core.evaluation.matching import match_detections, match_image
from legosigns_dagster.core.evaluation.score import mean_average_precision
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster_tests.support.builders import make_dataset

LABEL = (0, PixelBox(0, 0, 100, 100))


def sign(width: float, class_id: int = 0) -> Detection:
    """A detection over the left part of the label: its width in pixels is the IoU in percent."""
    return Detection(class_id, 0.9, PixelBox(0, 0, width, 100))


@pytest.mark.parametrize(
    ("found", "hits"),
    {
        "exact": ([sign(100)], [10]),
        "an IoU of 0.72": ([sign(72)], [5]),
        "an IoU below 0.5": ([sign(49)], [0]),
        "another class": ([sign(100, class_id=1)], [0]),
        "the more confident of two": ([sign(72), sign(90)], [5, 4]),
        "none": ([], []),
    }.values(),
)
def test_a_box_is_found_once_by_the_most_confident_detection(found: list[Detection], hits: list[int]) -> None:
    assert match_image(found, [LABEL]).sum(axis=1).tolist() == hits


def test_the_matching_is_that_of_ultralytics() -> None:
    import torch
    from ultralytics.engine.validator import BaseValidator

    chance = np.random.default_rng(3)
    for _ in range(20):
        labels = [(int(chance.integers(2)), PixelBox(x, y, x + 30, y + 30)) for x, y in chance.uniform(0, 90, (6, 2))]
        found = []
        for class_id, box in labels * 2:
            dx, dy = chance.uniform(-6, 6, 2)
            moved = PixelBox(box.left + dx, box.top + dy, box.right + dx, box.bottom + dy)
            found.append(Detection(class_id, 0.9, moved))
        iou = torch.tensor([[one.box.iou(box) for one in found] for _, box in labels])
        validator = BaseValidator.__new__(BaseValidator)
        validator.iouv = torch.linspace(0.5, 0.95, 10)
        classes = [torch.tensor([one.class_id for one in found]), torch.tensor([label for label, _ in labels])]
        expected = validator.match_predictions(classes[0], classes[1], iou).numpy()
        assert np.array_equal(match_image(found, labels), expected)


def test_finding_every_box_of_a_dataset_is_a_map_of_almost_1_and_none_is_0(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path, VAL, VAL)
    right = {image.file: [Detection(one.class_id, 0.9, one.box) for one in image.boxes] for image in dataset}
    assert mean_average_precision(match_detections(dataset, right)) == pytest.approx((0.995, 0.995), abs=0.006)
    assert mean_average_precision(match_detections(dataset, {})) == (0, 0)
