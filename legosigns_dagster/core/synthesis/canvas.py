"""The canvas of a synthetic image: the crop of a background or of an annotated image that signs are pasted onto."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.dataset.dataset import LabeledBox
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.masks import InstanceMask
from legosigns_dagster.core.synthesis.scene import Scene

Pixels = npt.NDArray[np.uint8]  # shape (height, width, 3) for RGB, (height, width, 4) for RGBA
Floats = npt.NDArray[np.float32]
MIN_SIDE_PX = 4  # a sign that the crop leaves narrower or lower than this cannot be recognized


@dataclass(frozen=True)
class CropTransform:
    """How an image is scaled and cropped to the size of another; applied to its pixels and its boxes alike.

    Attributes:
        scaled_wh: Width and height of the scaled image, in pixels.
        left_top: Left and top edge of the crop in the scaled image, in pixels.
        mirrored: Whether the crop is flipped left to right.
    """

    scaled_wh: tuple[int, int]
    left_top: tuple[int, int]
    mirrored: bool

    @classmethod
    def for_scene(cls, scene: Scene, image_wh: tuple[int, int], size_wh: tuple[int, int]) -> "CropTransform":
        """The crop that a scene plans, from an image of `image_wh` to one of `size_wh` (width and height in pixels)."""
        scale = max(new / old for new, old in zip(size_wh, image_wh, strict=True)) * scene.zoom
        width, height = (max(round(old * scale), new) for new, old in zip(size_wh, image_wh, strict=True))
        left, top = (int(s * (n - m)) for s, n, m in zip(scene.shift, (width, height), size_wh, strict=True))
        return cls((width, height), (left, top), scene.mirrored)

    def apply_image(self, image: Pixels, size_wh: tuple[int, int]) -> Pixels:
        """Crop an image of shape (height, width, 3) to `size_wh`."""
        interpolation = cv2.INTER_AREA if self.scaled_wh[0] < image.shape[1] else cv2.INTER_LINEAR
        scaled = cv2.resize(image, self.scaled_wh, interpolation=interpolation)
        left, top = self.left_top
        crop = scaled[top : top + size_wh[1], left : left + size_wh[0]]
        return np.ascontiguousarray(crop[:, ::-1] if self.mirrored else crop)

    def apply_box(self, box: PixelBox, image_wh: tuple[int, int]) -> PixelBox:
        """Move a box of the image to where the crop shows it, in whole pixels; not for a mirrored crop."""
        x, y = (new / old for new, old in zip(self.scaled_wh, image_wh, strict=True))
        left, top = self.left_top
        edges = (box.left * x - left, box.top * y - top, box.right * x - left, box.bottom * y - top)
        return PixelBox(*(float(round(edge)) for edge in edges))


@dataclass(frozen=True)
class Canvas:
    """The image that signs are pasted onto.

    Attributes:
        rgb: Its pixels, shape (height, width, 3).
        boxes: The boxes of signs that it shows already, in pixels.
    """

    rgb: Pixels
    boxes: tuple[LabeledBox, ...] = ()


def existing_signs(canvas: Canvas, scene: Scene, size_wh: tuple[int, int]) -> tuple[InstanceMask, list[int]]:
    """Mark the boxes of the signs that the cropped canvas shows already.

    A sign of which the crop leaves less than `MIN_SIDE_PX` is not counted.

    Returns:
        The instance mask of shape (height, width), and the class ids of its signs in the order of their numbers.
    """
    mask = np.zeros(size_wh[::-1], np.uint8)
    image_wh = (canvas.rgb.shape[1], canvas.rgb.shape[0])
    crop = CropTransform.for_scene(scene, image_wh, size_wh)
    class_ids: list[int] = []
    for sign in sorted(canvas.boxes, key=lambda sign: -sign.box.area):  # small ones last: they lie in front
        box = crop.apply_box(sign.box, image_wh).clip(size_wh)
        if min(box.width, box.height) < MIN_SIDE_PX:
            continue
        class_ids.append(sign.class_id)
        mask[round(box.top) : round(box.bottom), round(box.left) : round(box.right)] = len(class_ids)
    return mask, class_ids
