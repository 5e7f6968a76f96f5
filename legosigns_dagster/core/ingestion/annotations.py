"""From a Label Studio task to boxes on its image: which annotation counts, and the boxes of its regions."""

from dataclasses import dataclass

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.dataset import LabeledBox
from legosigns_dagster.core.dataset.quarantine import ImageRejectedError, RejectedError
from legosigns_dagster.core.ingestion.label_studio import Annotation, Task
from legosigns_dagster.core.ingestion.regions import Issue, class_names, pixel_box, polygon_envelope, require_same_image
from legosigns_dagster.core.ingestion.settings import AnnotationPolicies


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
    """Rank an annotation; the highest rank counts.

    Ground truth comes first (unless the policy is `latest`), then the latest change, then the higher id.
    """
    truth = annotation.ground_truth and policies.several_annotations != "latest"
    return truth, annotation.updated_at, len(annotation.id), annotation.id


def choose_annotation(task: Task, policies: AnnotationPolicies) -> tuple[Annotation, list[Annotation]]:
    """Choose the annotation that counts.

    Returns:
        That annotation, and the others.

    Raises:
        RejectedError: Nobody annotated the task (unless the policy is `no_sign`), everybody skipped it, or there are
            annotations that differ and the policy is `reject`.
    """
    submitted = [annotation for annotation in task.annotations if not annotation.was_cancelled]
    if not submitted:
        if task.annotations:
            raise RejectedError("skipped", "its annotations were cancelled: submit one, empty where there is no sign")
        if policies.unlabeled == "no_sign":
            return Annotation("", (), False, False, ""), []
        raise RejectedError("unlabeled", "nobody annotated it: submit an annotation, empty where there is no sign")
    ranked = sorted(submitted, key=lambda annotation: annotation_rank(annotation, policies), reverse=True)
    if policies.several_annotations == "reject" and any(a.result != ranked[0].result for a in ranked[1:]):
        raise RejectedError(
            "several_annotations", f"{len(ranked)} that differ: delete all but one, or mark one as truth"
        )
    return ranked[0], ranked[1:]


def parse_annotation(
    annotation: Annotation, size_wh: tuple[int, int], classes: SignClasses, policies: AnnotationPolicies
) -> ParsedAnnotation:
    """Convert an annotation to boxes on its image, whose displayed width and height in px are `size_wh`.

    Regions that cannot be used are left out, each with an issue.

    Raises:
        ImageRejectedError: Using the other regions would teach an error: a region was drawn on an image of another
            shape, or a policy says so, as for an unknown class (its sign would become background).
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
            box, issues = pixel_box(region, size_wh, policies)
        except ImageRejectedError:
            raise
        except RejectedError as error:
            rejected.append(Issue(error.reason, f"region {region.get('id', '(no id)')}: {error.detail}"))
            continue
        adjusted += issues
        if region is not drawn:
            adjusted.append(Issue("polygon", "a polygon: its upright envelope is used"))
        if len(labels) > 1:
            adjusted.append(Issue("two_classes", f"one box has the classes {', '.join(labels)}: one box for each"))
        boxes += [LabeledBox(classes.class_id(label), box) for label in labels]
    ordered = sorted(boxes, key=lambda b: (b.class_id, b.box.left, b.box.top, b.box.right, b.box.bottom))
    return ParsedAnnotation(tuple(ordered), tuple(rejected), tuple(adjusted))
