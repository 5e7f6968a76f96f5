"""Images with boxes drawn on them, and contact sheets of a dataset."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from PIL import Image, ImageDraw, ImageFont

from legosigns_dagster.core.dataset.dataset import Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.images.stored_image import open_opaque
from legosigns_dagster.core.palette import class_color

T = TypeVar("T")
TEXT_PX = 11  # height of the letters above boxes
MAX_TALLNESS = 3  # height of a picture, in multiples of its width: a JPEG has at most 65,500 px on a side


@dataclass(frozen=True)
class BoxOverlay:
    """A box to draw on an image.

    Attributes:
        color: Of line and text, as `#rrggbb`.
        box: In pixels of the image, before it is scaled.
        text: Written above the box; may be empty.
    """

    color: str
    box: PixelBox
    text: str


def draw_boxes(
    image: Image.Image, overlays: Iterable[BoxOverlay], width_px: int, text_px: int = TEXT_PX
) -> Image.Image:
    """Scale an image to a width and draw boxes on it. Lines and text have the same size on every image.

    A very tall image becomes narrower than the width, so that it is not higher than `MAX_TALLNESS` times the width.
    """
    scale = min(width_px / image.width, MAX_TALLNESS * width_px / image.height)
    size_wh = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    canvas = image.convert("RGB").resize(size_wh, Image.Resampling.BILINEAR)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(text_px)
    for overlay in overlays:
        box = overlay.box
        corners = [box.left * scale, box.top * scale, box.right * scale, box.bottom * scale]
        pen.rectangle(corners, outline=overlay.color, width=max(2, text_px // 6))
        if overlay.text:
            anchor = (corners[0], max(corners[1] - text_px - 2, 0))
            pen.rectangle(pen.textbbox(anchor, overlay.text, font=font), fill="black")
            pen.text(anchor, overlay.text, fill=overlay.color, font=font)
    return canvas


def as_jpeg(image: Image.Image, quality: int = 80) -> bytes:
    """Encode an image as JPEG, with a quality from 1 to 95."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def ground_truth_overlays(image: LabeledImage, names: Sequence[str]) -> list[BoxOverlay]:
    """The annotated boxes of an image, coloured by class, with the initials of the class."""
    return [BoxOverlay(class_color(b.class_id), b.box, initials(names[b.class_id])) for b in image.boxes]


def class_overlays(boxes: Iterable[LabeledBox], names: Sequence[str]) -> list[BoxOverlay]:
    """Boxes coloured by class, with the whole name of the class."""
    return [BoxOverlay(class_color(b.class_id), b.box, names[b.class_id]) for b in boxes]


def initials(name: str) -> str:
    """Shorten a class name so that it fits above a small box: its capital letters, or its first two letters.

    Example:
        >>> initials("SpeedLimit"), initials("stop")
        ('SL', 'st')
    """
    return "".join(letter for letter in name if letter.isupper()) or name[:2]


def evenly_spaced(items: Sequence[T], count: int) -> list[T]:
    """Choose at most `count` items, evenly spaced.

    Example:
        >>> evenly_spaced("abcdef", 3)
        ['a', 'c', 'e']
    """
    step = max(len(items) / count, 1)
    return [items[int(index * step)] for index in range(min(count, len(items)))]


def contact_sheet(dataset: Dataset, count: int, width_px: int, columns: int = 4) -> bytes:
    """Draw up to `count` images of a dataset with their boxes on one sheet, evenly spaced over splits and files.

    Returns:
        A JPEG, as `compose_sheet` makes it.
    """
    chosen = evenly_spaced(sorted(dataset, key=lambda image: (image.split, image.file)), count)
    tiles = [
        draw_boxes(
            open_opaque(dataset.folder / image.file),
            ground_truth_overlays(image, dataset.classes.names),
            width_px // columns,
        )
        for image in chosen
    ]
    return compose_sheet(tiles, width_px, columns)


def tile_sheet(tiles: Sequence[Image.Image], width_px: int, columns: int) -> Image.Image:
    """Put images of at most one width on white, in rows of `columns` images."""
    cell, height = width_px // columns, max((tile.height for tile in tiles), default=1)
    sheet = Image.new("RGB", (width_px, height * -(-len(tiles) // columns) or 1), "white")
    for index, tile in enumerate(tiles):
        sheet.paste(tile, (index % columns * cell, index // columns * height))
    return sheet


def compose_sheet(tiles: Sequence[Image.Image], width_px: int, columns: int) -> bytes:
    """Put images of at most one width into rows of `columns` images.

    Returns:
        A JPEG of at most about 90 KB, so that it fits into Dagster's metadata.
    """
    sheet = tile_sheet(tiles, width_px, columns)
    sheets = (as_jpeg(sheet, quality) for quality in (80, 60, 40, 25, 10))
    return next((jpeg for jpeg in sheets if len(jpeg) <= 90_000), as_jpeg(sheet, 10))
