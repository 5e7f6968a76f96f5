"""What changed between two versions of a dataset, as pictures: before on the left, after on the right."""

from PIL import Image, ImageDraw, ImageFont

from legosigns_dagster.core.dataset.dataset import Dataset, LabeledImage
from legosigns_dagster.core.dataset.difference import ADDED, CHANGED, REMOVED, Difference, ImageChange
from legosigns_dagster.core.images import open_upright
from legosigns_dagster.core.report.gallery import drawn, sheet_of, truth_of

CAPTION_PX = 16


def change_sheet(difference: Difference, count: int, width_px: int, columns: int = 2) -> bytes:
    """A JPEG of at most about 90 KB with up to `count` changes, some of each kind."""
    tiles = [pair(difference, change, width_px // columns) for change in some(difference, count)]
    return sheet_of(tiles, width_px, columns)


def some(difference: Difference, count: int) -> list[ImageChange]:
    """Up to `count` changes: first those to boxes that were there before, then removed and added images in turn."""
    kinds = {kind: [c for c in difference.changes if c.kind == kind] for kind in (CHANGED, REMOVED, ADDED)}
    kinds[CHANGED].sort(key=lambda change: not change.boxes.relabelled)
    turns = [(turn, order, change) for order, found in enumerate(kinds.values()) for turn, change in enumerate(found)]
    return [change for _, _, change in sorted(turns, key=lambda item: item[:2])][:count]


def pair(difference: Difference, change: ImageChange, width_px: int) -> Image.Image:
    """One change: the image before and after, with what happened to it above."""
    panel_px = (width_px - 12) // 2
    sides = ((difference.before, change.before), (difference.after, change.after))
    panels = [panel(dataset, image, panel_px) for dataset, image in sides]
    height = max(one.height for one in panels if one)
    joined = Image.new("RGB", (width_px, height + CAPTION_PX + 4), "white")
    words = change.boxes.text(difference.after.classes.names)
    pen = ImageDraw.Draw(joined)
    pen.text((0, 1), f"{change.kind}: {words}"[:70], fill="black", font=ImageFont.load_default(11))
    for left, one in zip((0, panel_px + 4), panels, strict=True):
        if one is None:
            pen.rectangle([left, CAPTION_PX, left + panel_px, CAPTION_PX + height], fill="#e0e0e0")
        else:
            joined.paste(one, (left, CAPTION_PX))
    return joined


def panel(dataset: Dataset, image: LabeledImage | None, width_px: int) -> Image.Image | None:
    """One version's image with its boxes; None where it had none."""
    if image is None:
        return None
    return drawn(open_upright(dataset.folder / image.file), truth_of(image, dataset.classes.names), width_px)
