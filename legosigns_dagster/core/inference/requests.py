"""Requests of the Open Inference Protocol over REST: the tensor as JSON, or behind the JSON as bytes."""

import json
from typing import Any

import numpy as np

from legosigns_dagster.core.inference.contract import FP32, ModelContract
from legosigns_dagster.core.inference.prepare import Tensor

JSON_LENGTH = "Inference-Header-Content-Length"  # how many bytes of a body are JSON; tensors stand behind them
LITTLE_ENDIAN = np.dtype("<f4")


def encode_json(tensor: Tensor, contract: ModelContract) -> tuple[bytes, dict[str, str]]:
    """Write a request with its tensor as a list of numbers.

    Returns:
        The body, and its headers.
    """
    request = {"inputs": [describe(tensor, contract) | {"data": tensor.ravel().tolist()}]}
    request["outputs"] = [{"name": contract.output_name}]
    return json.dumps(request).encode(), {"Content-Type": "application/json"}


def encode_binary(tensor: Tensor, contract: ModelContract) -> tuple[bytes, dict[str, str]]:
    """Write a request with its tensor as bytes behind the JSON, and ask for the same in the answer.

    Returns:
        The body, and its headers.
    """
    content = np.ascontiguousarray(tensor, LITTLE_ENDIAN)
    request = {"inputs": [describe(tensor, contract) | {"parameters": {"binary_data_size": content.nbytes}}]}
    request["outputs"] = [{"name": contract.output_name, "parameters": {"binary_data": True}}]
    head = json.dumps(request).encode()
    return b"".join([head, content.data.cast("B")]), {
        "Content-Type": "application/octet-stream",
        JSON_LENGTH: str(len(head)),
    }


def describe(tensor: Tensor, contract: ModelContract) -> dict[str, Any]:
    """Name a request's tensor."""
    return {"name": contract.input_name, "shape": list(tensor.shape), "datatype": FP32}
