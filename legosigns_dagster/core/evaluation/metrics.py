"""The table of metrics of an evaluation, with Ultralytics' figures (`ultralytics.utils.metrics.ap_per_class`)."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.average_precision import average_precision, mean_precisions
from legosigns_dagster.core.evaluation.evaluation import ALL, METRIC_COLUMNS, Matches

FloatArray = npt.NDArray[np.float64]
CONFIDENCES = np.linspace(0, 1, 1000)  # at which precision and recall are known
SMOOTHING = 101  # of them: F1 is averaged over so many before the best is taken


def metrics_table(matches: Matches, dataset: Dataset) -> pd.DataFrame:
    """Compute the table of an `Evaluation`. A class without a box has NaN."""
    by_class = dataset.boxes.groupby("class_name")["file"]
    images, boxes = by_class.nunique().to_dict(), by_class.size().to_dict()
    maps = mean_precisions(average_precision(matches, np.ones((1, len(matches.files)), np.int64)))[0]
    both = np.concatenate([best_precision_and_recall(matches), maps], axis=1)
    counts = [(ALL, len(dataset.images), len(dataset.boxes))]
    counts += [(name, images.get(name, 0), boxes.get(name, 0)) for name in dataset.classes.names]
    rows = [[*count, *values] for count, values in zip(counts, both.tolist(), strict=True)]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


def best_precision_and_recall(matches: Matches) -> FloatArray:
    """Compute precision and recall at an IoU threshold of 0.5, at the confidence at which the mean F1 is best.

    F1 is the harmonic mean of precision and recall; the mean is over the classes that have a box.

    Returns:
        Shape (1 + classes, 2), values from 0 to 1: the mean of all classes that have a box, then each class. NaN where
        there is no box.
    """
    curves = np.stack([interpolated_curves(matches, one) for one in range(matches.box_counts.shape[1])])
    present = matches.box_counts.sum(axis=0) > 0
    result = np.full((1 + len(curves), 2), np.nan)
    if present.any():
        precision, recall = curves[present, 0], curves[present, 1]
        f1 = 2 * precision * recall / np.maximum(precision + recall, np.finfo(float).tiny)
        best = int(smooth(f1.mean(axis=0)).argmax())
        result[1:][present] = curves[present, :, best]
        result[0] = curves[present, :, best].mean(axis=0)
    return result


def interpolated_curves(matches: Matches, class_id: int) -> FloatArray:
    """Compute precision and recall of a class over `CONFIDENCES`, of shape (2, 1000). Zeros without a detection.

    They are interpolated as Ultralytics does it; `core/analysis/confidence.py` counts, for the report's charts.
    """
    order = np.argsort(-matches.confidence, kind="stable")
    order = order[matches.class_id[order] == class_id]
    if not len(order):
        return np.zeros((2, len(CONFIDENCES)))
    correct = np.cumsum(matches.hit[order, 0])
    precision, recall = correct / np.arange(1, len(order) + 1), correct / max(matches.box_counts[:, class_id].sum(), 1)
    falling, ranked = -CONFIDENCES, -matches.confidence[order]
    return np.stack([np.interp(falling, ranked, precision, left=1), np.interp(falling, ranked, recall, left=0)])


def smooth(values: FloatArray) -> FloatArray:
    """Average each value with its neighbours, `SMOOTHING` in all; beyond the ends, the first and the last repeat."""
    padded = np.pad(values, SMOOTHING // 2, mode="edge")
    return np.convolve(padded, np.full(SMOOTHING, 1 / SMOOTHING), mode="valid").astype(np.float64)
