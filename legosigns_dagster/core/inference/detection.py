"""What a detector finds in one image."""

from dataclasses import dataclass

from legosigns_dagster.core.geometry import PixelBox


@dataclass(frozen=True)
class Detection:
    """One box that a detector found.

    Attributes:
        class_id: The detected class.
        confidence: 0 to 1.
        box: Pixels of the image as it is displayed.
    """

    class_id: int
    confidence: float
    box: PixelBox
