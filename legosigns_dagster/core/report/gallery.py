"""Images with boxes drawn on them, for people, and contact sheets of a dataset."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from legosigns_dagster.core.dataset.dataset import Dataset, LabeledImage
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.images import open_upright

COLORS = ["#00c853", "#2979ff", "#ff6d00", "#d500f9", "#00b8d4", "#ffd600"]  # by class id


@dataclass(frozen=True)
class Shown:
    """A box to draw: its colour, the box in pixels of the image, text beside it."""

    color: str
    box: PixelBox
    text: str


def drawn(image: Image.Image, boxes: Iterable[Shown], width_px: int) -> Image.Image:
    """The image scaled to a width, with its boxes; line and text keep their size whatever the image's."""
    scale = width_px / image.width
    canvas = image.convert("RGB").resize((width_px, max(1, round(image.height * scale))), Image.Resampling.BILINEAR)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    for shown in boxes:
        corners = [shown.box.left * scale, shown.box.top * scale, shown.box.right * scale, shown.box.bottom * scale]
        pen.rectangle(corners, outline=shown.color, width=2)
        if shown.text:
            anchor = (corners[0], max(corners[1] - 13, 0))
            pen.rectangle(pen.textbbox(anchor, shown.text, font=font), fill="black")
            pen.text(anchor, shown.text, fill=shown.color, font=font)
    return canvas


def as_jpeg(image: Image.Image, quality: int = 80) -> bytes:
    """The image's bytes as JPEG."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def truth_of(image: LabeledImage, names: Sequence[str]) -> list[Shown]:
    """The labelled boxes, with the class's initials."""
    return [Shown(COLORS[b.class_id % len(COLORS)], b.box, initials(names[b.class_id])) for b in image.boxes]


def initials(name: str) -> str:
    """Its capital letters, or its first two: what fits beside a small box."""
    return "".join(letter for letter in name if letter.isupper()) or name[:2]


def spread(images: Sequence[LabeledImage], count: int) -> list[LabeledImage]:
    """At most `count` of the images, evenly spaced."""
    step = max(len(images) / count, 1)
    return [images[int(index * step)] for index in range(min(count, len(images)))]


def contact_sheet(dataset: Dataset, count: int, width_px: int, columns: int = 4) -> bytes:
    """A JPEG of at most about 90 KB with up to `count` images and their boxes, evenly spread over the dataset."""
    chosen = spread(sorted(dataset, key=lambda image: (image.split, image.file)), count)
    cell = width_px // columns
    tiles = [drawn(open_upright(dataset.folder / i.file), truth_of(i, dataset.classes.names), cell) for i in chosen]
    return sheet_of(tiles, width_px, columns)


def sheet_of(tiles: Sequence[Image.Image], width_px: int, columns: int) -> bytes:
    """Images of one width side by side and below each other, as a JPEG of at most about 90 KB."""
    cell, height = width_px // columns, max((tile.height for tile in tiles), default=1)
    sheet = Image.new("RGB", (width_px, height * -(-len(tiles) // columns) or 1), "white")
    for index, tile in enumerate(tiles):
        sheet.paste(tile, (index % columns * cell, index // columns * height))
    sheets = (as_jpeg(sheet, quality) for quality in (80, 60, 40, 25, 10))
    return next((jpeg for jpeg in sheets if len(jpeg) <= 90_000), as_jpeg(sheet, 10))
