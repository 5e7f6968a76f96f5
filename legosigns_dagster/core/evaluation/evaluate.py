"""Evaluates weights as they are served: each image is prepared, and each answer decoded, as a client does it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.evaluation import DETECTION_COLUMNS, Evaluation
from legosigns_dagster.core.evaluation.matching import match_detections
from legosigns_dagster.core.evaluation.metrics import metrics_table
from legosigns_dagster.core.inference.contract import DEFAULT_THRESHOLD, ModelContract
from legosigns_dagster.core.inference.decode import decode
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.inference.prepare import Engine, prepare

LOWEST_CONFIDENCE = 0.001  # of what counts for mAP, as Ultralytics does it


def evaluate(engine: Engine, dataset: Dataset, image_size: int) -> Evaluation:
    """Compute metrics and detections of an engine on all images of a dataset, one image at a time.

    Args:
        engine: The loaded weights.
        dataset: The images, with the classes that the weights tell apart.
        image_size: Width and height in pixels of what it sees.

    Raises:
        ValueError: The engine answers in another shape.
    """
    contract = complete_contract(engine, dataset.classes, image_size)
    lowest = (LOWEST_CONFIDENCE,) * len(dataset.classes.names)
    found: dict[str, list[Detection]] = {}
    for file in map(str, dataset.images["file"]):
        with Image.open(dataset.folder / file) as image:
            found[file] = detect(engine, image, contract, lowest)
    matches = match_detections(dataset, found)
    rows = [
        (file, one.class_id, one.confidence, one.box.left, one.box.top, one.box.right, one.box.bottom)
        for file, detections in found.items()
        for one in detections
        if one.confidence >= DEFAULT_THRESHOLD
    ]
    return Evaluation(metrics_table(matches, dataset), pd.DataFrame(rows, columns=DETECTION_COLUMNS), matches)


def complete_contract(engine: Engine, classes: SignClasses, image_size: int) -> ModelContract:
    """Write the contract of an engine, which is asked for the shape of its answer.

    Raises:
        ValueError: The answer has another shape than (1, 4 + classes, anchors).
    """
    output = engine(np.zeros((1, 3, image_size, image_size), np.float32))
    thresholds = (DEFAULT_THRESHOLD,) * len(classes.names)
    return ModelContract(classes, image_size, output.shape, thresholds)  # type: ignore[arg-type]


def detect(engine: Engine, image: Image.Image, contract: ModelContract, thresholds: Sequence[float]) -> list[Detection]:
    """Find the signs in an image, down to the lowest confidence of each class."""
    tensor, placement = prepare(image, contract)
    return decode(engine(tensor), contract, placement, thresholds)
