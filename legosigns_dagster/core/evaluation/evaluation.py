"""What a detector finds on a set of images, and its metrics there."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.inference.detection import Detection

ALL = "all"  # stands for a class name in the row with the means over all classes
METRICS = ["precision", "recall", "map50", "map50_95"]
METRIC_COLUMNS = ["class_name", "images", "boxes", *METRICS]
DETECTION_COLUMNS = ["file", "class_id", "confidence", "left", "top", "right", "bottom"]
IOU_COUNT = 10  # IoU thresholds: 0.50, 0.55, … 0.95


@dataclass(frozen=True)
class Matches:
    """All detections on a set of images, matched with the annotated boxes. All metrics are computed from it.

    The matching is the one of Ultralytics. Detections of all images lie one after another.

    Attributes:
        files: The images, relative to the dataset's folder.
        image: Shape (detections,): the image's position in `files`.
        class_id: Shape (detections,): the detected class.
        confidence: Shape (detections,): 0 to 1.
        hit: Shape (detections, 10): whether the detection is correct at an IoU threshold of 0.50, 0.55, … 0.95.
        box_counts: Shape (images, classes): the number of annotated boxes.
    """

    files: tuple[str, ...]
    image: npt.NDArray[np.int64]
    class_id: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float64]
    hit: npt.NDArray[np.bool_]
    box_counts: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one detector on a set of images, and the detections behind them.

    Attributes:
        metrics: The row `all` (means over the classes that have boxes), then a row for each class. Values from 0 to 1,
            NaN for a class without a box. Precision and recall are taken at the confidence of the best mean F1.
        detections: Detections with a confidence of at least 0.25, a row each. Boxes in pixels of the image as it is
            displayed.
        matches: All detections, those with a low confidence too.
    """

    metrics: pd.DataFrame
    detections: pd.DataFrame
    matches: Matches

    @cached_property
    def by_file(self) -> dict[str, list[Detection]]:
        """The rows of `detections` by image. Images without a detection have no entry."""
        by_file: dict[str, list[Detection]] = {}
        for row in self.detections.itertuples():
            box = PixelBox(row.left, row.top, row.right, row.bottom)
            by_file.setdefault(str(row.file), []).append(Detection(int(row.class_id), float(row.confidence), box))
        return by_file
