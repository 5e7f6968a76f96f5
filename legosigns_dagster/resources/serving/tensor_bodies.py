"""Answers of the Open Inference Protocol over REST: the tensor as JSON, or behind the JSON as bytes."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.prepare import Tensor
from legosigns_dagster.core.inference.requests import JSON_LENGTH, LITTLE_ENDIAN
from legosigns_dagster.resources.serving.endpoint import Answer, ServingError, check_output


def decode_answer(body: bytes, headers: Mapping[str, str], contract: ModelContract, address: str) -> Answer:
    """Read a server's answer, whichever of the two kinds it is.

    Args:
        body: The answer's body.
        headers: Its headers; names in any case.
        contract: Names the output.
        address: Who answered, for errors.

    Raises:
        ServingError: It is no answer, or has not the output in it.
    """
    try:
        length = int(headers.get(JSON_LENGTH) or len(body))
        answer = json.loads(body[:length])
        place, found = length, None
        for output in answer["outputs"]:
            size = int(output.get("parameters", {}).get("binary_data_size", 0))
            if output["name"] == contract.output_name:
                found = output, body[place : place + size]
            place += size
        if found is None:
            names = ", ".join(str(output["name"]) for output in answer["outputs"]) or "none"
            raise ServingError(f"{address} answered the outputs {names}, expected {contract.output_name}")
        return Answer(read_tensor(*found, address), str(answer.get("model_version") or ""))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServingError(
            f"{address} answered what is no answer of the Open Inference Protocol ({type(error).__name__}: {error}): "
            "is it a KServe v2 server?"
        ) from error


def read_tensor(output: Mapping[str, Any], content: bytes, address: str) -> Tensor:
    """Read an answer's tensor.

    Args:
        output: What the JSON says of it, with its numbers where they are not bytes.
        content: Its bytes, empty where the numbers are in the JSON.
        address: Who answered, for errors.

    Raises:
        ServingError: It is empty, of another type, or has not as many numbers as its shape says.
        ValueError: The numbers are none.
    """
    name, datatype, shape = str(output["name"]), str(output["datatype"]), tuple(int(size) for size in output["shape"])
    data = output.get("data", [])
    count = len(content) // LITTLE_ENDIAN.itemsize if content else np.asarray(data).size
    check_output(name, datatype, shape, count, address)
    values = np.frombuffer(content, LITTLE_ENDIAN) if content else np.asarray(data, np.float32)
    return values.reshape(shape).astype(np.float32, copy=False)
