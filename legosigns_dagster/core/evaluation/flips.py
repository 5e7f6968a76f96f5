"""What flipped: signs and false alarms on which one of the two weights is right and the other wrong, as pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from legosigns_dagster.core.evaluation.comparison import Slice
from legosigns_dagster.core.dataset.dataset import LabeledImage
from legosigns_dagster.core.evaluation.evaluation import Detection
from legosigns_dagster.core.report.gallery import MATCH_IOU, Shown, as_jpeg, drawn, initials
from legosigns_dagster.core.geometry import PixelBox
from legosigns_dagster.core.images import open_upright

LOST, GAINED = "base right, new wrong", "base wrong, new right"
COLORS = {"truth": "#ffffff", "base": "#ff9100", "new": "#40c4ff"}
AROUND = 5.0  # sides of the picture, in sizes of the sign
SMALLEST_PX = 160.0  # of the picture, in pixels of the image
WIDTH_PX = 420


@dataclass(frozen=True)
class Flip:
    """A place in an image where `way` (`LOST` or `GAINED`) holds; `confidence` is that of the detection that tells.

    `what` says it in words; a sign's box is the labelled one, a false alarm's the detection's.
    """

    image: LabeledImage
    way: str
    what: str
    confidence: float
    box: PixelBox


@dataclass(frozen=True)
class Picture:
    """The surroundings of a flip as a JPEG, with the boxes of truth, base and new in three colours."""

    flip: Flip
    jpeg: bytes


def finds(detections: Sequence[Detection], class_id: int, box: PixelBox) -> float:
    """The confidence of the surest detection of this class at this place; 0 where there is none."""
    fitting = (d.confidence for d in detections if d.class_id == class_id and d.box.iou(box) >= MATCH_IOU)
    return max(fitting, default=0.0)


def is_alarm(image: LabeledImage, detection: Detection) -> bool:
    """Whether no sign of its class is labelled where the detection is."""
    return not any(
        truth.class_id == detection.class_id and truth.box.iou(detection.box) >= MATCH_IOU for truth in image.boxes
    )


def flips_of(part: Slice) -> list[Flip]:
    """Every flip of a slice, the surest first; what the weights say is taken at a confidence of 0.25."""
    base, new = part.base.by_file, part.new.by_file
    found = [
        flip
        for image in part.dataset
        for flip in flips_in(image, base.get(image.file, []), new.get(image.file, []), part.dataset.classes.names)
    ]
    return sorted(found, key=lambda flip: (-flip.confidence, flip.image.file))


def flips_in(
    image: LabeledImage, base: Sequence[Detection], new: Sequence[Detection], names: Sequence[str]
) -> Iterator[Flip]:
    """The flips of one image."""
    for truth in image.boxes:
        before, after = (finds(detections, truth.class_id, truth.box) for detections in (base, new))
        name = names[truth.class_id]
        if before and not after:
            yield Flip(image, LOST, f"{name} is no longer found", before, truth.box)
        if after and not before:
            yield Flip(image, GAINED, f"{name} is found now", after, truth.box)
    for way, alarms, others in ((LOST, new, base), (GAINED, base, new)):
        for alarm in alarms:
            if is_alarm(image, alarm) and not finds(others, alarm.class_id, alarm.box):
                what = f"{'new' if way == LOST else 'no longer a'} false alarm for {names[alarm.class_id]}"
                yield Flip(image, way, what, alarm.confidence, alarm.box)


def window_of(box: PixelBox, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in whole pixels of what is shown around a box: three quarters as high as wide."""
    width = min(max(AROUND * max(box.width, box.height), SMALLEST_PX), float(size_wh[0]))
    height = min(0.75 * width, float(size_wh[1]))
    left = min(max((box.left + box.right - width) / 2, 0), size_wh[0] - width)
    top = min(max((box.top + box.bottom - height) / 2, 0), size_wh[1] - height)
    return round(left), round(top), round(left + width), round(top + height)


def picture_of(flip: Flip, part: Slice) -> Picture:
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
