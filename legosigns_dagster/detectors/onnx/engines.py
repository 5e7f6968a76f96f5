"""Engines for ONNX files: onnxruntime, which Triton uses, and OpenVINO, which OpenVINO Model Server is made of."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from legosigns_dagster.core.inference.prepare import Engine
from legosigns_dagster.core.machine import usable_cores

ERRORS_ONLY = 3  # of onnxruntime's log


def open_onnxruntime(file: Path) -> Engine:
    """Load an ONNX file with one input and one output into onnxruntime."""
    session = open_session(file)
    name = session.get_inputs()[0].name
    return lambda tensor: np.asarray(session.run(None, {name: tensor})[0], np.float32)


def open_session(file: Path) -> Any:
    """Let onnxruntime load an ONNX file, with as many threads as this process has cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = usable_cores(os.environ)
    options.log_severity_level = ERRORS_ONLY
    # Threads that wait busily take the cores from whatever else runs on this machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


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
