"""A small ONNX file, asked on this machine."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from legosigns_dagster.core.files import file_sha256
from legosigns_dagster.core.inference.contract import METADATA_KEY
from legosigns_dagster.resources.serving.endpoint import ServingError, TensorFacts
from legosigns_dagster.resources.serving.onnx_file import OnnxEndpoint
from legosigns_dagster.resources.serving.served_model import connect
from legosigns_dagster_tests.support.builders import pixels
from legosigns_dagster_tests.support.releases import CONTRACT, write_model


def test_a_file_says_what_it_takes_and_gives_and_is_known_by_its_bytes(tmp_path: Path) -> None:
    file = write_model(tmp_path / "signs.onnx", 0.9)
    metadata = OnnxEndpoint(file).metadata()
    assert (metadata.name, metadata.versions) == ("signs", (file_sha256(file)[:12],))
    assert metadata.inputs == (TensorFacts("images", "FP32", CONTRACT.input_shape),)
    assert metadata.outputs == (TensorFacts("output0", "FP32", CONTRACT.output_shape),)


def test_a_file_finds_what_is_in_it(tmp_path: Path) -> None:
    endpoint = OnnxEndpoint(write_model(tmp_path / "signs.onnx", 0.9))
    (found,) = connect("m", endpoint, CONTRACT).detect(pixels(1)).detections
    assert (found.class_id, round(found.confidence, 4)) == (0, 0.9)
    endpoint.close()


def test_a_file_that_takes_any_number_of_images_fits_a_contract_for_one(tmp_path: Path) -> None:
    model = onnx.load(str(write_model(tmp_path / "signs.onnx", 0.9)))
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.save(model, str(tmp_path / "signs.onnx"))
    endpoint = OnnxEndpoint(tmp_path / "signs.onnx")
    assert endpoint.metadata().inputs[0].shape == (-1, 3, 32, 32)
    assert connect("m", endpoint, CONTRACT).detect(pixels(1)).detections
    endpoint.close()


def test_the_contract_in_a_file_is_read_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    file = write_model(tmp_path / "signs.onnx", 0.9)
    assert OnnxEndpoint(file).stored_contract() is None
    model = onnx.load(str(file))
    onnx.helper.set_model_props(model, {METADATA_KEY: CONTRACT.to_json()})
    onnx.save(model, str(file))
    assert OnnxEndpoint(file).stored_contract() == CONTRACT
    onnx.helper.set_model_props(model, {METADATA_KEY: "{"})
    onnx.save(model, str(file))
    with pytest.raises(ValueError, match=r"the contract in .*signs\.onnx is no contract of a model"):
        OnnxEndpoint(file).stored_contract()


def test_what_onnxruntime_says_of_a_wrong_size_is_in_the_error_with_the_file(tmp_path: Path) -> None:
    endpoint = OnnxEndpoint(write_model(tmp_path / "signs.onnx", 0.9))
    with pytest.raises(ServingError, match=r"(?s)signs\.onnx could not answer .*index: 2 Got: 64 Expected: 32"):
        endpoint.infer(np.zeros((1, 3, 64, 64), np.float32), CONTRACT)
