"""From a region that somebody drew to a box in px with a class: the rules for each kind of region."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.dataset.quarantine import ImageRejectedError, RejectedError
from legosigns_dagster.core.geometry import PixelBox, upright_envelope
from legosigns_dagster.core.ingestion.label_studio import Json
from legosigns_dagster.core.ingestion.region_results import DrawnRegion
from legosigns_dagster.core.ingestion.settings import AnnotationPolicies

LARGEST_PERCENT = 1e6  # beyond it, a number is a mistake, and sums of such numbers are not finite
MIN_SIDE_PX = 1.0  # a box that is narrower or lower inside the image is left out
ASPECT_TOLERANCE = 0.02  # percentages survive scaling; another aspect means another image


@dataclass(frozen=True)
class Issue:
    """What was wrong with a region or an annotation.

    Attributes:
        reason: One word, such as `rotated`.
        detail: What was found, and what was done or should be done about it.
    """

    reason: str
    detail: str


class UnreadableRegionError(RejectedError):
    """Somebody drew a region, and where it is cannot be read. If it is a sign, the policy decides about its image."""


def parse_rectangle(value: Mapping[str, Any]) -> tuple[float, float, float, float, float]:
    """Read a rectangle: x, y, width and height in percent of the image, rotation in degrees clockwise.

    Width and height are negative where it was drawn towards the left or the top.

    Raises:
        UnreadableRegionError: A number is missing or not finite, or the rectangle has no area.
    """
    try:
        numbers = [float(value[key]) for key in ("x", "y", "width", "height")] + [float(value.get("rotation") or 0)]
    except (KeyError, TypeError, ValueError):
        numbers = [LARGEST_PERCENT * 2]
    if not all(abs(number) <= LARGEST_PERCENT for number in numbers):  # also false for NaN
        got = ", ".join(f"{key} {value.get(key)}" for key in ("x", "y", "width", "height", "rotation"))
        raise UnreadableRegionError("no_numbers", f"{got}: expected finite numbers, redraw it")
    x, y, width, height, rotation = numbers
    if not (width and height):
        raise UnreadableRegionError(
            "empty_box", f"width {width:g} and height {height:g} percent, expected another number than 0: redraw it"
        )
    return x, y, width, height, rotation


def original_size(region: Json) -> tuple[float, float] | None:
    """Find the width and height in px of the image that a region was drawn on.

    Label Studio writes them beside `value`, some importers into it. None where they are missing.
    """
    value = region.get("value") or {}
    width = region.get("original_width") or value.get("original_width")
    height = region.get("original_height") or value.get("original_height")
    return (float(width), float(height)) if width and height else None


def require_same_image(region: Json, size_wh: tuple[int, int]) -> None:
    """Check that a region was drawn on an image of this shape, at whatever scale.

    Raises:
        ImageRejectedError: The image that it was drawn on had another aspect.
    """
    drawn_on = original_size(region)
    if drawn_on is None:
        return
    aspect, drawn_aspect = size_wh[0] / size_wh[1], drawn_on[0] / drawn_on[1]
    if abs(drawn_aspect / aspect - 1) > ASPECT_TOLERANCE:
        swapped = " (width and height swapped: it was drawn on the rotated image)" if drawn_on == size_wh[::-1] else ""
        raise ImageRejectedError(
            "other_size",
            f"drawn on {drawn_on[0]:g}x{drawn_on[1]:g} px, the image is {size_wh[0]}x{size_wh[1]} px{swapped}: "
            "annotate it again",
        )


def rejection(policy: str, reason: str, detail: str) -> RejectedError:
    """Make the error for a policy: `reject` rejects the whole image, everything else only the region."""
    return (ImageRejectedError if policy == "reject" else RejectedError)(reason, detail)


def pixel_box(value: Json, size_wh: tuple[int, int], policies: AnnotationPolicies) -> tuple[PixelBox, list[Issue]]:
    """Convert a rectangle to px and clip it to the image.

    Returns:
        The box, and an issue for each change.

    Raises:
        UnreadableRegionError: It has no position or no size, or nothing of it is inside the image.
        RejectedError: Less than 1 px of it is inside the image, or it is rotated and the policy does not allow that.
    """
    x, y, width, height, rotation = parse_rectangle(value)
    scale_x, scale_y = size_wh[0] / 100, size_wh[1] / 100
    drawn = PixelBox(x * scale_x, y * scale_y, (x + width) * scale_x, (y + height) * scale_y)
    issues = []
    if width < 0 or height < 0:
        issues.append(Issue("negative_size", f"width {width:g} and height {height:g} percent: turned round"))
    if rotation % 360:
        if policies.rotated != "envelope":
            raise rejection(policies.rotated, "rotated", f"rotated by {rotation:g} degrees: draw it upright")
        issues.append(Issue("rotated", f"rotated by {rotation:g} degrees: its upright envelope is used"))
    # Without a rotation, the envelope of a rectangle is itself, the right way round.
    drawn = upright_envelope(drawn, rotation) if issues else drawn
    box = drawn.clip(size_wh)
    if box.width < MIN_SIDE_PX or box.height < MIN_SIDE_PX:
        detail = f"{box.width:.2f}x{box.height:.2f} px of it are inside the image: redraw it"
        if min(box.width, box.height) <= 0:
            raise UnreadableRegionError("outside", detail)
        raise RejectedError("outside", detail)
    if max(abs(box.left - drawn.left), abs(box.top - drawn.top), abs(box.right - drawn.right),
           abs(box.bottom - drawn.bottom)) > 1e-6 * max(size_wh):  # fmt: skip
        issues.append(Issue("clipped", f"{drawn.area - box.area:.0f} square pixels outside the image were cut off"))
    return box, issues


def polygon_envelope(polygon: DrawnRegion) -> DrawnRegion:
    """Convert a polygon to the upright rectangle around it.

    Raises:
        UnreadableRegionError: It has no points.
    """
    try:
        xs, ys = zip(*((float(x), float(y)) for x, y in polygon.value["points"]), strict=True)
    except (KeyError, TypeError, ValueError) as error:
        detail = f"a polygon must have points, got {type(error).__name__}: {error}"
        raise UnreadableRegionError("no_numbers", detail) from error
    box = {"x": min(xs), "y": min(ys), "width": max(xs) - min(xs), "height": max(ys) - min(ys)}
    return replace(polygon, kind="rectangle", value=box)


def require_classes(region: DrawnRegion, classes: SignClasses, policies: AnnotationPolicies) -> None:
    """Check that a region is a rectangle with classes that can be used.

    Raises:
        UnreadableRegionError: It is a sign, and another kind of region.
        RejectedError: It is another kind of region, has no class, has an unknown class, or has two and the policy does
            not allow that. By policy, the whole image is rejected (`ImageRejectedError`).
    """
    if not region.is_rectangle:
        if region.has_known_class(classes):
            detail = f"{region.labels[0]} is not a rectangle: draw one"
            raise UnreadableRegionError(f"sign_not_a_box:{region.kind}", detail)
        raise RejectedError(f"not_a_box:{region.kind}", "only rectangles with a class become boxes: draw one")
    names = region.labels
    if not names:
        raise RejectedError("no_class", "a rectangle without a class: choose one")
    unknown = [name for name in names if name not in classes.names]
    if unknown:
        detail = f"{unknown[0]!r} is not one of {', '.join(classes.names)}: relabel it"
        raise rejection(policies.unknown_class, "unknown_class", detail)
    if len(names) > 1 and policies.two_classes != "both":
        raise rejection(policies.two_classes, "two_classes", f"it has the classes {', '.join(names)}: leave one")
