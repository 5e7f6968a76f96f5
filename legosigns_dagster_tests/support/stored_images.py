"""Storing an image, and comparing what the training's reader sees in it with what people saw."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from legosigns_dagster.core.images.stored_image import StoredImage, open_opaque, store_upright


def store(file: Path) -> StoredImage:
    """Store an image in a folder beside it."""
    into = file.parent / "stored"
    into.mkdir(exist_ok=True)
    return store_upright(file, into, file.stem)


def as_trained(file: Path) -> npt.NDArray[np.uint8]:
    """Read an image as Ultralytics does, as RGB."""
    read = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
    assert read is not None, f"OpenCV cannot read {file.name}"
    return np.asarray(read[..., ::-1], np.uint8)


def require_same_in_training(stored: StoredImage, shown: Image.Image, allowed: int = 12) -> None:
    """Require that OpenCV and our own reader both see in the stored file what people saw."""
    wanted = np.asarray(shown.convert("RGB"), int)
    for seen in (as_trained(stored.file), np.asarray(open_opaque(stored.file).convert("RGB"))):
        assert seen.shape == wanted.shape
        assert np.abs(seen.astype(int) - wanted).max() <= allowed
    assert (stored.size_wh, type(stored.orientation)) == (shown.size, int)
