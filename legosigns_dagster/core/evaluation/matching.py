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
    """Tell which detections of an image are right at which IoU, of shape (detections, 10).

    A box is found once, by the detection that overlaps it most.
    """
    iou = np.zeros((len(found), len(labels)))
    for i, one in enumerate(found):
        for j, (class_id, box) in enumerate(labels):
            iou[i, j] = one.box.iou(box) if one.class_id == class_id else 0.0
    hit = np.zeros((len(found), IOU_COUNT), bool)
    pairs = sorted(np.argwhere(iou >= IOU_THRESHOLDS[0]).tolist(), key=lambda pair: -iou[pair[0], pair[1]])
    for position, threshold in enumerate(IOU_THRESHOLDS):
        taken: set[int] = set()
        for i, j in pairs:
            if iou[i, j] >= threshold and j not in taken and not hit[i, position]:
                hit[i, position] = True
                taken.add(j)
    return hit
