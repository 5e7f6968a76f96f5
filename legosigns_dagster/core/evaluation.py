"""What one detector does on one set of images."""

from dataclasses import dataclass

import pandas as pd

ALL = "all"
METRICS = ["precision", "recall", "map50", "map50_95"]
METRIC_COLUMNS = ["class_name", "images", "boxes", *METRICS]
DETECTION_COLUMNS = ["file", "class_id", "confidence", "left", "top", "right", "bottom"]


@dataclass(frozen=True)
class Evaluation:
    """Metrics and the detections behind them.

    `metrics` has the row `all` (means over the classes that have boxes) and a row for each class, values in [0, 1];
    precision and recall are taken at the confidence of the best mean F1. A class without a box has no number (NaN).
    `detections` are those with a confidence of at least 0.25, in pixels of the image as displayed.
    """

    metrics: pd.DataFrame
    detections: pd.DataFrame
