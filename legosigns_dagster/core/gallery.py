"""Images with boxes drawn on them, for people: a contact sheet of a dataset, and strips that compare two detectors."""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from legosigns_dagster.core.comparison import Slice
from legosigns_dagster.core.dataset import Dataset, LabeledImage
from legosigns_dagster.core.evaluation import Detection
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.images import open_upright

COLORS = ["#00c853", "#2979ff", "#ff6d00", "#d500f9", "#00b8d4", "#ffd600"]  # by class id
MATCH_IOU = 0.5


@dataclass(frozen=True)
class Shown:
    """A box to draw: class id, box in pixels of the image, text beside it."""

    class_id: int
    box: PixelBox
    text: str


@dataclass(frozen=True)
class Strip:
    """One image three times side by side, as a JPEG: truth, base, new. `lost` and `gained` count the boxes found."""

    file: str
    jpeg: bytes
    gained: int
    lost: int


def drawn(image: Image.Image, boxes: Iterable[Shown], width_px: int) -> Image.Image:
    """The image scaled to a width, with its boxes; line and text keep their size whatever the image's."""
    scale = width_px / image.width
    canvas = image.convert("RGB").resize((width_px, max(1, round(image.height * scale))), Image.Resampling.BILINEAR)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(11)
    for shown in boxes:
        color = COLORS[shown.class_id % len(COLORS)]
        corners = [shown.box.left * scale, shown.box.top * scale, shown.box.right * scale, shown.box.bottom * scale]
        pen.rectangle(corners, outline=color, width=2)
        if shown.text:
            anchor = (corners[0], max(corners[1] - 13, 0))
            pen.rectangle(pen.textbbox(anchor, shown.text, font=font), fill="black")
            pen.text(anchor, shown.text, fill=color, font=font)
    return canvas


def as_jpeg(image: Image.Image, quality: int = 80) -> bytes:
    """The image's bytes as JPEG."""
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def truth_of(image: LabeledImage, names: Sequence[str]) -> list[Shown]:
    """The labelled boxes, with the class's initials."""
    return [Shown(b.class_id, b.box, initials(names[b.class_id])) for b in image.boxes]


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


def found_boxes(image: LabeledImage, detections: Sequence[Detection]) -> set[int]:
    """Numbers of the labelled boxes that a detection of the same class covers with an IoU of at least 0.5."""
    return {
        number
        for number, truth in enumerate(image.boxes)
        if any(d.class_id == truth.class_id and d.box.iou(truth.box) >= MATCH_IOU for d in detections)
    }


def strips_of(part: Slice, count: int, panel_px: int = 400) -> list[Strip]:
    """Strips of up to `count` images, those first on which the two detectors differ most."""
    base, new = part.base.by_file(), part.new.by_file()

    def difference(image: LabeledImage) -> tuple[int, int]:
        before, after = (found_boxes(image, d.get(image.file, [])) for d in (base, new))
        return len(after - before), len(before - after)

    changes = {image.file: difference(image) for image in part.dataset}
    ranked = sorted(part.dataset, key=lambda image: (-sum(changes[image.file]), image.file))[:count]
    return [
        strip(image, part.dataset, base.get(image.file, []), new.get(image.file, []), changes, panel_px)
        for image in ranked
    ]


def strip(
    image: LabeledImage,
    dataset: Dataset,
    base: Sequence[Detection],
    new: Sequence[Detection],
    changes: dict[str, tuple[int, int]],
    panel_px: int,
) -> Strip:
    """The strip of one image."""
    names = dataset.classes.names
    picture = open_upright(dataset.folder / image.file)
    panels = [drawn(picture, truth_of(image, names), panel_px)]
    for detections in (base, new):
        shown = [Shown(d.class_id, d.box, detection_text(names, d)) for d in detections]
        panels.append(drawn(picture, shown, panel_px))
    joined = Image.new("RGB", (panel_px * 3 + 8, panels[0].height), "white")
    for index, panel in enumerate(panels):
        joined.paste(panel, (index * (panel_px + 4), 0))
    gained, lost = changes[image.file]
    return Strip(Path(image.file).name, as_jpeg(joined), gained, lost)


def detection_text(names: Sequence[str], detection: Detection) -> str:
    """Class initials and confidence in percent."""
    return f"{initials(names[detection.class_id])} {100 * detection.confidence:.0f}"
