"""Pictures of what changed between two versions of a dataset: before on the left, after on the right."""

from itertools import chain, zip_longest

from PIL import Image, ImageDraw, ImageFont

from legosigns_dagster.core.dataset.dataset import Dataset, LabeledImage
from legosigns_dagster.core.dataset.difference import ADDED, CHANGED, REMOVED, Difference, ImageChange
from legosigns_dagster.core.images.stored_image import open_opaque
from legosigns_dagster.core.palette import MISSING
from legosigns_dagster.core.pictures.gallery import compose_sheet, draw_boxes, ground_truth_overlays

CAPTION_PX = 16


def difference_sheet(difference: Difference, count: int, width_px: int, columns: int = 2) -> bytes:
    """Draw up to `count` changes on one sheet, some of each kind.

    Returns:
        A JPEG of at most about 90 KB.
    """
    tiles = [draw_change(difference, change, width_px // columns) for change in select_changes(difference, count)]
    return compose_sheet(tiles, width_px, columns)


def select_changes(difference: Difference, count: int) -> list[ImageChange]:
    """Choose up to `count` changes: changed, removed and added images in turn, relabelled boxes first."""
    kinds = {kind: [c for c in difference.changes if c.kind == kind] for kind in (CHANGED, REMOVED, ADDED)}
    kinds[CHANGED].sort(key=lambda change: not change.boxes.relabelled)
    in_turn = chain.from_iterable(zip_longest(*kinds.values()))
    return [change for change in in_turn if change][:count]


def draw_change(difference: Difference, change: ImageChange, width_px: int) -> Image.Image:
    """Draw one change: a caption, and below it the image before and after."""
    panel_px = (width_px - 12) // 2
    versions = ((difference.before, change.before), (difference.after, change.after))
    panels = [draw_panel(dataset, image, panel_px) for dataset, image in versions]
    height = max(panel.height for panel in panels if panel)
    joined = Image.new("RGB", (width_px, height + CAPTION_PX + 4), "white")
    words = change.boxes.text(difference.after.classes.names)
    pen = ImageDraw.Draw(joined)
    pen.text((0, 1), f"{change.kind}: {words}"[:70], fill="black", font=ImageFont.load_default(11))
    for left, panel in zip((0, panel_px + 4), panels, strict=True):
        if panel is None:
            pen.rectangle([left, CAPTION_PX, left + panel_px, CAPTION_PX + height], fill=MISSING)
        else:
            joined.paste(panel, (left, CAPTION_PX))
    return joined


def draw_panel(dataset: Dataset, image: LabeledImage | None, width_px: int) -> Image.Image | None:
    """Draw one version of an image with its boxes, None where this version does not have the image."""
    if image is None:
        return None
    overlays = ground_truth_overlays(image, dataset.classes.names)
    return draw_boxes(open_opaque(dataset.folder / image.file), overlays, width_px)
