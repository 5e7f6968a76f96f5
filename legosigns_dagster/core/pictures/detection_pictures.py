"""Pictures of what models see in an image: one for each model, side by side, with its name."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.palette import class_color
from legosigns_dagster.core.pictures.gallery import BoxOverlay, as_jpeg, draw_boxes

MAX_WIDTH_PX, MIN_WIDTH_PX = 1280, 320
TITLE_PX = 22


@dataclass(frozen=True)
class ModelView:
    """What one model sees in an image.

    Attributes:
        title: Written above the picture.
        names: The names of its classes, in the order of their ids.
        detections: What it found.
    """

    title: str
    names: Sequence[str]
    detections: Sequence[Detection]


def draw_views(image: Image.Image, views: Sequence[ModelView]) -> Image.Image:
    """Draw what models see in an image, side by side.

    Args:
        image: As it is displayed.
        views: One for each model; at least one.

    Returns:
        RGB. Each picture has the image's width, from `MIN_WIDTH_PX` to `MAX_WIDTH_PX`.
    """
    width = min(max(image.width, MIN_WIDTH_PX), MAX_WIDTH_PX)
    pictures = [draw_boxes(image, map_overlays(view), width) for view in views]
    sheet = Image.new("RGB", (width * len(pictures), pictures[0].height + TITLE_PX), "black")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, (view, picture) in enumerate(zip(views, pictures, strict=True)):
        sheet.paste(picture, (number * width, TITLE_PX))
        # A long title would run into the next picture.
        letters = next(n for n in range(len(view.title), -1, -1) if pen.textlength(view.title[:n], font) < width - 8)
        pen.text((number * width + 4, 3), view.title[:letters], fill="white", font=font)
    return sheet


def map_overlays(view: ModelView) -> list[BoxOverlay]:
    """Make the boxes of a model's detections, coloured by class, with class and confidence in percent."""
    return [
        BoxOverlay(
            class_color(found.class_id),
            found.box,
            f"{view.names[found.class_id]} {100 * found.confidence:.0f}",
        )
        for found in view.detections
    ]


def detections_picture(image: Image.Image, views: Sequence[ModelView]) -> bytes:
    """Draw what models see in an image, as a JPEG; see `draw_views`."""
    return as_jpeg(draw_views(image, views))
