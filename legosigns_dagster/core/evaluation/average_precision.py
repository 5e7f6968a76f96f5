"""Average precision as Ultralytics computes it, for many weightings of the same images at once."""

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.evaluation.evaluation import IOUS, Matches

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.int64]
RECALLS = np.linspace(0, 1, 101)
AT_ONCE = 100  # weightings: memory is bounded by this


def average_precision(matches: Matches, weights: Weights) -> Floats:
    """Average precision of shape (weightings, classes, 10), 0 to 1, at IoUs of 0.50 to 0.95.

    `weights` of shape (weightings, images) says how often each image counts. NaN where a class has no box among the
    images that count. With weights of one these are Ultralytics' figures: 101 points of the precision's envelope over
    recall (`ultralytics.utils.metrics.compute_ap`).
    """
    found = np.full((len(weights), matches.truths.shape[1], IOUS), np.nan)
    for number in range(matches.truths.shape[1]):
        hits, image = ranked(matches, number)
        for start in range(0, len(weights), AT_ONCE):
            part = weights[start : start + AT_ONCE]
            total = part @ matches.truths[:, number]
            precisions = np.trapezoid(curves_of(hits, part[:, image], np.maximum(total, 1)), RECALLS)
            found[start : start + AT_ONCE, number] = np.where(total[:, None] > 0, precisions, np.nan)
    return found


def precision_over_recall(matches: Matches) -> Floats:
    """The precision at an IoU of 0.5 for each of 101 recalls from 0 to 1: the mean of the classes that have a box."""
    weights = np.ones((1, len(matches.files)), np.int64)
    present = [number for number in range(matches.truths.shape[1]) if matches.truths[:, number].any()]
    curves = []
    for number in present:
        hits, image = ranked(matches, number)
        curves.append(curves_of(hits, weights[:, image], weights @ matches.truths[:, number])[0, 0])
    return np.mean(curves, axis=0) if curves else np.zeros(len(RECALLS))


def ranked(matches: Matches, class_id: int) -> tuple[npt.NDArray[np.bool_], Weights]:
    """A class's detections by falling confidence up to the last hit, after which nothing changes: hits and images."""
    order = np.argsort(-matches.confidence, kind="stable")
    order = order[matches.class_id[order] == class_id]
    hits = matches.hit[order]
    last = int(np.flatnonzero(hits.any(axis=1))[-1]) + 1 if hits.any() else 0
    return hits[:last], matches.image[order][:last]


def curves_of(hits: npt.NDArray[np.bool_], counts: Weights, total: Weights) -> Floats:
    """The precision of one class at 101 recalls, shape (weightings, 10, 101).

    `hits` as `ranked` gives them. `counts` of shape (weightings, detections) says how often each detection counts,
    `total` how many boxes there are.
    """
    if not len(hits):
        return np.zeros((len(total), IOUS, len(RECALLS)))
    right = np.cumsum(counts[:, :, None] * hits, axis=1)
    shown = np.maximum(np.cumsum(counts, axis=1), 1)[:, :, None]
    recall, precision = right / total[:, None, None], right / shown
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    ends = np.ones((len(total), 1, IOUS))
    xs = np.concatenate([0 * ends, recall, recall[:, -1:], ends], axis=1)
    ys = np.concatenate([ends, envelope, 0 * ends, 0 * ends], axis=1)
    rows = zip(rowwise(xs), rowwise(ys), strict=True)
    curves = np.array([np.interp(RECALLS, x, y) for x, y in rows])
    return curves.reshape(len(total), IOUS, len(RECALLS))


def rowwise(points: Floats) -> Floats:
    """Shape (weightings, points, 10) as rows of points."""
    return np.ascontiguousarray(points.transpose(0, 2, 1)).reshape(-1, points.shape[1])


def mean_precisions(precisions: Floats) -> Floats:
    """mAP50 and mAP50-95, shape (weightings, 1 + classes, 2): of all classes that have a box, then of each."""
    each = np.stack([precisions[:, :, 0], precisions.mean(axis=2)], axis=2)
    present = ~np.isnan(each)
    total = np.where(present, each, 0).sum(axis=1) / np.maximum(present.sum(axis=1), 1)
    of_all = np.where(present.any(axis=1), total, np.nan)
    return np.concatenate([of_all[:, None], each], axis=1)
