"""A model in an ONNX file, asked on this machine."""

from pathlib import Path
from typing import Any

from legosigns_dagster.core.files import DIGITS, file_sha256
from legosigns_dagster.core.inference.contract import FP32, METADATA_KEY, ModelContract
from legosigns_dagster.core.inference.prepare import Tensor
from legosigns_dagster.detectors.onnx.engines import open_session
from legosigns_dagster.resources.serving.endpoint import Answer, ModelMetadata, ServingError, TensorFacts, check_output

DATATYPES = {"tensor(float)": FP32, "tensor(float16)": "FP16", "tensor(double)": "FP64", "tensor(uint8)": "UINT8"}


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
        self._session: Any = load_file(file)

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


def load_file(file: Path) -> Any:
    """Let onnxruntime load a file.

    Raises:
        ServingError: It cannot.
    """
    try:
        return open_session(file)
    except Exception as error:  # onnxruntime's errors share no type of their own
        raise ServingError(
            f"{file} is no model that onnxruntime can run ({type(error).__name__}: {error}): export it again"
        ) from error
