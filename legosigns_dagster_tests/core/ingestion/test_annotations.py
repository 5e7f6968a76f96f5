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
    ("again", "count"),
    [
        pytest.param(region(id="r2"), 1, id="drawn twice"),
        pytest.param(region(25 + 1e-10, id="r2"), 1, id="the same once it is written"),
        pytest.param(region(25.001, id="r2"), 2, id="moved a little"),
        pytest.param(region(id="r2", value={"rectanglelabels": ["DangerAhead"]}), 2, id="another class"),
    ],
)
def test_a_box_that_is_there_twice_counts_once(again: dict[str, Any], count: int) -> None:
    """Ultralytics uses it once: tables that had it twice would not be about what is trained and measured."""
    drawn = read_annotation(annotation(region(), again))
    parsed = parse_annotation(drawn, SIZE, CLASSES, AnnotationPolicies())
    assert len(parsed.boxes) == count
    said = [(issue.reason, issue.detail) for issue in parsed.adjusted]
    assert said == [("doubled_box", "1 regions repeat another one of the same class: not used")] * (2 - count)


def test_boxes_that_are_the_same_inside_the_image_count_once() -> None:
    assert pixel_boxes(region(-10, -10, 20, 20), region(-20, -20, 30, 30, id="r2")) == [(0, 0, 0, 6.4, 4.8)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(region(), [WHOLE], id="a rectangle is a box in pixels"),
        pytest.param(region(value={"rectanglelabels": ["DangerAhead"]}), [(1, *WHOLE[1:])], id="ids are the base's"),
        pytest.param(region(75, 25, 50, 50), [(0, 48, 12, 64, 36)], id="a box over the edge is clipped"),
        pytest.param(region(-10, -10, 20, 20), [(0, 0, 0, 6.4, 4.8)], id="a box before the origin is clipped"),
        pytest.param(region(99.9, 10, 20, 20), [], id="a sliver under one pixel is left out"),
        # HumanSignal/label-studio#1141 and #3140: a corner was dragged over the opposite one.
        pytest.param(region(75, 75, -50, -50), [WHOLE], id="a box of negative size is turned round"),
        pytest.param(region(25, 75, 50, -50), [WHOLE], id="a box of negative height is turned round"),
        pytest.param(region(75, 25, -50, 50), [WHOLE], id="a box of negative width is turned round"),
        pytest.param(region(value={"x": "25", "y": "25.0"}), [WHOLE], id="numbers as text are numbers"),
        pytest.param(region(value={"rectanglelabels": "SpeedLimit"}), [WHOLE], id="a class as text is a class"),
        pytest.param(region(type=None), [WHOLE], id="without a type, the value tells it"),
        pytest.param(region(type=[1]), [WHOLE], id="a type that is no text is none"),
        pytest.param(region(value={"rotation": None}), [WHOLE], id="no rotation"),
        pytest.param(region(id=None), [WHOLE], id="a region without an id"),
        pytest.param(region(value={"rectanglelabels": []}), [], id="a rectangle without a class is left out"),
        pytest.param(region(type="brushlabels", value={"rle": [1]}), [], id="a brush without a class is not a box"),
        pytest.param(region(type="choices", value={"choices": ["day"]}), [], id="a choice is not a box"),
        pytest.param(region(from_name="other"), [WHOLE], id="the control's name does not matter"),
        pytest.param(region(image_rotation=90), [WHOLE], id="turning the stage does not turn the boxes"),
        pytest.param(
            region(original_width=128, original_height=96), [WHOLE], id="percentages hold at another scale"
        ),
        pytest.param(
            region(original_width=652, original_height=480), [WHOLE], id="scaling rounds: 1.9 % of the aspect"
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
    # Turned by 180 degrees about (32, 36), 16x12 px reach to the left and up.
    assert pixel_boxes(region(50, 75, 25, 25, value={"rotation": 180})) == [pytest.approx((0, 16, 24, 32, 36))]
    # Drawn towards the top left, it is turned about the corner where the drawing began: (32, 36).
    assert pixel_boxes(region(50, 75, -25, -50, value={"rotation": 90})) == [pytest.approx((0, 32, 20, 56, 36))]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (region(99.9, 10, 20, 20), "outside"),
        (region(value={"rectanglelabels": []}), "no_class"),
        (region(type="brushlabels", value={"rle": [1]}), "not_a_box:brushlabels"),
        (region(type="polygonlabels", value=POLYGON | {"polygonlabels": ["Track"]}), "not_a_box:polygonlabels"),
        (region(type="rectangle") | {"value": {"x": 1, "y": 1, "width": 9, "height": 9}}, "no_class"),
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
        (region(75, 75, -50, -50), "negative_size"),
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
        pytest.param(region(original_width=654, original_height=480), "other_size", id="2.2 % of the aspect: cropped"),
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


# What a labelled sign may look like that cannot be read. Without its box, the detector would learn it as background.
UNREADABLE = [
    pytest.param(region(width=0), "empty_box", id="no width"),
    pytest.param(region(height=0.0), "empty_box", id="no height"),
    pytest.param(region(x=float("nan")), "no_numbers", id="NaN"),
    pytest.param(region(x=float("inf")), "no_numbers", id="infinite"),
    pytest.param(region(width=1e308), "no_numbers", id="sums of it are infinite"),
    pytest.param(region(value={"rotation": float("nan")}), "no_numbers", id="a rotation of NaN"),
    pytest.param(region(value={"x": None}), "no_numbers", id="HumanSignal/label-studio-converter#186: null"),
    pytest.param(region(value={"x": "12,5"}), "no_numbers", id="a decimal comma"),
    pytest.param(region(value={"x": [25]}), "no_numbers", id="a list"),
    pytest.param(
        region() | {"value": {"rle": [1], "format": "rle", "rectanglelabels": ["SpeedLimit"]}},
        "no_numbers", id="HumanSignal/label-studio-converter#222: a brush in a rectangle",
    ),
    pytest.param(region(110, 10, 20, 20), "outside", id="outside of the image"),
    pytest.param(region(310, 240, 64, 48), "outside", id="pixels in the place of percent"),
    pytest.param(
        region(type="polygonlabels", value={"points": [[50, 50], [99, 99], [50, 99]], "polygonlabels": ["SpeedLimit"]}),
        "sign_not_a_box:polygonlabels", id="a polygon",
    ),
    pytest.param(
        region(type="ellipselabels") | {"value": {"x": 5, "y": 5, "radiusX": 4, "ellipselabels": ["SpeedLimit"]}},
        "sign_not_a_box:ellipselabels", id="an ellipse",
    ),
    pytest.param(
        region(type="brushlabels") | {"value": {"rle": [1], "brushlabels": ["SpeedLimit"]}},
        "sign_not_a_box:brushlabels", id="a brush",
    ),
    pytest.param(
        region(type="keypointlabels") | {"value": {"x": 5, "y": 5, "width": 1, "keypointlabels": ["SpeedLimit"]}},
        "sign_not_a_box:keypointlabels", id="a keypoint",
    ),
    pytest.param(
        region(type="videorectangle") | {"value": {"sequence": [], "labels": ["SpeedLimit"]}},
        "sign_not_a_box:videorectangle", id="HumanSignal/label-studio#7306: a track of a video",
    ),
    pytest.param(region(type="box"), "sign_not_a_box:box", id="a type that Label Studio does not have"),
    pytest.param(region(original_width="wide"), "unreadable_region: region r1: ValueError", id="a size of text"),
    pytest.param(region() | {"value": [1, 2]}, "unreadable_region", id="a value that is a list"),
    pytest.param(region(value={"rectanglelabels": {"a": 1}}), "unreadable_region", id="classes that are no list"),
    pytest.param({"id": "r9"}, "unreadable_region: region r9: ValueError: it has neither a type", id="an id alone"),
    pytest.param(
        region() | {"value": {"start": 1, "rectanglelabels": ["SpeedLimit"]}}, "no_numbers", id="a start and no place"
    ),
    pytest.param(None, "unreadable_region: region 'None': ValueError: a region is a NoneType", id="null"),
    pytest.param("r1", "unreadable_region", id="a text"),
    pytest.param([region()], "unreadable_region", id="a list of regions"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), UNREADABLE)
def test_a_sign_that_cannot_be_read_refuses_its_image_unless_a_setting_says_otherwise(given: Any, message: str) -> None:
    drawn = read_annotation(annotation(given, region(0, 0, 10, 10)))
    with pytest.raises(ImageRejectedError, match=message):
        parse_annotation(drawn, SIZE, CLASSES, AnnotationPolicies())
    parsed = parse_annotation(drawn, SIZE, CLASSES, AnnotationPolicies(unreadable_region="leave_out"))
    assert len(parsed.boxes) == 1
    assert [issue.reason for issue in parsed.rejected] == [message.split(": ")[0]]


@pytest.mark.parametrize("label", ["SpeedLimit", "DangerAhead"])
def test_a_polygon_around_a_sign_that_has_a_rectangle_loses_no_sign(label: str) -> None:
    outline = {"points": [[26, 26], [75, 26], [75, 75], [26, 75]], "polygonlabels": [label]}
    drawn = read_annotation(annotation(region(type="polygonlabels", value=outline), region()))
    if label == "DangerAhead":
        with pytest.raises(ImageRejectedError, match="sign_not_a_box:polygonlabels"):
            parse_annotation(drawn, SIZE, CLASSES, AnnotationPolicies())
        return
    parsed = parse_annotation(drawn, SIZE, CLASSES, AnnotationPolicies())
    assert len(parsed.boxes) == 1
    assert [issue.reason for issue in parsed.adjusted] == ["outline"]


def test_an_annotation_without_an_id_is_one_that_somebody_made() -> None:
    without_id = {"result": [region()]}
    parsed = parse_annotation(read_annotation(without_id), SIZE, CLASSES, AnnotationPolicies())
    assert (len(parsed.boxes), parsed.adjusted) == (1, ())
    empty = parse_annotation(read_annotation({"result": [], "id": None}), SIZE, CLASSES, AnnotationPolicies())
    assert (empty.boxes, empty.adjusted) == ((), ())


def test_of_annotations_that_differ_and_have_neither_time_nor_id_none_counts() -> None:
    given = read_task({"id": 1, "data": {"image": "a.jpg"}, "annotations": [{"result": [region()]}, {"result": []}]})
    with pytest.raises(RejectedError, match="several_annotations: 2 that differ"):
        choose_annotation(given, AnnotationPolicies())


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
        pytest.param(region(type=None) | {"value": POLYGON}, {"polygons": "envelope"}, 1, id="one without a type"),
        pytest.param(
            region(type="polygonlabels", value={"points": [[1]], "polygonlabels": ["SpeedLimit"]}),
            {"polygons": "envelope", "unreadable_region": "leave_out"},
            0,
            id="a point",
        ),
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


@pytest.mark.parametrize(("sides", "boxes"), [((50, 1), 1), ((1, 50), 1), ((50, 0.99), 0), ((0.99, 50), 0)])
def test_a_box_of_one_pixel_is_kept_and_a_smaller_one_is_not(sides: tuple[float, float], boxes: int) -> None:
    given = read_annotation(annotation(region(25, 25, *sides, original_width=100, original_height=100)))
    assert len(parse_annotation(given, (100, 100), CLASSES, AnnotationPolicies()).boxes) == boxes


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
