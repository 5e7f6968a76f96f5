"""What flipped: signs and false alarms on which one of the two weights is right and the other wrong, as pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from legosigns_dagster.core.dataset.dataset import LabeledImage
from legosigns_dagster.core.evaluation.comparison import SliceResults
from legosigns_dagster.core.evaluation.evaluation import Detection
from legosigns_dagster.core.geometry import MATCH_IOU, PixelBox

LOST, GAINED = "base right, new wrong", "base wrong, new right"


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


def finds(detections: Sequence[Detection], class_id: int, box: PixelBox) -> float:
    """The confidence of the surest detection of this class at this place; 0 where there is none."""
    fitting = (d.confidence for d in detections if d.class_id == class_id and d.box.iou(box) >= MATCH_IOU)
    return max(fitting, default=0.0)


def is_alarm(image: LabeledImage, detection: Detection) -> bool:
    """Whether no sign of its class is labelled where the detection is."""
    return not any(
        truth.class_id == detection.class_id and truth.box.iou(detection.box) >= MATCH_IOU for truth in image.boxes
    )


def flips_of(part: SliceResults) -> list[Flip]:
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
