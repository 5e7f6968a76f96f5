"""From a Label Studio task to boxes on its image: which annotation counts, and the boxes of its regions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import LabeledBox
from legosigns_dagster.core.dataset.quarantine import ImageRejectedError, RejectedError
from legosigns_dagster.core.dataset.yolo_labels import drop_doubled
from legosigns_dagster.core.geometry import MATCH_IOU
from legosigns_dagster.core.ingestion.label_studio import Annotation, Task, utc_time
from legosigns_dagster.core.ingestion.region_results import (
    DrawnRegion,
    join_region,
    pair_results,
    read_region,
    region_name,
)
from legosigns_dagster.core.ingestion.regions import (
    Issue,
    UnreadableRegionError,
    pixel_box,
    polygon_envelope,
    require_classes,
    require_same_image,
)
from legosigns_dagster.core.ingestion.settings import AnnotationPolicies

Unread: TypeAlias = tuple[str, DrawnRegion | None, UnreadableRegionError]  # a region's name, itself if known, and why
NOBODYS = Annotation("", (), False, False, "")  # stands for the annotation of a task that has none, by policy


@dataclass(frozen=True)
class ParsedAnnotation:
    """The boxes of an annotation.

    Attributes:
        boxes: In px of the image, ordered by class and position.
        rejected: Regions that were left out.
        adjusted: Regions that were used, but changed.
    """

    boxes: tuple[LabeledBox, ...]
    rejected: tuple[Issue, ...]
    adjusted: tuple[Issue, ...]


def annotation_rank(annotation: Annotation, policies: AnnotationPolicies) -> tuple[bool, str, int, str]:
    """Rank an annotation: ground truth first (unless the policy is `latest`), then the latest change, then the id."""
    truth = annotation.ground_truth and policies.several_annotations != "latest"
    return truth, utc_time(annotation.updated_at), len(annotation.id), annotation.id


def choose_annotation(task: Task, policies: AnnotationPolicies) -> tuple[Annotation, list[Annotation]]:
    """Choose the annotation that counts.

    Returns:
        That annotation, and the others.

    Raises:
        RejectedError: Nobody annotated the task (unless the policy is `no_sign`), everybody skipped it, or there are
            annotations that differ and the policy is `reject`, or nothing tells which is the newest.
    """
    submitted = [annotation for annotation in task.annotations if not annotation.was_cancelled]
    if not submitted:
        if task.annotations:
            raise RejectedError("skipped", "its annotations were cancelled: submit one, empty where there is no sign")
        if policies.unlabeled == "no_sign":
            return NOBODYS, []
        raise RejectedError("unlabeled", "nobody annotated it: submit an annotation, empty where there is no sign")
    ranked = sorted(submitted, key=lambda annotation: annotation_rank(annotation, policies), reverse=True)
    newest = annotation_rank(ranked[0], policies)
    is_refused = policies.several_annotations == "reject"
    rivals = [one for one in ranked[1:] if is_refused or annotation_rank(one, policies) == newest]
    if any(rival.result != ranked[0].result for rival in rivals):
        raise RejectedError(
            "several_annotations", f"{len(ranked)} that differ: delete all but one, or mark one as truth"
        )
    return ranked[0], ranked[1:]


def read_boxes(
    region: DrawnRegion, size_wh: tuple[int, int], classes: SignClasses, policies: AnnotationPolicies
) -> tuple[list[LabeledBox], list[Issue]]:
    """Convert a region to a box for each of its classes, with an issue for each change.

    Raises:
        RejectedError: It cannot be used. See `require_classes`, `require_same_image` and `pixel_box`.
    """
    issues = []
    if region.is_polygon and policies.polygons == "envelope":
        region = polygon_envelope(region)
        issues.append(Issue("polygon", "a polygon: its upright envelope is used"))
    require_classes(region, classes, policies)
    require_same_image(region.result, size_wh)
    box, changes = pixel_box(region.value, size_wh, policies)
    if len(region.labels) > 1:
        issues.append(Issue("two_classes", f"one box has the classes {', '.join(region.labels)}: one box for each"))
    return [LabeledBox(classes.class_id(label), box) for label in region.labels], [*changes, *issues]


def leave_out(error: RejectedError, name: str, policy: str) -> Issue:
    """Make the issue for a region that is left out.

    Raises:
        ImageRejectedError: The policy is `reject`.
    """
    detail = f"{name}: {error.detail}"
    if policy == "reject":
        raise ImageRejectedError(error.reason, detail) from error
    return Issue(error.reason, detail)


def is_outline(
    region: DrawnRegion, boxes: Sequence[LabeledBox], size_wh: tuple[int, int], classes: SignClasses
) -> bool:
    """Tell whether a region is a polygon around a sign that has a rectangle too, so that no sign is lost without it."""
    if not region.is_polygon:
        return False
    try:
        around, _ = read_boxes(region, size_wh, classes, AnnotationPolicies(polygons="envelope"))
    except RejectedError:
        return False
    return all(
        any(box.class_id == other.class_id and box.box.iou(other.box) >= MATCH_IOU for other in boxes) for box in around
    )


def decide_about(
    unread: Sequence[Unread],
    boxes: Sequence[LabeledBox],
    size_wh: tuple[int, int],
    classes: SignClasses,
    policies: AnnotationPolicies,
) -> tuple[list[Issue], list[Issue]]:
    """Decide about the regions of an image that cannot be read; `boxes` are those that can.

    Returns:
        An issue for each region that is left out, and one for each outline of a sign that has a box.

    Raises:
        ImageRejectedError: One of them may be a sign, and the policy is `reject`.
    """
    left_out, outlines = [], []
    for name, region, error in unread:
        if region and is_outline(region, boxes, size_wh, classes):
            outlines.append(Issue("outline", f"{name}: a polygon around a sign whose rectangle is used"))
        else:
            is_sign = region is None or region.has_known_class(classes)
            left_out.append(leave_out(error, name, policies.unreadable_region if is_sign else "leave_out"))
    return left_out, outlines


def parse_annotation(
    annotation: Annotation,
    size_wh: tuple[int, int],
    classes: SignClasses,
    policies: AnnotationPolicies,
    results: Sequence[Any] | None = None,
) -> ParsedAnnotation:
    """Convert an annotation to boxes on its image, whose displayed width and height in px are `size_wh`.

    `results` are the annotation's results on this image, all of them where there is no other image. Regions that
    cannot be used are left out, each with an issue.

    Raises:
        ImageRejectedError: Using the other regions would teach an error: a region was drawn on an image of another
            shape, a sign cannot be read, or a policy says so (the sign of an unknown class would become background).
    """
    boxes: list[LabeledBox] = []
    rejected: list[Issue] = []
    adjusted = [Issue("null_result", "the result is null: taken as no sign")] if annotation.result is None else []
    if annotation is NOBODYS:
        adjusted.append(Issue("unlabeled", "nobody annotated it: taken as no sign"))
    unread: list[Unread] = []
    for result, others in pair_results((annotation.result if results is None else results) or ()):
        region, name = None, region_name(result)
        try:
            region = join_region(read_region(result), others, classes)
            found, issues = read_boxes(region, size_wh, classes, policies)
        except ImageRejectedError:
            raise
        except UnreadableRegionError as error:
            unread.append((name, region, error))
        except RejectedError as error:
            rejected.append(leave_out(error, name, "leave_out"))
        except Exception as error:  # a value of any other type than Label Studio writes
            detail = f"{type(error).__name__}: {error}: redraw it"
            unread.append((name, region, UnreadableRegionError("unreadable_region", detail)))
        else:
            boxes, adjusted = boxes + found, adjusted + issues
    left_out, outlines = decide_about(unread, boxes, size_wh, classes, policies)
    if doubled := len(boxes) - len(boxes := drop_doubled(boxes, size_wh)):
        adjusted.append(Issue("doubled_box", f"{doubled} regions repeat another one of the same class: not used"))
    ordered = sorted(boxes, key=lambda b: (b.class_id, b.box.left, b.box.top, b.box.right, b.box.bottom))
    return ParsedAnnotation(tuple(ordered), (*rejected, *left_out), (*adjusted, *outlines))
