"""Detections matched with annotated boxes, as Ultralytics does it (`BaseValidator.match_predictions`)."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.evaluation import IOU_COUNT, Matches
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.inference.detection import Detection

IOU_THRESHOLDS = np.linspace(0.5, 0.95, IOU_COUNT)


def match_detections(dataset: Dataset, detections: Mapping[str, Sequence[Detection]]) -> Matches:
    """Match the detections of each image of a dataset, by its file, with the image's boxes."""
    files = tuple(str(file) for file in dataset.images["file"])
    counts = np.zeros((len(files), len(dataset.classes.names)), np.int64)
    image, class_id, confidence = [], [], []
    hits: list[npt.NDArray[np.bool_]] = [np.zeros((0, IOU_COUNT), bool)]
    boxes: dict[str, list[tuple[int, PixelBox]]] = {}
    for row in dataset.boxes.itertuples():
        box = PixelBox(row.left, row.top, row.right, row.bottom)
        boxes.setdefault(str(row.file), []).append((int(row.class_id), box))
    for index, file in enumerate(files):
        found, labels = detections.get(file, ()), boxes.get(file, [])
        for label, _ in labels:
            counts[index, label] += 1
        image += [index] * len(found)
        class_id += [one.class_id for one in found]
        confidence += [one.confidence for one in found]
        hits.append(match_image(found, labels))
    return Matches(files, np.array(image, np.int64), np.array(class_id, np.int64), np.array(confidence, float),
                   np.concatenate(hits), counts)  # fmt: skip


def match_image(found: Sequence[Detection], labels: Sequence[tuple[int, PixelBox]]) -> npt.NDArray[np.bool_]:
    """Tell which detections of an image, the most confident first, are right at which IoU, of shape (detections, 10).

    One after the other stands for the box that it overlaps most, of those that no detection before it has found.
    """
    hit = np.zeros((len(found), IOU_COUNT), bool)
    if not labels:
        return hit
    iou = np.zeros((len(found), len(labels)))
    for i, one in enumerate(found):
        for j, (class_id, box) in enumerate(labels):
            iou[i, j] = one.box.iou(box) if one.class_id == class_id else 0.0
    found_before = np.zeros((len(labels), IOU_COUNT), bool)
    for i in range(len(found)):
        free = np.where(found_before, 0, iou[i, :, None])  # shape (labels, 10)
        best = free.argmax(axis=0)
        hit[i] = free[best, range(IOU_COUNT)] >= IOU_THRESHOLDS
        found_before[best, range(IOU_COUNT)] |= hit[i]
    return hit
