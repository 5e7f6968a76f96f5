"""What a contract says is what is read back; what is no contract is an error that says so."""

import json
from dataclasses import replace
from typing import Any

import pytest

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.inference.contract import ModelContract

CONTRACT = ModelContract(SignClasses(("SpeedLimit", "DangerAhead")), 416, (1, 6, 3549), (0.4, 0.31))


def changed(**changes: Any) -> str:
    return json.dumps(json.loads(CONTRACT.to_json()) | changes)


def test_a_contract_is_read_as_it_was_written() -> None:
    special = replace(CONTRACT, input_name="x", padding_place="right_bottom", colour="BGR", nms_by_class=False)
    for contract in (CONTRACT, special):
        assert ModelContract.from_json(contract.to_json(), "contract.json") == contract


def test_the_file_tells_a_client_the_shape_of_the_input() -> None:
    assert json.loads(CONTRACT.to_json())["input_shape"] == [1, 3, 416, 416]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("<html>not found</html>", "JSONDecodeError", id="a page of a server"),
        pytest.param("[]", "TypeError|AttributeError", id="JSON of another kind"),
        pytest.param("{}", "KeyError: 'version'", id="nothing"),
        pytest.param(changed(version=2), "version is 2, expected 1: use the legosigns that wrote it", id="newer"),
        pytest.param(changed(layout="detr"), "layout 'detr'.* expected one of cxcywh_scores", id="unknown layout"),
        pytest.param(changed(colour="YUV"), "colour 'YUV'", id="unknown colours"),
        pytest.param(changed(padding_place="left"), "padding 'left'", id="unknown padding"),
        pytest.param(changed(output_shape=[1, 300, 6]), r"shape \[1, 300, 6\], expected \[1, 6, anchors\]", id="shape"),
        pytest.param(changed(thresholds=[0.5]), r"thresholds are \[0.5\], expected 2 numbers", id="too few thresholds"),
        pytest.param(changed(thresholds=[0.5, 25]), "numbers from 0 to 1", id="thresholds in percent"),
        pytest.param(changed(mean=[0, 0, 0]), "mean", id="a field that is not known"),
    ],
)
def test_what_is_no_contract_is_an_error_that_names_where_it_is_from(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"here/contract.json is no contract of a model.*({told})"):
        ModelContract.from_json(text, "here/contract.json")
