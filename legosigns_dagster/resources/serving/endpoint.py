"""What is asked of a served model, wherever it runs."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from legosigns_dagster.core.inference.contract import FP32, ModelContract
from legosigns_dagster.core.inference.prepare import Tensor


class ServingError(RuntimeError):
    """A model could not be asked. The message says what was asked, what came back, and what to do."""


@dataclass(frozen=True)
class TensorFacts:
    """An input or an output of a model.

    Attributes:
        name: Its name.
        datatype: In the words of the Open Inference Protocol, such as `FP32`.
        shape: Its shape; -1 where a size is open.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.name} {self.datatype} {list(self.shape)}"


@dataclass(frozen=True)
class ModelMetadata:
    """What an endpoint says of its model.

    Attributes:
        name: The model's name.
        versions: The versions that can be asked; empty where the endpoint does not say.
        inputs: Its inputs; empty where the endpoint does not say.
        outputs: Its outputs; empty where the endpoint does not say.
    """

    name: str
    versions: tuple[str, ...]
    inputs: tuple[TensorFacts, ...]
    outputs: tuple[TensorFacts, ...]


@dataclass(frozen=True)
class Answer:
    """What a model answered.

    Attributes:
        output: The output tensor, FP32.
        version: The version of the model that answered; empty where the endpoint does not say.
    """

    output: Tensor
    version: str


class Endpoint(Protocol):
    """One model that can be asked. Safe for threads.

    Every method raises `ServingError` where the model cannot be asked.
    """

    @property
    def address(self) -> str:
        """Where the model is, for people: without secrets."""
        ...

    def metadata(self) -> ModelMetadata:
        """Ask what the model takes and gives."""
        ...

    def infer(self, tensor: Tensor, contract: ModelContract) -> Answer:
        """Ask the model.

        Args:
            tensor: Of shape `contract.input_shape`.
            contract: Names the input and the output.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def check_output(name: str, datatype: str, shape: tuple[int, ...], values: int, address: str) -> None:
    """Check what an answer says of its tensor against what is in it.

    Args:
        name: The output's name.
        datatype: Its type, in the words of the Open Inference Protocol.
        shape: Its shape.
        values: How many numbers there are.
        address: Who answered.

    Raises:
        ServingError: The tensor is empty, of another type, or has fewer or more numbers than its shape.
    """
    if values == 0 or 0 in shape:
        raise ServingError(
            f"{address} answered an empty tensor {name} of shape {list(shape)}: the server is ready, but its engine "
            "does not work; look into its log, and at the versions of its libraries"
        )
    if datatype != FP32:
        raise ServingError(f"{address} answered {name} as {datatype}, expected {FP32}: export the model in 32 bits")
    if values != int(np.prod(shape)):
        raise ServingError(
            f"{address} answered {values} numbers for {name} of shape {list(shape)}: its answer is damaged; look into "
            "the server's log"
        )
