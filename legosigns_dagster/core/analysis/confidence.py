"""Precision, recall and F1 of one class over the confidence from which on detections are kept."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.evaluation.evaluation import Matches
from legosigns_dagster.core.evaluation.thresholds import class_detections

CONFIDENCES = np.linspace(0, 1, 101)


def confidence_curves(slices: Sequence[Matches], class_id: int) -> npt.NDArray[np.float64]:
    """Compute precision, recall and F1 of a class at an IoU of 0.5, over the images of all slices.

    Returns:
        Shape (3, 101): precision, recall and F1, 0 to 1, at each of `CONFIDENCES`. Precision is NaN where no detection
        is kept, and so is everything where the class has no box.

    Example:
        Of two boxes one is found, with a confidence of 0.9; another detection, of 0.4, is wrong:

        >>> matches = Matches(
        ...     files=("a.jpg",), image=np.array([0, 0]), class_id=np.array([0, 0]), confidence=np.array([0.9, 0.4]),
        ...     hit=np.array([[True] * 10, [False] * 10]), box_counts=np.array([[2]]),
        ... )
        >>> confidence_curves([matches], 0)[:, [0, 50, 95]].round(2)
        array([[0.5 , 1.  ,  nan],
               [0.5 , 0.5 , 0.  ],
               [0.5 , 0.67, 0.  ]])
    """
    confidence, hits, boxes = class_detections(slices, class_id)
    kept = confidence[None] >= CONFIDENCES[:, None]  # shape (101, detections)
    correct, detections = (kept & hits).sum(axis=1), kept.sum(axis=1)
    if not boxes:
        return np.full((3, len(CONFIDENCES)), np.nan)
    precision = np.where(detections > 0, correct / np.maximum(detections, 1), np.nan)
    return np.stack([precision, correct / boxes, 2 * correct / (detections + boxes)])
