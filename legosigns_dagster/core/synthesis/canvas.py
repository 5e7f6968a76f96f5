"""What synthetic signs are pasted onto: the part of a background, or of an annotated image with its own signs."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from legosigns_dagster.core.dataset.dataset import LabeledBox
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.synthesis.plan import Scene

Pixels = npt.NDArray[np.uint8]
SMALLEST = 4  # pixels: less than this of a sign tells nothing


@dataclass(frozen=True)
class Framing:
    """How the part of an image that is used comes to fill another: scaled, then cut at `left_top`, in pixels."""

    scaled_wh: tuple[int, int]
    left_top: tuple[int, int]
    mirrored: bool

    @classmethod
    def of(cls, image_wh: tuple[int, int], scene: Scene, size_wh: tuple[int, int]) -> "Framing":
        """The framing that a scene plans."""
        scale = max(new / old for new, old in zip(size_wh, image_wh, strict=True)) * scene.zoom
        width, height = (max(round(old * scale), new) for new, old in zip(size_wh, image_wh, strict=True))
        left, top = (int(s * (n - m)) for s, n, m in zip(scene.shift, (width, height), size_wh, strict=True))
        return cls((width, height), (left, top), scene.mirrored)

    def pixels(self, image: Pixels, size_wh: tuple[int, int]) -> Pixels:
        """The part of the image, shape (height, width, 3) of `size_wh`."""
        way = cv2.INTER_AREA if self.scaled_wh[0] < image.shape[1] else cv2.INTER_LINEAR
        scaled = cv2.resize(image, self.scaled_wh, interpolation=way)
        left, top = self.left_top
        part = scaled[top : top + size_wh[1], left : left + size_wh[0]]
        return np.ascontiguousarray(part[:, ::-1] if self.mirrored else part)

    def box(self, box: PixelBox, image_wh: tuple[int, int]) -> PixelBox:
        """Where a box of the image comes to lie, in whole pixels; not for a mirrored one."""
        x, y = (new / old for new, old in zip(self.scaled_wh, image_wh, strict=True))
        left, top = self.left_top
        corners = (box.left * x - left, box.top * y - top, box.right * x - left, box.bottom * y - top)
        return PixelBox(*(float(round(corner)) for corner in corners))


@dataclass(frozen=True)
class Ground:
    """What is pasted onto: RGB of shape (height, width, 3), and the signs that it shows already."""

    rgb: Pixels
    signs: tuple[LabeledBox, ...] = ()


def own_signs(ground: Ground, scene: Scene, size_wh: tuple[int, int]) -> tuple[Pixels, list[int]]:
    """Owners of shape (height, width) with the boxes of the ground's own signs, and the signs' class ids.

    A sign that the image's edge leaves hardly any of is no longer one.
    """
    owners = np.zeros(size_wh[::-1], np.uint8)
    image_wh = (ground.rgb.shape[1], ground.rgb.shape[0])
    framing = Framing.of(image_wh, scene, size_wh)
    class_ids: list[int] = []
    for sign in sorted(ground.signs, key=lambda sign: -sign.box.area):  # small ones last: they lie in front
        box = framing.box(sign.box, image_wh).clip(size_wh)
        if min(box.width, box.height) < SMALLEST:
            continue
        class_ids.append(sign.class_id)
        owners[round(box.top) : round(box.bottom), round(box.left) : round(box.right)] = len(class_ids)
    return owners, class_ids
