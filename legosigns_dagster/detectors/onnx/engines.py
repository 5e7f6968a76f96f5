"""Engines for ONNX files: onnxruntime, which Triton uses, and OpenVINO, which OpenVINO Model Server is made of."""

from pathlib import Path
from typing import Any

import numpy as np

from legosigns_dagster.core.release.golden import Engine


def open_onnxruntime(file: Path) -> Engine:
    """Load an ONNX file with one input and one output into onnxruntime."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda tensor: np.asarray(session.run(None, {name: tensor})[0], np.float32)


def open_openvino(file: Path, f32: bool) -> Engine:
    """Load an ONNX file with one input and one output into OpenVINO.

    Args:
        file: The file.
        f32: Whether it must compute in 32 bits. By default it takes 16 where the CPU is faster with them.
    """
    import openvino

    options: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"} if f32 else {}
    model = openvino.Core().compile_model(str(file), "CPU", options)
    return lambda tensor: np.array(model([tensor])[0], np.float32)
