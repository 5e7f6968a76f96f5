"""Average precision as Ultralytics computes it, for many resamples of the same images at once.

Ultralytics follows COCO: precision is interpolated at 101 recalls (Lin et al., Microsoft COCO: Common Objects in
Context, ECCV 2014) and averaged over IoU thresholds of 0.50 to 0.95.
"""

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.evaluation.evaluation import IOU_COUNT, Matches

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
ImageCounts = npt.NDArray[np.int64]  # shape (resamples, images): how often each image counts in each resample
RECALLS = np.linspace(0, 1, 101)
RESAMPLES_AT_ONCE = 100  # bounds the memory


def average_precision(matches: Matches, counts: ImageCounts) -> FloatArray:
    """Compute the average precision (AP) of each class at each IoU threshold.

    Where every image counts once, these are the figures of Ultralytics: the area below the envelope of precision over
    recall, at 101 recalls (`ultralytics.utils.metrics.compute_ap`).

    Args:
        matches: Detections on the images, matched with the annotated boxes.
        counts: Shape (resamples, images): how often each image counts.

    Returns:
        Shape (resamples, classes, 10), values from 0 to 1. NaN where a class has no box in the images that count.

    Example:
        Both boxes of a class are found, the second one only up to an IoU of 0.7. In the second resample the first
        image counts twice:

        >>> matches = Matches(
        ...     files=("a.jpg", "b.jpg"), image=np.array([0, 1]), class_id=np.array([0, 0]),
        ...     confidence=np.array([0.9, 0.8]), hit=np.arange(10) < np.array([[10], [5]]),
        ...     box_counts=np.array([[1], [1]]),
        ... )
        >>> ap = average_precision(matches, np.array([[1, 1], [2, 0]]))
        >>> ap.shape
        (2, 1, 10)
        >>> ap[:, 0].round(2)
        array([[1. , 1. , 1. , 1. , 1. , 0.5, 0.5, 0.5, 0.5, 0.5],
               [1. , 1. , 1. , 1. , 1. , 1. , 1. , 1. , 1. , 1. ]])
    """
    ap = np.full((len(counts), matches.box_counts.shape[1], IOU_COUNT), np.nan)
    for class_id in range(matches.box_counts.shape[1]):
        hits, image = rank_detections(matches, class_id)
        for start in range(0, len(counts), RESAMPLES_AT_ONCE):
            batch = counts[start : start + RESAMPLES_AT_ONCE]
            boxes = batch @ matches.box_counts[:, class_id]
            areas = np.trapezoid(precision_curves(hits, batch[:, image], np.maximum(boxes, 1)), RECALLS)
            ap[start : start + RESAMPLES_AT_ONCE, class_id] = np.where(boxes[:, None] > 0, areas, np.nan)
    return ap


def precision_recall_curve(matches: Matches) -> FloatArray:
    """Compute the precision over recall at an IoU threshold of 0.5, as the mean of all classes that have a box.

    Returns:
        Shape (101,): the precision, 0 to 1, at each of `RECALLS`. Zeros where no class has a box.
    """
    counts = np.ones((1, len(matches.files)), np.int64)
    curves = []
    for class_id in range(matches.box_counts.shape[1]):
        if matches.box_counts[:, class_id].any():
            hits, image = rank_detections(matches, class_id)
            boxes = counts @ matches.box_counts[:, class_id]
            curves.append(precision_curves(hits, counts[:, image], boxes)[0, 0])
    return np.mean(curves, axis=0) if curves else np.zeros(len(RECALLS))


def rank_detections(matches: Matches, class_id: int) -> tuple[npt.NDArray[np.bool_], IntArray]:
    """Sort the detections of a class by falling confidence.

    Returns:
        Hits of shape (detections, 10) and images of shape (detections,), as in `Matches`. They end with the last hit:
        what comes after it does not change the average precision.
    """
    order = np.argsort(-matches.confidence, kind="stable")
    order = order[matches.class_id[order] == class_id]
    hits = matches.hit[order]
    end = int(np.flatnonzero(hits.any(axis=1))[-1]) + 1 if hits.any() else 0
    return hits[:end], matches.image[order][:end]


def precision_curves(hits: npt.NDArray[np.bool_], counts: IntArray, boxes: IntArray) -> FloatArray:
    """Compute the precision of one class at 101 recalls, for each resample and IoU threshold.

    Args:
        hits: Shape (detections, 10), sorted as `rank_detections` does it.
        counts: Shape (resamples, detections): how often each detection counts.
        boxes: Shape (resamples,): the number of annotated boxes, at least 1.

    Returns:
        Shape (resamples, 10, 101), values from 0 to 1.
    """
    if not len(hits):
        return np.zeros((len(boxes), IOU_COUNT, len(RECALLS)))
    correct = np.cumsum(counts[:, :, None] * hits, axis=1)
    detections = np.maximum(np.cumsum(counts, axis=1), 1)[:, :, None]
    recall, precision = correct / boxes[:, None, None], correct / detections
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    ends = np.ones((len(boxes), 1, IOU_COUNT))
    xs = np.concatenate([0 * ends, recall, recall[:, -1:], ends], axis=1)
    ys = np.concatenate([ends, envelope, 0 * ends, 0 * ends], axis=1)
    curves = np.array([np.interp(RECALLS, x, y) for x, y in zip(as_rows(xs), as_rows(ys), strict=True)])
    return curves.reshape(len(boxes), IOU_COUNT, len(RECALLS))


def as_rows(points: FloatArray) -> FloatArray:
    """Bring points of shape (resamples, points, 10) into shape (resamples * 10, points)."""
    return np.ascontiguousarray(points.transpose(0, 2, 1)).reshape(-1, points.shape[1])


def mean_precisions(ap: FloatArray) -> FloatArray:
    """Compute mAP50 and mAP50-95 from what `average_precision` returns.

    mAP50 is the average precision at an IoU threshold of 0.5, mAP50-95 the mean over the thresholds 0.50 to 0.95, as
    COCO defines them (Lin et al., ECCV 2014).

    Returns:
        Shape (resamples, 1 + classes, 2), values from 0 to 1: the mean of all classes that have a box, then each
        class. NaN where there is no box.

    Example:
        One class is found perfectly, one only half, and one has no box:

        >>> ap = np.array([[[1.0] * 10, [0.5] * 5 + [0.0] * 5, [np.nan] * 10]])
        >>> mean_precisions(ap)
        array([[[0.75 , 0.625],
                [1.   , 1.   ],
                [0.5  , 0.25 ],
                [  nan,   nan]]])
    """
    of_classes = np.stack([ap[:, :, 0], ap.mean(axis=2)], axis=2)
    present = ~np.isnan(of_classes)
    mean = np.where(present, of_classes, 0).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    of_all = np.where(present.any(axis=1), mean, np.nan)
    return np.concatenate([of_all[:, None], of_classes], axis=1)
