"""Bodies with several tensors, and both ways in which their numbers travel."""

import json

import numpy as np
import pytest

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.requests import JSON_LENGTH, encode_binary, encode_json
from legosigns_dagster.resources.serving.tensor_bodies import decode_answer
from legosigns_dagster_tests.support.served_models import CLASSES

CONTRACT = ModelContract(CLASSES, 32, (1, 6, 21), (0.25, 0.25))
OUTPUT = np.random.default_rng(0).random((1, 6, 21), np.float32)
TENSOR = np.random.default_rng(1).random((1, 3, 32, 32), np.float32)


def test_the_wanted_output_is_found_behind_another_one() -> None:
    facts = [
        {
            "name": name,
            "datatype": "FP32",
            "shape": list(values.shape),
            "parameters": {"binary_data_size": values.nbytes},
        }
        for name, values in (("other", OUTPUT[:, :2]), ("output0", OUTPUT))
    ]
    head = json.dumps({"model_version": "9", "outputs": facts}).encode()
    body = head + OUTPUT[:, :2].tobytes() + OUTPUT.tobytes()
    answer = decode_answer(body, {JSON_LENGTH: str(len(head))}, CONTRACT, "here")
    assert np.array_equal(answer.output, OUTPUT)
    assert answer.version == "9"


@pytest.mark.parametrize("nested", [True, False])
def test_numbers_in_json_may_be_nested_and_are_read_to_the_last_bit(nested: bool) -> None:
    data = OUTPUT.tolist() if nested else OUTPUT.ravel().tolist()
    facts = {"name": "output0", "datatype": "FP32", "shape": [1, 6, 21], "data": data}
    assert np.array_equal(decode_answer(json.dumps({"outputs": [facts]}).encode(), {}, CONTRACT, "here").output, OUTPUT)


def test_both_requests_hold_the_tensor_to_the_last_bit_and_ask_for_the_output() -> None:
    body, headers = encode_json(TENSOR, CONTRACT)
    sent = json.loads(body)
    assert np.array_equal(np.array(sent["inputs"][0]["data"], np.float32).reshape(TENSOR.shape), TENSOR)
    assert (sent["inputs"][0]["name"], sent["outputs"]) == ("images", [{"name": "output0"}])
    body, headers = encode_binary(TENSOR, CONTRACT)
    length = int(headers[JSON_LENGTH])
    sent = json.loads(body[:length])
    assert sent["inputs"][0]["parameters"] == {"binary_data_size": TENSOR.nbytes}
    assert sent["outputs"] == [{"name": "output0", "parameters": {"binary_data": True}}]
    assert body[length:] == TENSOR.tobytes()
