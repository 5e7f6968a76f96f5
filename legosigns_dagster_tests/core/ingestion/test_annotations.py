from typing import Any

import pytest

from legosigns_dagster.core.dataset.quarantine import ImageRejectedError, RejectedError
from legosigns_dagster.core.ingestion.annotations import choose_annotation, parse_annotation
from legosigns_dagster.core.ingestion.label_studio import read_annotation, read_task
from legosigns_dagster.core.ingestion.settings import AnnotationPolicies
from legosigns_dagster_tests.support.builders import CLASSES, annotation, region, task

SIZE = (64, 48)
WHOLE = (0, 16.0, 12.0, 48.0, 36.0)  # builders.region() on a 64x48 image: class id, left, top, right, bottom
POLYGON = {"points": [[0, 0], [9, 0], [9, 9]], "polygonlabels": ["SpeedLimit"]}


def pixel_boxes(*regions: dict[str, Any]) -> list[tuple[float, ...]]:
    parsed = parse_annotation(read_annotation(annotation(*regions)), SIZE, CLASSES, AnnotationPolicies())
    return [(b.class_id, b.box.left, b.box.top, b.box.right, b.box.bottom) for b in parsed.boxes]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(region(), [WHOLE], id="a rectangle is a box in pixels"),
        pytest.param(region(value={"rectanglelabels": ["DangerAhead"]}), [(1, *WHOLE[1:])], id="ids are the base's"),
        pytest.param(region(75, 25, 50, 50), [(0, 48, 12, 64, 36)], id="a box over the edge is clipped"),
        pytest.param(region(-10, -10, 20, 20), [(0, 0, 0, 6.4, 4.8)], id="a box before the origin is clipped"),
        pytest.param(region(110, 10, 20, 20), [], id="a box outside is left out"),
        pytest.param(region(99.9, 10, 20, 20), [], id="a sliver under one pixel is left out"),
        pytest.param(region(width=0), [], id="a box without width is left out"),
        pytest.param(region(height=-5), [], id="a box of negative height is left out"),
        pytest.param(region(x=float("nan")), [], id="NaN is left out"),
        pytest.param(region(value={"x": None}), [], id="a missing number is left out"),
        pytest.param(region(value={"rectanglelabels": []}), [], id="a rectangle without a class is left out"),
        pytest.param(region(type="polygonlabels", value=POLYGON), [], id="a polygon is not a box"),
        pytest.param(region(type="choices", value={"choices": ["day"]}), [], id="a choice is not a box"),
        pytest.param(region(from_name="other"), [WHOLE], id="the control's name does not matter"),
        pytest.param(region(image_rotation=90), [WHOLE], id="turning the stage does not turn the boxes"),
        pytest.param(
            region(original_width=128, original_height=96), [WHOLE], id="percentages hold at another scale"
        ),
        pytest.param(
            region(value={"rectanglelabels": ["SpeedLimit", "DangerAhead"]}),
            [WHOLE, (1, *WHOLE[1:])],
            id="two classes on one rectangle are two boxes",
        ),
    ],
)  # fmt: skip
def test_a_region_becomes_the_box_that_people_saw(given: dict[str, Any], expected: list[tuple[float, ...]]) -> None:
    boxes = pixel_boxes(given)
    assert len(boxes) == len(expected)
    for box, expected_box in zip(boxes, expected, strict=True):
        assert box == pytest.approx(expected_box)


def test_a_rotated_rectangle_becomes_its_upright_envelope() -> None:
    # 50 % of 64 px by 50 % of 48 px is 32x24; turned by 90 degrees about (32, 12) it reaches 24 px to the left.
    assert pixel_boxes(region(50, 25, 50, 50, value={"rotation": 90})) == [pytest.approx((0, 8, 12, 32, 44))]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (region(width=0), "empty_box"),
        (region(x=float("inf")), "no_numbers"),
        (region(110, 10, 20, 20), "outside"),
        (region(value={"rectanglelabels": []}), "no_class"),
        (region(type="brushlabels", value={"rle": [1]}), "not_a_box:brushlabels"),
    ],
)
def test_a_bad_region_is_noted_and_its_good_neighbour_stays(given: dict[str, Any], reason: str) -> None:
    neighbour = region(0, 0, 10, 10)
    parsed = parse_annotation(read_annotation(annotation(given, neighbour)), SIZE, CLASSES, AnnotationPolicies())
    assert [issue.reason for issue in parsed.rejected] == [reason]
    assert "r1" in parsed.rejected[0].detail
    assert len(parsed.boxes) == 1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (region(75, 25, 50, 50), "clipped"),
        (region(value={"rotation": 12}), "rotated"),
        (region(value={"rectanglelabels": ["SpeedLimit", "DangerAhead"]}), "two_classes"),
    ],
)
def test_what_was_changed_is_noted(given: dict[str, Any], reason: str) -> None:
    parsed = parse_annotation(read_annotation(annotation(given)), SIZE, CLASSES, AnnotationPolicies())
    assert [issue.reason for issue in parsed.adjusted] == [reason]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(
            region(value={"rectanglelabels": ["Stop"]}),
            "unknown_class: 'Stop' is not one of SpeedLimit, DangerAhead",
            id="an unknown class would turn a sign into background",
        ),
        pytest.param(region(original_width=48, original_height=64), "other_size: .*swapped", id="swapped sizes"),
        pytest.param(
            region(original_width=None, original_height=None, value={"original_width": 100, "original_height": 10}),
            "other_size: drawn on 100x10 px, the image is 64x48 px",
            id="another aspect, written inside value",
        ),
    ],
)
def test_an_image_is_refused_whole_when_the_rest_would_teach_something_wrong(
    given: dict[str, Any], message: str
) -> None:
    with pytest.raises(RejectedError, match=message):
        parse_annotation(read_annotation(annotation(given, region())), SIZE, CLASSES, AnnotationPolicies())


@pytest.mark.parametrize(
    ("annotations", "winner"),
    [
        pytest.param([annotation(id=1), annotation(id=2)], "2", id="the latest counts"),
        pytest.param([annotation(id=1, ground_truth=True), annotation(id=2)], "1", id="ground truth counts first"),
        pytest.param([annotation(id=1), annotation(id=2, was_cancelled=True)], "1", id="a cancelled one does not"),
        pytest.param([annotation(region(), id=1), annotation(id=2)], "2", id="the one that counts may be empty"),
        pytest.param(
            [annotation(id=9, updated_at="2026-01-01"), annotation(id=10, updated_at="2026-01-01")],
            "10",
            id="ties go to the higher id, as a number",
        ),
    ],
)
def test_one_of_several_annotations_counts(annotations: list[dict[str, Any]], winner: str) -> None:
    for order in (annotations, annotations[::-1]):
        chosen, others = choose_annotation(read_task(task("a.jpg", *order)), AnnotationPolicies())
        assert chosen.id == winner
        assert winner not in [other.id for other in others]


@pytest.mark.parametrize(
    ("annotations", "reason"),
    [
        pytest.param([], "unlabeled", id="nobody annotated: not the same as no sign"),
        pytest.param([annotation(region(), was_cancelled=True)], "skipped", id="only cancelled ones"),
    ],
)
def test_a_task_without_a_submitted_annotation_is_not_an_image_without_signs(
    annotations: list[dict[str, Any]], reason: str
) -> None:
    with pytest.raises(RejectedError, match=reason):
        choose_annotation(read_task(task("a.jpg", *annotations)), AnnotationPolicies())


@pytest.mark.parametrize(
    ("given", "policies", "boxes"),
    [
        pytest.param(region(value={"rotation": 12}), {"rotated": "leave_out"}, 0, id="a rotated one left out"),
        pytest.param(region(value={"rotation": 12}), {"rotated": "reject"}, None, id="a rotated one"),
        pytest.param(region(value={"rotation": 360}), {"rotated": "reject"}, 1, id="a full turn is none"),
        pytest.param(region(value={"rectanglelabels": ["Stop"]}), {"unknown_class": "leave_out"}, 0, id="unknown"),
        pytest.param(region(value={"rectanglelabels": [*CLASSES.names]}), {"two_classes": "leave_out"}, 0, id="two"),
        pytest.param(region(value={"rectanglelabels": [*CLASSES.names]}), {"two_classes": "reject"}, None, id="both"),
        pytest.param(region(type="polygonlabels", value=POLYGON), {"polygons": "envelope"}, 1, id="a polygon"),
        pytest.param(region(type="polygonlabels", value={"points": [[1]]}), {"polygons": "envelope"}, 0, id="a point"),
    ],
)
def test_a_policy_leaves_out_the_region_or_refuses_the_image(
    given: dict[str, Any], policies: dict[str, Any], boxes: int | None
) -> None:
    drawn = read_annotation(annotation(given, region(0, 0, 10, 10)))
    if boxes is None:
        with pytest.raises(ImageRejectedError):
            parse_annotation(drawn, SIZE, CLASSES, AnnotationPolicies(**policies))
        return
    parsed = parse_annotation(drawn, SIZE, CLASSES, AnnotationPolicies(**policies))
    assert (len(parsed.boxes), len(parsed.rejected)) == (1 + boxes, 1 - boxes)


def test_a_polygon_becomes_the_rectangle_around_its_points() -> None:
    given = read_annotation(annotation(region(type="polygonlabels", value=POLYGON)))
    parsed = parse_annotation(given, (640, 480), CLASSES, AnnotationPolicies(polygons="envelope"))
    (labeled,) = parsed.boxes
    assert labeled.class_id == 0
    assert (labeled.box.left, labeled.box.top) == (0, 0)
    assert (labeled.box.right, labeled.box.bottom) == pytest.approx((57.6, 43.2))
    assert [issue.reason for issue in parsed.adjusted] == ["polygon"]


def test_by_policy_the_latest_counts_before_ground_truth_or_none_does() -> None:
    given = read_task(task("a.jpg", annotation(region(), id=1, ground_truth=True), annotation(id=2)))
    assert choose_annotation(given, AnnotationPolicies(several_annotations="latest"))[0].id == "2"
    with pytest.raises(RejectedError, match="several_annotations: 2 that differ"):
        choose_annotation(given, AnnotationPolicies(several_annotations="reject"))
    agreed = read_task(task("a.jpg", annotation(region(), id=1), annotation(region(), id=2)))
    assert choose_annotation(agreed, AnnotationPolicies(several_annotations="reject"))[0].id == "2"


def test_by_policy_an_image_that_nobody_annotated_is_one_without_signs_and_is_noted() -> None:
    policies = AnnotationPolicies(unlabeled="no_sign")
    chosen, _ = choose_annotation(read_task(task("a.jpg")), policies)
    parsed = parse_annotation(chosen, SIZE, CLASSES, policies)
    assert (parsed.boxes, [issue.reason for issue in parsed.adjusted]) == ((), ["unlabeled"])


def test_a_null_result_is_an_empty_annotation_and_is_noted() -> None:
    parsed = parse_annotation(read_annotation(annotation(result=None)), SIZE, CLASSES, AnnotationPolicies())
    assert parsed.boxes == ()
    assert [issue.reason for issue in parsed.adjusted] == ["null_result"]
