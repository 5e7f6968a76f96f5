"""A model in an ONNX file, asked on this machine."""

import os
from pathlib import Path
from typing import Any

from legosigns_dagster.core.files import DIGITS, file_sha256
from legosigns_dagster.core.inference.contract import METADATA_KEY, ModelContract
from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster.resources.serving.endpoint import (
    FP32,
    Answer,
    ModelMetadata,
    ServingError,
    Tensor,
    TensorFacts,
    check_output,
)

DATATYPES = {"tensor(float)": FP32, "tensor(float16)": "FP16", "tensor(double)": "FP64", "tensor(uint8)": "UINT8"}
ERRORS_ONLY = 3


class OnnxEndpoint:
    """An ONNX file that onnxruntime runs on this machine's CPUs. See `Endpoint`.

    Its version is the start of the file's SHA-256.

    Args:
        file: The ONNX file.

    Raises:
        ServingError: It is none, or onnxruntime cannot run it.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        if not file.is_file():
            raise ServingError(f"{file} is no file, expected a model as an ONNX file")
        self._version = file_sha256(file)[:DIGITS]
        self._session: Any = open_session(file)

    @property
    def address(self) -> str:
        """See `Endpoint`."""
        return str(self.file)

    def close(self) -> None:
        """See `Endpoint`."""
        self._session = None

    def metadata(self) -> ModelMetadata:
        """See `Endpoint`."""
        inputs, outputs = (
            tuple(TensorFacts(one.name, DATATYPES.get(one.type, one.type), sizes(one.shape)) for one in tensors)
            for tensors in (self._session.get_inputs(), self._session.get_outputs())
        )
        return ModelMetadata(self.file.stem, (self._version,), inputs, outputs)

    def stored_contract(self) -> ModelContract | None:
        """Read the contract in the file's metadata, None where it has none.

        Raises:
            ValueError: It is damaged, or of a newer version.
        """
        text = self._session.get_modelmeta().custom_metadata_map.get(METADATA_KEY)
        return ModelContract.from_json(text, f"the contract in {self.file}") if text else None

    def infer(self, tensor: Tensor, contract: ModelContract) -> Answer:
        """See `Endpoint`."""
        try:
            (output,) = self._session.run([contract.output_name], {contract.input_name: tensor})
        except Exception as error:  # onnxruntime's errors share no type of their own
            raise ServingError(f"{self.file} could not answer ({type(error).__name__}: {error})") from error
        check_output(contract.output_name, FP32, output.shape, output.size, self.address)
        return Answer(output, self._version)


def sizes(shape: list[Any]) -> tuple[int, ...]:
    """Read a shape; -1 where a size is open."""
    return tuple(size if isinstance(size, int) else -1 for size in shape)


def open_session(file: Path) -> Any:
    """Let onnxruntime load a file, with as many threads as this process has cores.

    Raises:
        ServingError: It cannot.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores(os.environ)
    options.log_severity_level = ERRORS_ONLY
    # Threads that wait busily take the cores from whatever else runs on this machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no type of their own
        raise ServingError(
            f"{file} is no model that onnxruntime can run ({type(error).__name__}: {error}): export it again"
        ) from error
