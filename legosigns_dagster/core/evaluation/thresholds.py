"""The confidence from which on a detection of a class should be believed."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.evaluation.evaluation import Matches
from legosigns_dagster.core.inference.contract import DEFAULT_THRESHOLD


def advised_thresholds(slices: Sequence[Matches], class_count: int) -> tuple[float, ...]:
    """Compute the threshold of each class at which the F1 score is best, over the images of all slices.

    F1 is the harmonic mean of precision and recall, at an IoU of 0.5.

    Returns:
        Of each class a confidence from 0 to 1, with three decimals, or `DEFAULT_THRESHOLD` where no box of the class
        was found.
    """
    return tuple(best_threshold(slices, class_id) for class_id in range(class_count))


def class_detections(
    slices: Sequence[Matches], class_id: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], int]:
    """Collect the detections of one class over the images of all slices, which are at least one.

    Returns:
        The confidences and whether each is right at an IoU of 0.5, of shape (detections,), and the number of annotated
        boxes.
    """
    chosen = [matches.class_id == class_id for matches in slices]
    confidence = np.concatenate([m.confidence[of_class] for m, of_class in zip(slices, chosen, strict=True)])
    hits = np.concatenate([m.hit[of_class, 0] for m, of_class in zip(slices, chosen, strict=True)])
    return confidence, hits, sum(int(matches.box_counts[:, class_id].sum()) for matches in slices)


def best_threshold(slices: Sequence[Matches], class_id: int) -> float:
    """Compute the threshold of one class; see `advised_thresholds`."""
    confidence, hits, boxes = class_detections(slices, class_id)
    return threshold_of_best_f1(confidence, hits, boxes) if hits.any() else DEFAULT_THRESHOLD


def threshold_of_best_f1(confidence: npt.NDArray[np.float64], hits: npt.NDArray[np.bool_], boxes: int) -> float:
    """Compute where to cut off detections, so that F1 is best: halfway between the last one kept and the next.

    Args:
        confidence: Shape (detections,).
        hits: Shape (detections,): whether a detection is right.
        boxes: Number of annotated boxes.

    Example:
        >>> threshold_of_best_f1(np.array([0.9, 0.8, 0.4, 0.3]), np.array([True, True, False, False]), boxes=2)
        0.6
    """
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    f1 = 2 * np.cumsum(hits[order]) / (np.arange(1, len(order) + 1) + boxes)
    last = int(np.flatnonzero(f1 == f1.max())[-1])
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    return round(float(ranked[last] + below) / 2, 3)
