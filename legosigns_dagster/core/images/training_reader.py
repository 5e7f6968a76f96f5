"""What a training reads of an image's file: Ultralytics checks it with Pillow and decodes it with OpenCV."""

from pathlib import Path

import numpy as np
from PIL import Image

MIN_SIDE_PX = 10  # Ultralytics leaves smaller images out of trainings and evaluations, with a warning at most
SAMPLED_ROWS = 64  # enough to notice other colours, a rotation or a damaged part
SAME_COLOR = 4.0  # mean difference, of 255: decoders of JPEG round in different ways


def reads_alike(file: Path, shown: Image.Image) -> bool:
    """Tell whether a training accepts a file and reads from it the pixels of `shown`."""
    return is_intact(file) and decodes_alike(file, shown)


def is_intact(file: Path) -> bool:
    """Tell whether the checksums in a file are right.

    Pillow reads past a wrong one behind the pixels of a PNG, but Ultralytics leaves the image out of a training.
    """
    try:
        with Image.open(file) as image:
            image.verify()
    except Exception:  # of almost any type
        return False
    return True


def decodes_alike(file: Path, shown: Image.Image) -> bool:
    """Tell whether OpenCV decodes a file to the size and, in some rows, to the colours of `shown`."""
    import cv2  # loads 100 MB that a run that reads no image does not need

    try:
        seen = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return False
    if seen is None or (seen.shape[1], seen.shape[0]) != shown.size:
        return False
    differences = []
    for row in range(0, shown.height, max(1, shown.height // SAMPLED_ROWS)):
        wanted = np.asarray(shown.crop((0, row, shown.width, row + 1)).convert("RGB"), np.int16)[0]
        differences.append(np.abs(wanted - seen[row, :, ::-1]).mean())
    return bool(np.mean(differences) <= SAME_COLOR)
