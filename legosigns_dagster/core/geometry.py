"""Boxes. This is the only place where their units are converted."""

import math
from dataclasses import dataclass

# Two boxes with at least this intersection over union are taken for the same sign. It is the "50" of mAP50.
MATCH_IOU = 0.5


@dataclass(frozen=True)
class PixelBox:
    """A box in pixels: distances from the image's edges, not indices of pixels.

    Attributes:
        left: Left edge in px, 0 to the image's width.
        top: Top edge in px, 0 to the image's height.
        right: Right edge in px, 0 to the image's width.
        bottom: Bottom edge in px, 0 to the image's height.
    """

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        """From left to right in px, negative when they are swapped."""
        return self.right - self.left

    @property
    def height(self) -> float:
        """From top to bottom in px, negative when they are swapped."""
        return self.bottom - self.top

    @property
    def area(self) -> float:
        """The area in square pixels, 0 when edges are swapped."""
        return max(self.width, 0.0) * max(self.height, 0.0)

    def clip(self, size_wh: tuple[int, int]) -> "PixelBox":
        """Cut off what is outside of an image of this width and height.

        Example:
            >>> PixelBox(-5.0, 2.0, 30.0, 40.0).clip((64, 48))
            PixelBox(left=0.0, top=2.0, right=30.0, bottom=40.0)
        """
        width, height = size_wh
        return PixelBox(
            min(max(self.left, 0.0), width),
            min(max(self.top, 0.0), height),
            min(max(self.right, 0.0), width),
            min(max(self.bottom, 0.0), height),
        )

    def overlap(self, other: "PixelBox") -> float:
        """The area in square pixels that both boxes cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: "PixelBox") -> float:
        """Intersection over union, 0 (apart) to 1 (equal).

        Example:
            >>> box = PixelBox(0, 0, 10, 10)
            >>> box.iou(box), box.iou(PixelBox(5, 0, 10, 10)), box.iou(PixelBox(10, 0, 20, 10))
            (1.0, 0.5, 0.0)
        """
        both = self.overlap(other)
        return both / (self.area + other.area - both) if both else 0.0

    def to_unit(self, size_wh: tuple[int, int]) -> "UnitBox":
        """Convert to shares of an image of this width and height.

        Raises:
            ZeroDivisionError: The image has no width or no height.

        Example:
            >>> PixelBox(left=10, top=20, right=30, bottom=60).to_unit((100, 200))
            UnitBox(x_center=0.2, y_center=0.2, width=0.2, height=0.2)
        """
        width, height = size_wh
        return UnitBox(
            (self.left + self.right) / 2 / width,
            (self.top + self.bottom) / 2 / height,
            self.width / width,
            self.height / height,
        )


@dataclass(frozen=True)
class UnitBox:
    """A box by centre and size, as shares of the image: YOLO's convention.

    Attributes:
        x_center: Centre from the left, 0 to 1 of the image's width.
        y_center: Centre from the top, 0 to 1 of the image's height.
        width: 0 to 1 of the image's width.
        height: 0 to 1 of the image's height.
    """

    x_center: float
    y_center: float
    width: float
    height: float

    def to_pixels(self, size_wh: tuple[int, int]) -> PixelBox:
        """Convert to pixels of an image of this width and height.

        Example:
            >>> UnitBox(x_center=0.5, y_center=0.5, width=0.25, height=1.0).to_pixels((64, 48))
            PixelBox(left=24.0, top=0.0, right=40.0, bottom=48.0)
        """
        width, height = size_wh
        return PixelBox(
            (self.x_center - self.width / 2) * width,
            (self.y_center - self.height / 2) * height,
            (self.x_center + self.width / 2) * width,
            (self.y_center + self.height / 2) * height,
        )


def upright_envelope(box: PixelBox, degrees: float) -> PixelBox:
    """Compute the smallest upright box around a rotated one.

    The rotation is clockwise about the box's top-left corner, as Label Studio rotates rectangles.
    """
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = [(0.0, 0.0), (box.width, 0.0), (box.width, box.height), (0.0, box.height)]
    xs = [box.left + x * cos - y * sin for x, y in corners]
    ys = [box.top + x * sin + y * cos for x, y in corners]
    return PixelBox(min(xs), min(ys), max(xs), max(ys))
