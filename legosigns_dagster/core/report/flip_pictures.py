"""Pictures of flips: the surroundings of a sign with the boxes of the annotation, the base and the new weights."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from PIL import Image

from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.flips import Flip, FlipKind, find_flips
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.images.stored_image import open_opaque
from legosigns_dagster.core.palette import PICTURE
from legosigns_dagster.core.pictures.gallery import BoxOverlay, as_jpeg, draw_boxes, initials
from legosigns_dagster.core.report.tables import task_link

CONTEXT = 5.0  # width of the crop, in multiples of the longer side of the box
MIN_CROP_PX = 160.0  # smallest width of the crop, in pixels of the image
WIDTH_PX = 420
MAX_FLIPS = 12  # pictures for each slice and kind


@dataclass(frozen=True)
class FlipPicture:
    """A flip as a picture.

    Attributes:
        flip: The flip.
        jpeg: The crop around it, with the boxes of annotation, base and new weights in three colours.
    """

    flip: Flip
    jpeg: bytes


def crop_window(box: PixelBox, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """Choose what to show around a box: a window inside the image, three quarters as high as wide.

    Returns:
        Left, top, right and bottom in whole pixels of the image.

    Example:
        >>> crop_window(PixelBox(300, 200, 340, 240), (640, 480))
        (220, 145, 420, 295)
    """
    width = min(max(CONTEXT * max(box.width, box.height), MIN_CROP_PX), float(size_wh[0]))
    height = min(0.75 * width, float(size_wh[1]))
    left = min(max((box.left + box.right - width) / 2, 0), size_wh[0] - width)
    top = min(max((box.top + box.bottom - height) / 2, 0), size_wh[1] - height)
    return round(left), round(top), round(left + width), round(top + height)


def draw_flip(flip: Flip, results: SliceResults) -> FlipPicture:
    """Draw the surroundings of a flip with all boxes of annotation, base and new weights."""
    names, window = results.dataset.classes.names, crop_window(flip.box, flip.image.size_wh)

    def in_window(box: PixelBox) -> PixelBox:
        return PixelBox(box.left - window[0], box.top - window[1], box.right - window[0], box.bottom - window[1])

    color = PICTURE["annotation"]
    overlays = [BoxOverlay(color, in_window(b.box), initials(names[b.class_id])) for b in flip.image.boxes]
    for source, evaluation in (("base", results.base), ("new", results.new)):
        for d in evaluation.by_file.get(flip.image.file, []):
            text = f"{source} {initials(names[d.class_id])} {100 * d.confidence:.0f}"
            overlays.append(BoxOverlay(PICTURE[source], in_window(d.box), text))
    with open_opaque(results.dataset.folder / flip.image.file) as image:
        canvas: Image.Image = draw_boxes(image.crop(window), overlays, WIDTH_PX)
    return FlipPicture(flip, as_jpeg(canvas, 75))


def flip_caption(flip: Flip, sources: Mapping[str, Mapping[str, str]]) -> tuple[str, str]:
    """Write the caption of a flip.

    Args:
        flip: The flip.
        sources: Name and link of each file's Label Studio task, as `Dataset` gives them.

    Returns:
        The caption, and the link to the task, empty where it is not known.
    """
    source = sources.get(flip.image.file, {"image": Path(flip.image.file).name, "link": ""})
    return f"{source['image']}: {flip.description} ({100 * flip.confidence:.0f} %)", source["link"]


def flips_section(results: SliceResults) -> str:
    """Write the flips of a slice, those with the highest confidence as pictures."""
    flips, sources = find_flips(results), results.dataset.sources_by_file()
    legend = " ".join(f'<b style="color: {color}">{source}</b>' for source, color in PICTURE.items())
    html = [
        '<p class="note">A flip is a sign or a false positive on which one of the weights is right and the other is '
        f'wrong. The percentage is the confidence.</p><p class="key">Boxes: {legend}</p>'
    ]
    for kind in FlipKind:
        of_kind = [flip for flip in flips if flip.kind is kind]
        first = f" (the {MAX_FLIPS} with the highest confidence are shown)" if len(of_kind) > MAX_FLIPS else ""
        pictures = "".join(flip_figure(draw_flip(flip, results), sources) for flip in of_kind[:MAX_FLIPS])
        html.append(f'<h3>{kind}: {len(of_kind)}{first}</h3><div class="flips">{pictures}</div>')
    return "".join(html)


def flip_figure(picture: FlipPicture, sources: Mapping[str, Mapping[str, str]]) -> str:
    """Write one picture with its caption, as a link to its task where Label Studio's address is known."""
    caption, link = flip_caption(picture.flip, sources)
    encoded = base64.b64encode(picture.jpeg).decode()
    return (
        f'<figure><img alt="{escape(caption, quote=True)}" src="data:image/jpeg;base64,{encoded}">'
        f"<figcaption>{task_link(caption, link)}</figcaption></figure>"
    )
