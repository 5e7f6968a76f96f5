"""From a Label Studio task to boxes on its image: every rule for what people really draw, and who wins."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import LabeledBox
from legosigns_dagster.core.dataset.quarantine import ImageRejected, Rejected
from legosigns_dagster.core.geometry import PixelBox, rotated_envelope
from legosigns_dagster.core.ingestion.label_studio import Annotation, Json, Task
from legosigns_dagster.core.ingestion.settings import AnnotationPolicies

MIN_SIDE_PX = 1.0
ASPECT_TOLERANCE = 0.02  # percentages survive scaling; another aspect means another picture


@dataclass(frozen=True)
class Note:
    """Something about a region or annotation that people should see: a reason in one word, and the detail."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Reading:
    """What an annotation says about its image: boxes in pixels, regions left out, regions changed."""

    boxes: tuple[LabeledBox, ...]
    rejected: tuple[Note, ...]
    adjusted: tuple[Note, ...]


def rank(annotation: Annotation, policies: AnnotationPolicies) -> tuple[bool, str, int, str]:
    """The annotation of the highest rank counts: ground truth (by policy), then the latest, then the higher id."""
    truth = annotation.ground_truth and policies.several_annotations != "latest"
    return truth, annotation.updated_at, len(annotation.id), annotation.id


def choose_annotation(task: Task, policies: AnnotationPolicies) -> tuple[Annotation, list[Annotation]]:
    """The annotation that counts, and the others.

    Rejected when nobody annotated the task (by policy: that is not the same as an image without signs), when all
    skipped it, and (by policy) when there are several that differ.
    """
    submitted = [annotation for annotation in task.annotations if not annotation.was_cancelled]
    if not submitted:
        if task.annotations:
            raise Rejected("skipped", "its annotations were cancelled: submit one, empty where there is no sign")
        if policies.unlabeled == "no_sign":
            return Annotation("", (), False, False, ""), []
        raise Rejected("unlabeled", "nobody annotated it: submit an annotation, empty where there is no sign")
    ranked = sorted(submitted, key=lambda annotation: rank(annotation, policies), reverse=True)
    if policies.several_annotations == "reject" and any(a.result != ranked[0].result for a in ranked[1:]):
        raise Rejected("several_annotations", f"{len(ranked)} that differ: delete all but one, or mark one as truth")
    return ranked[0], ranked[1:]


def numbers_of(value: Mapping[str, Any]) -> tuple[float, float, float, float, float]:
    """x, y, width, height in percent and the rotation in degrees; Rejected when one is missing or no number."""
    try:
        found = [float(value[key]) for key in ("x", "y", "width", "height")] + [float(value.get("rotation") or 0)]
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected("no_numbers", f"x, y, width and height are needed, {error} is missing or no number") from error
    if not all(map(math.isfinite, found)):
        raise Rejected("no_numbers", f"x, y, width, height, rotation are {found}: not finite")
    x, y, width, height, rotation = found
    if width <= 0 or height <= 0:
        raise Rejected("empty_box", f"width {width} and height {height} percent: redraw it")
    return x, y, width, height, rotation


def annotated_size(region: Json) -> tuple[float, float] | None:
    """The width and height on which a region was drawn, wherever Label Studio or an importer put them."""
    value = region.get("value") or {}
    width = region.get("original_width") or value.get("original_width")
    height = region.get("original_height") or value.get("original_height")
    return (float(width), float(height)) if width and height else None


def require_same_image(region: Json, size_wh: tuple[int, int]) -> None:
    """ImageRejected when a region was drawn on a picture of another shape; another scale of the same is fine."""
    drawn_on = annotated_size(region)
    if drawn_on is None:
        return
    aspect, drawn_aspect = size_wh[0] / size_wh[1], drawn_on[0] / drawn_on[1]
    if abs(drawn_aspect / aspect - 1) > ASPECT_TOLERANCE:
        swapped = " (width and height swapped: it was drawn on the image turned)" if drawn_on == size_wh[::-1] else ""
        raise ImageRejected(
            "other_size",
            f"drawn on {drawn_on[0]:g}x{drawn_on[1]:g} px, the image is {size_wh[0]}x{size_wh[1]} px{swapped}: "
            "annotate it again",
        )


def refused(policy: str, reason: str, detail: str) -> Rejected:
    """The refusal that a policy asks for: of the region, or of its whole image."""
    return (ImageRejected if policy == "reject" else Rejected)(reason, detail)


def pixel_box(region: Json, size_wh: tuple[int, int], policies: AnnotationPolicies) -> tuple[PixelBox, list[Note]]:
    """A region's box inside the image, in pixels, with a note for each thing that was changed."""
    x, y, width, height, rotation = numbers_of(region.get("value") or {})
    scale_x, scale_y = size_wh[0] / 100, size_wh[1] / 100
    drawn = PixelBox(x * scale_x, y * scale_y, (x + width) * scale_x, (y + height) * scale_y)
    notes = []
    if rotation % 360:
        if policies.rotated != "envelope":
            raise refused(policies.rotated, "rotated", f"turned by {rotation:g} degrees: draw it upright")
        drawn = rotated_envelope(drawn, rotation)
        notes.append(Note("rotated", f"turned by {rotation:g} degrees: its upright envelope is used"))
    box = drawn.clipped(size_wh)
    if box.width < MIN_SIDE_PX or box.height < MIN_SIDE_PX:
        raise Rejected("outside", f"{box.width:.2f}x{box.height:.2f} px of it are inside the image: redraw it")
    if max(abs(box.left - drawn.left), abs(box.top - drawn.top), abs(box.right - drawn.right),
           abs(box.bottom - drawn.bottom)) > 1e-6 * max(size_wh):  # fmt: skip
        notes.append(Note("clipped", f"{drawn.area - box.area:.0f} square pixels outside the image were cut off"))
    return box, notes


def envelope_of(polygon: Json) -> Json:
    """The upright rectangle around a polygon, as Label Studio would write it; Rejected for one without points."""
    value = polygon.get("value") or {}
    try:
        xs, ys = zip(*((float(x), float(y)) for x, y in value["points"]), strict=True)
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected("no_numbers", f"points of a polygon are needed: {type(error).__name__}: {error}") from error
    box = {"x": min(xs), "y": min(ys), "width": max(xs) - min(xs), "height": max(ys) - min(ys)}
    labels = {"rectanglelabels": value.get("polygonlabels")}
    return {**polygon, "type": "rectanglelabels", "value": {**value, **box, **labels}}


def labels_of(region: Json, classes: SignClasses, policies: AnnotationPolicies) -> list[str]:
    """The classes on a rectangle.

    Rejected for another kind of region, for one without a class, for unknown classes and (by policy) for two.
    """
    kind = str(region.get("type", "nothing"))
    if kind != "rectanglelabels":
        raise Rejected(f"not_a_box:{kind}", "only rectangles with a class become boxes: draw one")
    labels = (region.get("value") or {}).get("rectanglelabels") or []
    if not labels:
        raise Rejected("no_class", "a rectangle without a class: choose one")
    names = [str(label) for label in dict.fromkeys(labels)]
    unknown = [name for name in names if name not in classes.names]
    if unknown:
        detail = f"{unknown[0]!r} is not one of {', '.join(classes.names)}: relabel it"
        raise refused(policies.unknown_class, "unknown_class", detail)
    if len(names) > 1 and policies.two_classes != "both":
        raise refused(policies.two_classes, "two_classes", f"it has the classes {', '.join(names)}: leave one")
    return names


def read_annotation_boxes(
    annotation: Annotation, size_wh: tuple[int, int], classes: SignClasses, policies: AnnotationPolicies
) -> Reading:
    """The boxes of an annotation on its image (displayed width and height in pixels).

    Bad regions are left out and noted. ImageRejected where using the rest would teach something wrong: a region drawn
    on another picture's shape, and what the policies say, such as an unknown class (its sign would become background).
    """
    boxes: list[LabeledBox] = []
    rejected: list[Note] = []
    adjusted = [Note("null_result", "the result is null: taken as no sign")] if annotation.result is None else []
    if not annotation.id:
        adjusted.append(Note("unlabeled", "nobody annotated it: taken as no sign"))
    for drawn in annotation.result or ():
        region = drawn
        try:
            if region.get("type") == "polygonlabels" and policies.polygons == "envelope":
                region = envelope_of(region)
            labels = labels_of(region, classes, policies)
            require_same_image(region, size_wh)
            box, notes = pixel_box(region, size_wh, policies)
        except ImageRejected:
            raise
        except Rejected as reason:
            rejected.append(Note(reason.reason, f"region {region.get('id', '(no id)')}: {reason.detail}"))
            continue
        adjusted += notes
        if region is not drawn:
            adjusted.append(Note("polygon", "a polygon: its upright envelope is used"))
        if len(labels) > 1:
            adjusted.append(Note("two_classes", f"one box has the classes {', '.join(labels)}: one box for each"))
        boxes += [LabeledBox(classes.id_of(label), box) for label in labels]
    ordered = sorted(boxes, key=lambda b: (b.class_id, b.box.left, b.box.top, b.box.right, b.box.bottom))
    return Reading(tuple(ordered), tuple(rejected), tuple(adjusted))
