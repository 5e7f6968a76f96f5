"""From the tensor that a model gives to detections."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.inference.contract import BOX_ROWS, ModelContract
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.inference.prepare import Placement

Floats = npt.NDArray[np.float32]
MOST_DETECTIONS = 300  # in an image, as Ultralytics limits them
MOST_CANDIDATES = 30_000  # the most confident ones are compared with each other, as Ultralytics limits them


def decode(
    output: npt.NDArray[np.generic], contract: ModelContract, placement: Placement, thresholds: Sequence[float]
) -> list[Detection]:
    """Find the detections in a model's output, the most confident first.

    Each anchor counts for its best class. What a more confident box covers is dropped (non-maximum suppression, as
    `ultralytics.utils.nms` does it).

    Args:
        output: Of shape `contract.output_shape`.
        contract: What the output means.
        placement: Where the image lies in what the model saw.
        thresholds: Lowest confidence of each class.

    Raises:
        ValueError: The output has another shape, or numbers that are not finite.
    """
    if output.shape != contract.output_shape:
        raise ValueError(
            f"the model answered a tensor of shape {list(output.shape)}, expected {list(contract.output_shape)}: it is "
            "another model than its contract says, or the server failed"
        )
    rows = output[0].astype(np.float32)
    if not np.isfinite(rows).all():
        raise ValueError("the model answered numbers that are not finite: its weights or the engine are broken")
    scores = rows[BOX_ROWS:]
    class_ids, confidence = scores.argmax(axis=0), scores.max(axis=0)
    found = np.flatnonzero(confidence > np.asarray(thresholds, np.float32)[class_ids])
    order = found[np.argsort(-confidence[found], kind="stable")][:MOST_CANDIDATES]
    boxes = corners(rows[:BOX_ROWS, order])
    kept = suppress(boxes, class_ids[order] if contract.nms_by_class else np.zeros(len(order), int), contract.nms_iou)
    return [
        Detection(int(class_ids[order[i]]), float(confidence[order[i]]), placement.to_image(*map(float, boxes[i])))
        for i in kept
    ]


def corners(centers: Floats) -> Floats:
    """Convert rows of centre x, centre y, width, height, of shape (4, boxes), to corners, of shape (boxes, 4)."""
    x, y, half_width, half_height = centers[0], centers[1], centers[2] / 2, centers[3] / 2
    return np.stack([x - half_width, y - half_height, x + half_width, y + half_height], axis=1)


def suppress(boxes: Floats, class_ids: npt.NDArray[np.int64], most_iou: float) -> list[int]:
    """Choose the boxes that no box before them, of the same class, covers.

    Args:
        boxes: Left, top, right and bottom, of shape (boxes, 4), the most confident first.
        class_ids: Shape (boxes,).
        most_iou: Two boxes that are both kept overlap at most by this IoU.

    Returns:
        Positions of the kept boxes, at most `MOST_DETECTIONS`.

    Example:
        >>> boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [1, 0, 11, 10]], np.float32)
        >>> suppress(boxes, np.array([0, 0, 1]), 0.7)
        [0, 2]
    """
    kept: list[int] = []
    remaining = np.arange(len(boxes))
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    while len(remaining) and len(kept) < MOST_DETECTIONS:
        first, rest = remaining[0], remaining[1:]
        kept.append(int(first))
        low, high = np.maximum(boxes[first, :2], boxes[rest, :2]), np.minimum(boxes[first, 2:], boxes[rest, 2:])
        both = np.clip(high - low, 0, None).prod(axis=1)
        iou = both / np.maximum(areas[first] + areas[rest] - both, np.finfo(np.float32).tiny)
        remaining = rest[(iou <= most_iou) | (class_ids[rest] != class_ids[first])]
    return kept
