"""Instance masks: images in which a pixel's value is the number of the box whose face is visible there."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.geometry import PixelBox

# Shape (height, width): k where the face of box number k, counted from 1, is visible, and 0 elsewhere.
InstanceMask = npt.NDArray[np.uint8]


def mask_path(folder: Path, image_file: str) -> Path:
    """The file of an image's mask below a synthetic dataset's folder."""
    return folder / "masks" / f"{Path(image_file).stem}.png"


def boxes_from_mask(mask: InstanceMask, count: int) -> list[PixelBox]:
    """Measure the boxes around the visible pixels of faces 1 to `count`, in this order.

    Each face must have at least one visible pixel.

    Example:
        >>> mask = np.zeros((40, 60), np.uint8)
        >>> mask[10:20, 30:50] = 1
        >>> boxes_from_mask(mask, 1)
        [PixelBox(left=30.0, top=10.0, right=50.0, bottom=20.0)]
    """
    boxes = []
    for number in range(1, count + 1):
        rows, columns = np.nonzero(mask == number)
        boxes.append(PixelBox(float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)))
    return boxes
