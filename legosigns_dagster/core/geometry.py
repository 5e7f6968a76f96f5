"""Boxes, and the only place where their units are converted."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class PixelBox:
    """A box in pixels, not pixel indices: left and right in [0, width], top and bottom in [0, height]."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """Pixels from left to right; negative when they are swapped."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """Pixels from top to bottom; negative when they are swapped."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """Square pixels; 0 for a box without inside."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    def clip(self, size_wh: tuple[int, int]) -> "PixelBox":
        """The part inside an image of this width and height."""
        width, height = size_wh
        return PixelBox(
            min(max(self.left, 0.0), width),
            min(max(self.top, 0.0), height),
            min(max(self.right, 0.0), width),
            min(max(self.bottom, 0.0), height),
        )

    def overlap(self, other: "PixelBox") -> float:
        """Square pixels that both boxes cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: "PixelBox") -> float:
        """Intersection over union, in [0, 1]."""
        both = self.overlap(other)
        return both / (self.area + other.area - both) if both else 0.0

    def to_unit(self, size_wh: tuple[int, int]) -> "UnitBox":
        """The same box as fractions of an image of this width and height."""
        width, height = size_wh
        return UnitBox(
            (self.left + self.right) / 2 / width,
            (self.top + self.bottom) / 2 / height,
            self.width / width,
            self.height / height,
        )


@dataclass(frozen=True)
class UnitBox:
    """A box by centre and size, as fractions of the image's width and height in [0, 1]: YOLO's convention."""

    x_center: float
    y_center: float
    width: float
    height: float

    def to_pixels(self, size_wh: tuple[int, int]) -> PixelBox:
        """The same box in pixels of an image of this width and height."""
        width, height = size_wh
        return PixelBox(
            (self.x_center - self.width / 2) * width,
            (self.y_center - self.height / 2) * height,
            (self.x_center + self.width / 2) * width,
            (self.y_center + self.height / 2) * height,
        )


def upright_envelope(box: PixelBox, degrees: float) -> PixelBox:
    """The smallest upright box around `box` turned clockwise about its top-left corner, as Label Studio turns boxes."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = [(0.0, 0.0), (box.width, 0.0), (box.width, box.height), (0.0, box.height)]
    xs = [box.left + x * cos - y * sin for x, y in corners]
    ys = [box.top + x * sin + y * cos for x, y in corners]
    return PixelBox(min(xs), min(ys), max(xs), max(ys))


MATCH_IOU = 0.5
