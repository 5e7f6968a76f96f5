"""From a Label Studio task to boxes on its image: every rule for what people really draw, and who wins."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import LabeledBox
from legosigns_dagster.core.dataset.quarantine import ImageRejectedError, RejectedError
from legosigns_dagster.core.geometry import PixelBox, upright_envelope
from legosigns_dagster.core.ingestion.label_studio import Annotation, Json, Task
from legosigns_dagster.core.ingestion.settings import AnnotationPolicies

MIN_SIDE_PX = 1.0
ASPECT_TOLERANCE = 0.02  # percentages survive scaling; another aspect means another picture


@dataclass(frozen=True)
class Issue:
    """Something about a region or annotation that people should see: a reason in one word, and the detail."""

    reason: str
    detail: str


@dataclass(frozen=True)
class ParsedAnnotation:
    """What an annotation says about its image: boxes in pixels, regions left out, regions changed."""

    boxes: tuple[LabeledBox, ...]
    rejected: tuple[Issue, ...]
    adjusted: tuple[Issue, ...]


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
            raise RejectedError("skipped", "its annotations were cancelled: submit one, empty where there is no sign")
        if policies.unlabeled == "no_sign":
            return Annotation("", (), False, False, ""), []
        raise RejectedError("unlabeled", "nobody annotated it: submit an annotation, empty where there is no sign")
    ranked = sorted(submitted, key=lambda annotation: rank(annotation, policies), reverse=True)
    if policies.several_annotations == "reject" and any(a.result != ranked[0].result for a in ranked[1:]):
        raise RejectedError(
            "several_annotations", f"{len(ranked)} that differ: delete all but one, or mark one as truth"
        )
    return ranked[0], ranked[1:]


def parse_rectangle(value: Mapping[str, Any]) -> tuple[float, float, float, float, float]:
    """x, y, width, height in percent and the rotation in degrees; Rejected when one is missing or no number."""
    try:
        found = [float(value[key]) for key in ("x", "y", "width", "height")] + [float(value.get("rotation") or 0)]
    except (KeyError, TypeError, ValueError) as error:
        raise RejectedError(
            "no_numbers", f"x, y, width and height are needed, {error} is missing or no number"
        ) from error
    if not all(map(math.isfinite, found)):
        raise RejectedError("no_numbers", f"x, y, width, height, rotation are {found}: not finite")
    x, y, width, height, rotation = found
    if width <= 0 or height <= 0:
        raise RejectedError("empty_box", f"width {width} and height {height} percent: redraw it")
    return x, y, width, height, rotation


def original_size(region: Json) -> tuple[float, float] | None:
    """The width and height on which a region was drawn, wherever Label Studio or an importer put them."""
    value = region.get("value") or {}
    width = region.get("original_width") or value.get("original_width")
    height = region.get("original_height") or value.get("original_height")
    return (float(width), float(height)) if width and height else None


def require_same_image(region: Json, size_wh: tuple[int, int]) -> None:
    """ImageRejectedError when a region was drawn on a picture of another shape; another scale of the same is fine."""
    drawn_on = original_size(region)
    if drawn_on is None:
        return
    aspect, drawn_aspect = size_wh[0] / size_wh[1], drawn_on[0] / drawn_on[1]
    if abs(drawn_aspect / aspect - 1) > ASPECT_TOLERANCE:
        swapped = " (width and height swapped: it was drawn on the image turned)" if drawn_on == size_wh[::-1] else ""
        raise ImageRejectedError(
            "other_size",
            f"drawn on {drawn_on[0]:g}x{drawn_on[1]:g} px, the image is {size_wh[0]}x{size_wh[1]} px{swapped}: "
            "annotate it again",
        )


def rejection(policy: str, reason: str, detail: str) -> RejectedError:
    """The refusal that a policy asks for: of the region, or of its whole image."""
    return (ImageRejectedError if policy == "reject" else RejectedError)(reason, detail)


def pixel_box(region: Json, size_wh: tuple[int, int], policies: AnnotationPolicies) -> tuple[PixelBox, list[Issue]]:
    """A region's box inside the image, in pixels, with a note for each thing that was changed."""
    x, y, width, height, rotation = parse_rectangle(region.get("value") or {})
    scale_x, scale_y = size_wh[0] / 100, size_wh[1] / 100
    drawn = PixelBox(x * scale_x, y * scale_y, (x + width) * scale_x, (y + height) * scale_y)
    notes = []
    if rotation % 360:
        if policies.rotated != "envelope":
            raise rejection(policies.rotated, "rotated", f"turned by {rotation:g} degrees: draw it upright")
        drawn = upright_envelope(drawn, rotation)
        notes.append(Issue("rotated", f"turned by {rotation:g} degrees: its upright envelope is used"))
    box = drawn.clip(size_wh)
    if box.width < MIN_SIDE_PX or box.height < MIN_SIDE_PX:
        raise RejectedError("outside", f"{box.width:.2f}x{box.height:.2f} px of it are inside the image: redraw it")
    if max(abs(box.left - drawn.left), abs(box.top - drawn.top), abs(box.right - drawn.right),
           abs(box.bottom - drawn.bottom)) > 1e-6 * max(size_wh):  # fmt: skip
        notes.append(Issue("clipped", f"{drawn.area - box.area:.0f} square pixels outside the image were cut off"))
    return box, notes


def polygon_envelope(polygon: Json) -> Json:
    """The upright rectangle around a polygon, as Label Studio would write it; Rejected for one without points."""
    value = polygon.get("value") or {}
    try:
        xs, ys = zip(*((float(x), float(y)) for x, y in value["points"]), strict=True)
    except (KeyError, TypeError, ValueError) as error:
        raise RejectedError("no_numbers", f"points of a polygon are needed: {type(error).__name__}: {error}") from error
    box = {"x": min(xs), "y": min(ys), "width": max(xs) - min(xs), "height": max(ys) - min(ys)}
    labels = {"rectanglelabels": value.get("polygonlabels")}
    return {**polygon, "type": "rectanglelabels", "value": {**value, **box, **labels}}


def class_names(region: Json, classes: SignClasses, policies: AnnotationPolicies) -> list[str]:
    """The classes on a rectangle.

    Rejected for another kind of region, for one without a class, for unknown classes and (by policy) for two.
    """
    kind = str(region.get("type", "nothing"))
    if kind != "rectanglelabels":
        raise RejectedError(f"not_a_box:{kind}", "only rectangles with a class become boxes: draw one")
    labels = (region.get("value") or {}).get("rectanglelabels") or []
    if not labels:
        raise RejectedError("no_class", "a rectangle without a class: choose one")
    names = [str(label) for label in dict.fromkeys(labels)]
    unknown = [name for name in names if name not in classes.names]
    if unknown:
        detail = f"{unknown[0]!r} is not one of {', '.join(classes.names)}: relabel it"
        raise rejection(policies.unknown_class, "unknown_class", detail)
    if len(names) > 1 and policies.two_classes != "both":
        raise rejection(policies.two_classes, "two_classes", f"it has the classes {', '.join(names)}: leave one")
    return names


def parse_annotation(
    annotation: Annotation, size_wh: tuple[int, int], classes: SignClasses, policies: AnnotationPolicies
) -> ParsedAnnotation:
    """The boxes of an annotation on its image (displayed width and height in pixels).

    Bad regions are left out and noted. ImageRejectedError: where using
    the rest would teach something wrong: a region drawn
    on another picture's shape, and what the policies say, such as an unknown class (its sign would become background).
    """
    boxes: list[LabeledBox] = []
    rejected: list[Issue] = []
    adjusted = [Issue("null_result", "the result is null: taken as no sign")] if annotation.result is None else []
    if not annotation.id:
        adjusted.append(Issue("unlabeled", "nobody annotated it: taken as no sign"))
    for drawn in annotation.result or ():
        region = drawn
        try:
            if region.get("type") == "polygonlabels" and policies.polygons == "envelope":
                region = polygon_envelope(region)
            labels = class_names(region, classes, policies)
            require_same_image(region, size_wh)
            box, notes = pixel_box(region, size_wh, policies)
        except ImageRejectedError:
            raise
        except RejectedError as reason:
            rejected.append(Issue(reason.reason, f"region {region.get('id', '(no id)')}: {reason.detail}"))
            continue
        adjusted += notes
        if region is not drawn:
            adjusted.append(Issue("polygon", "a polygon: its upright envelope is used"))
        if len(labels) > 1:
            adjusted.append(Issue("two_classes", f"one box has the classes {', '.join(labels)}: one box for each"))
        boxes += [LabeledBox(classes.class_id(label), box) for label in labels]
    ordered = sorted(boxes, key=lambda b: (b.class_id, b.box.left, b.box.top, b.box.right, b.box.bottom))
    return ParsedAnnotation(tuple(ordered), tuple(rejected), tuple(adjusted))
