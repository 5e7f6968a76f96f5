"""What one detector does on one set of images."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from legosigns_dagster.core.geometry import PixelBox

ALL = "all"
METRICS = ["precision", "recall", "map50", "map50_95"]
METRIC_COLUMNS = ["class_name", "images", "boxes", *METRICS]
DETECTION_COLUMNS = ["file", "class_id", "confidence", "left", "top", "right", "bottom"]
IOUS = 10  # thresholds, 0.50 to 0.95


@dataclass(frozen=True)
class Matches:
    """How every detection fits the labelled boxes, by Ultralytics' own matching: what all its metrics are made of.

    `image` (number in `files`), `class_id`, `confidence` have shape (detections,), `hit` (detections, 10): whether it
    is right at an IoU of 0.50 to 0.95. `truths` has shape (images, classes): how many boxes are labelled.
    """

    files: tuple[str, ...]
    image: npt.NDArray[np.int64]
    class_id: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float64]
    hit: npt.NDArray[np.bool_]
    truths: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Detection:
    """A box in pixels of the image as displayed, with its class id and a confidence, 0 to 1."""

    class_id: int
    confidence: float
    box: PixelBox


@dataclass(frozen=True)
class Evaluation:
    """Metrics and the detections behind them.

    `metrics` has the row `all` (means over the classes that have boxes) and a row for each class, values in [0, 1];
    precision and recall are taken at the confidence of the best mean F1. A class without a box has no number (NaN).
    `detections` are those with a confidence of at least 0.25, in pixels of the image as displayed; `matches` has all.
    """

    metrics: pd.DataFrame
    detections: pd.DataFrame
    matches: Matches

    @cached_property
    def by_file(self) -> dict[str, list[Detection]]:
        """The confident detections of each image that has one."""
        found: dict[str, list[Detection]] = {}
        for row in self.detections.itertuples():
            box = PixelBox(row.left, row.top, row.right, row.bottom)
            found.setdefault(str(row.file), []).append(Detection(int(row.class_id), float(row.confidence), box))
        return found
