"""A region may be several results with one id: they are joined, and attributes are no regions."""

from typing import Any

import pytest

from legosigns_dagster.core.ingestion.annotations import parse_annotation
from legosigns_dagster.core.ingestion.label_studio import read_annotation
from legosigns_dagster.core.ingestion.settings import AnnotationPolicies
from legosigns_dagster_tests.support.builders import CLASSES, annotation, region

SIZE = (64, 48)
WHOLE = (0, 16.0, 12.0, 48.0, 36.0)  # builders.region() on a 64x48 image: class id, left, top, right, bottom


def part(kind: str, **value: Any) -> dict[str, Any]:
    """One result of the region r1, at builders.region()'s place."""
    place = {"x": 25, "y": 25, "width": 50, "height": 50, "rotation": 0}
    return region(type=kind, from_name=kind) | {"value": place | value}


JOINED = [
    pytest.param([part("rectangle"), part("labels", labels=["SpeedLimit"])], [WHOLE], id="the OCR template"),
    pytest.param([part("labels", labels=["SpeedLimit"]), part("rectangle")], [WHOLE], id="in the other order"),
    pytest.param(
        [part("rectangle"), part("labels", labels=["SpeedLimit"]), part("textarea", text=["30"])],
        [WHOLE], id="with the text on the sign",
    ),
    pytest.param(
        [part("rectangle"), part("labels", labels=["dirty"]), part("labels", labels=["SpeedLimit"])],
        [WHOLE], id="two sets of labels",
    ),
    pytest.param(
        [part("rectangle"), part("labels", labels=["SpeedLimit", "DangerAhead"])],
        [WHOLE, (1, *WHOLE[1:])], id="two classes",
    ),
    pytest.param([part("labels", labels=["SpeedLimit"])], [WHOLE], id="the labels alone, which repeat the place"),
    pytest.param(
        [{key: value for key, value in part("labels", labels=["SpeedLimit"]).items() if key != "type"}],
        [WHOLE], id="HumanSignal/label-studio-converter#196: labels without a type",
    ),
    pytest.param(
        [{key: value for key, value in part("rectangle").items() if key != "type"},
         part("labels", labels=["SpeedLimit"])],
        [WHOLE], id="a place without a type",
    ),
    pytest.param([part("rectanglelabels", labels=["SpeedLimit"])], [WHOLE], id="under the key labels"),
    pytest.param([part("rectangle", rectanglelabels=["SpeedLimit"])], [WHOLE], id="a rectangle that has its class"),
    pytest.param(
        [part("rectanglelabels", rectanglelabels=[]), part("labels", labels=["SpeedLimit"])],
        [WHOLE], id="the class in the other result",
    ),
    pytest.param(
        [part("rectanglelabels", rectanglelabels=["SpeedLimit"]), part("labels", labels=["dirty"])],
        [WHOLE], id="labels that are attributes",
    ),
    pytest.param([part("rectangle"), part("choices", choices=["SpeedLimit"])], [WHOLE], id="the class is a choice"),
    pytest.param(
        [part("rectangle"), part("taxonomy", taxonomy=[["Sign", "SpeedLimit"]])], [WHOLE], id="the class in a taxonomy"
    ),
    pytest.param([part("rectangle"), part("textarea", text=["SpeedLimit"])], [WHOLE], id="the class is a text"),
    pytest.param([part("rectangle"), part("textarea", text="SpeedLimit")], [WHOLE], id="the class is a text, no list"),
    pytest.param(
        [region(), part("choices", choices=["occluded"]), part("textarea", text=["30"]), part("number", number=3),
         part("rating", rating=4), part("taxonomy", taxonomy=[["a", "b"]]), part("datetime", datetime="2026-01-01"),
         {"type": "relation", "from_id": "r1", "to_id": "r2", "direction": "right", "labels": []}],
        [WHOLE], id="HumanSignal/label-studio#3706 and #4023: attributes of a region",
    ),
    pytest.param(
        [region(), {"id": "t", "type": "choices", "to_name": "image", "value": {"choices": ["day"]}},
         {"id": "n", "type": "labels", "to_name": "text", "value": {"start": 1, "end": 4, "labels": ["SpeedLimit"]}}],
        [WHOLE], id="answers about the image, and a part of a text",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("results", "expected"), JOINED)
def test_the_results_of_a_region_are_one_region(
    results: list[dict[str, Any]], expected: list[tuple[float, ...]]
) -> None:
    for order in (results, results[::-1]):
        parsed = parse_annotation(read_annotation(annotation(*order)), SIZE, CLASSES, AnnotationPolicies())
        boxes = [(b.class_id, b.box.left, b.box.top, b.box.right, b.box.bottom) for b in parsed.boxes]
        assert boxes == [pytest.approx(box) for box in expected]
        assert parsed.rejected == ()
        assert {issue.reason for issue in parsed.adjusted} <= {"two_classes"}


def test_a_rectangle_and_labels_of_other_ids_are_two_regions() -> None:
    results = [part("rectangle"), part("labels", labels=["DangerAhead"]) | {"id": "r2"}]
    parsed = parse_annotation(read_annotation(annotation(*results)), SIZE, CLASSES, AnnotationPolicies())
    assert [box.class_id for box in parsed.boxes] == [1]
    assert [issue.reason for issue in parsed.rejected] == ["no_class"]
