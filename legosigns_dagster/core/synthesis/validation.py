"""What can be wrong with a synthetic dataset. A finder returns the offenders; an empty list means none."""

import numpy as np
from PIL import Image

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.synthesis.masks import boxes_from_mask, mask_path

MIN_MASK_IOU = 0.95  # a box is measured on its pixels: anything less is a mistake


def find_mask_mismatches(dataset: Dataset, min_iou: float = MIN_MASK_IOU) -> list[str]:
    """Find boxes that do not fit the pixels pasted for them, and images whose mask is missing or has other signs.

    Args:
        dataset: A synthetic dataset with its masks.
        min_iou: Smallest intersection over union of a box with the bounds of its pixels, 0 to 1.

    Returns:
        One line for each offender, which begins with the image's file.
    """
    offenders = []
    for image in dataset:
        file = mask_path(dataset.folder, image.file)
        if not file.is_file():
            offenders.append(f"{image.file}: it has no mask")
            continue
        mask = np.asarray(Image.open(file))
        if mask.max() != len(image.boxes):
            offenders.append(f"{image.file}: {len(image.boxes)} boxes, {mask.max()} signs pasted")
            continue
        for number, box in enumerate(boxes_from_mask(mask, len(image.boxes))):
            iou = box.iou(image.boxes[number].box)
            if iou < min_iou:
                offenders.append(f"{image.file}, box {number + 1}: IoU {iou:.2f} with its pixels")
    return offenders
