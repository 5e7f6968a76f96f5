"""From an image to the tensor that a model takes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.inference.contract import ModelContract

Tensor = npt.NDArray[np.float32]
Engine = Callable[[Tensor], Tensor]  # a loaded model: from the input of its contract to the output


@dataclass(frozen=True)
class Placement:
    """Where an image lies in the square that a model sees.

    Attributes:
        scale: Pixels of the square for each pixel of the image.
        left: Padding on the left, in pixels of the square.
        top: Padding above, in pixels of the square.
        size_wh: Width and height of the image in pixels.
    """

    scale: float
    left: int
    top: int
    size_wh: tuple[int, int]

    def to_image(self, left: float, top: float, right: float, bottom: float) -> PixelBox:
        """Convert a box in pixels of the square to one in pixels of the image, cut off at its edges."""
        x, y, scale = self.left, self.top, self.scale
        box = PixelBox((left - x) / scale, (top - y) / scale, (right - x) / scale, (bottom - y) / scale)
        return box.clip(self.size_wh)


def place_image(size_wh: tuple[int, int], contract: ModelContract) -> tuple[Placement, tuple[int, int]]:
    """Compute where an image lies in the square: scaled to fit, as Ultralytics does it (`LetterBox`).

    Returns:
        The placement, and the image's width and height in the square.

    Example:
        >>> from legosigns_dagster.core.classes import SignClasses
        >>> contract = ModelContract(SignClasses(("Stop",)), 416, (1, 5, 3549), (0.25,))
        >>> placement, inner = place_image((832, 624), contract)
        >>> placement.scale, placement.left, placement.top, inner
        (0.5, 0, 52, (416, 312))
    """
    size = contract.image_size
    scale = min(size / size_wh[0], size / size_wh[1])
    inner = (max(round(size_wh[0] * scale), 1), max(round(size_wh[1] * scale), 1))
    rest_x, rest_y = (size - inner[0]) / 2, (size - inner[1]) / 2
    centered = contract.padding_place == "center"
    left, top = (round(rest_x - 0.1), round(rest_y - 0.1)) if centered else (0, 0)
    return Placement(scale, left, top, size_wh), inner


def prepare(image: Image.Image, contract: ModelContract) -> tuple[Tensor, Placement]:
    """Make the tensor that a model takes of an image.

    Args:
        image: As it is displayed.
        contract: What the model takes.

    Returns:
        The tensor, of shape `contract.input_shape`, and where the image lies in it.
    """
    placement, inner = place_image(image.size, contract)
    grey = (contract.padding_value,) * 3
    square = Image.new("RGB", (contract.image_size, contract.image_size), grey)
    square.paste(resize_bilinear(image.convert("RGB"), inner), (placement.left, placement.top))
    pixels = np.asarray(square).transpose(2, 0, 1)
    channels = pixels if contract.colour == "RGB" else pixels[::-1]
    tensor = np.ascontiguousarray(channels, np.float32) / np.float32(contract.divisor)
    return tensor[None], placement


def resize_bilinear(image: Image.Image, size_wh: tuple[int, int]) -> Image.Image:
    """Resize an image as OpenCV's `INTER_LINEAR` does, to one grey value.

    Pillow's own `resize` averages over more pixels where an image becomes smaller: a model that was trained on OpenCV's
    images would see softer ones.
    """
    if image.size == size_wh:
        return image
    x, y = image.width / size_wh[0], image.height / size_wh[1]
    return image.transform(size_wh, Image.Transform.AFFINE, (x, 0, 0, 0, y, 0), Image.Resampling.BILINEAR)
