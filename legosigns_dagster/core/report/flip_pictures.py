"""A flip as a picture: the sign's surroundings with the boxes of truth, base and new weights."""

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.flips import Flip
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.images import open_upright
from legosigns_dagster.core.report.gallery import Shown, as_jpeg, drawn, initials

COLORS = {"truth": "#ffffff", "base": "#ff9100", "new": "#40c4ff"}
AROUND = 5.0  # sides of the picture, in sizes of the sign
SMALLEST_PX = 160.0  # of the picture, in pixels of the image
WIDTH_PX = 420


@dataclass(frozen=True)
class Picture:
    """The surroundings of a flip as a JPEG, with the boxes of truth, base and new in three colours."""

    flip: Flip
    jpeg: bytes


def window_of(box: PixelBox, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in whole pixels of what is shown around a box: three quarters as high as wide."""
    width = min(max(AROUND * max(box.width, box.height), SMALLEST_PX), float(size_wh[0]))
    height = min(0.75 * width, float(size_wh[1]))
    left = min(max((box.left + box.right - width) / 2, 0), size_wh[0] - width)
    top = min(max((box.top + box.bottom - height) / 2, 0), size_wh[1] - height)
    return round(left), round(top), round(left + width), round(top + height)


def picture_of(flip: Flip, part: SliceResults) -> Picture:
    """The picture of a flip."""
    names, window = part.dataset.classes.names, window_of(flip.box, flip.image.size_wh)

    def inside(box: PixelBox) -> PixelBox:
        return PixelBox(box.left - window[0], box.top - window[1], box.right - window[0], box.bottom - window[1])

    shown = [Shown(COLORS["truth"], inside(b.box), initials(names[b.class_id])) for b in flip.image.boxes]
    for name, evaluation in (("base", part.base), ("new", part.new)):
        for d in evaluation.by_file.get(flip.image.file, []):
            text = f"{name} {initials(names[d.class_id])} {100 * d.confidence:.0f}"
            shown.append(Shown(COLORS[name], inside(d.box), text))
    with open_upright(part.dataset.folder / flip.image.file) as image:
        canvas: Image.Image = drawn(image.crop(window), shown, WIDTH_PX)
    return Picture(flip, as_jpeg(canvas, 75))


def caption_of(flip: Flip, sources: dict[str, dict[str, str]]) -> tuple[str, str]:
    """What a picture shows, and the way to its task (empty where there is none)."""
    source = sources.get(flip.image.file, {"image": Path(flip.image.file).name, "link": ""})
    return f"{source['image']}: {flip.what} ({100 * flip.confidence:.0f} %)", source["link"]
