"""Both engines answer as the file says."""

from pathlib import Path

import numpy as np
import pytest

from legosigns_dagster.core.inference.prepare import Engine
from legosigns_dagster.detectors.onnx.engines import open_onnxruntime, open_openvino
from legosigns_dagster_tests.support.releases import CONTRACT, write_model


@pytest.mark.parametrize("name", ["onnxruntime", "OpenVINO in 32 bits", "OpenVINO by default"])
def test_an_engine_gives_the_output_of_the_model(name: str, tmp_path: Path) -> None:
    file = write_model(tmp_path / "model.onnx", 0.75)
    engine: Engine = open_onnxruntime(file) if name == "onnxruntime" else open_openvino(file, "32" in name)
    output = engine(np.ones(CONTRACT.input_shape, np.float32))
    assert output.shape == CONTRACT.output_shape
    assert output[0, :, 0] == pytest.approx([16, 16, 8, 8, 0.75, 0.02], abs=0.003)
    again = engine(np.zeros(CONTRACT.input_shape, np.float32))
    assert np.array_equal(output, again), "an answer does not change with the next question"
