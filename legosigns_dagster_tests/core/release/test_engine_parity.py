"""Engines are asked about the same images; one whose model was changed is found."""

from pathlib import Path

import numpy as np
import pytest

from legosigns_dagster.core.dataset.dataset import VAL, Dataset
from legosigns_dagster.core.inference.prepare import Tensor
from legosigns_dagster.core.release.engine_parity import Engines, compare_engines
from legosigns_dagster.detectors.onnx.engines import open_onnxruntime, open_openvino
from legosigns_dagster_tests.support.builders import make_dataset
from legosigns_dagster_tests.support.releases import CONTRACT, write_model


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return make_dataset(tmp_path / "images", VAL, VAL)


def compare(dataset: Dataset, folder: Path, expected: float, found: float) -> dict[str, bool]:
    """Compare a model that finds a sign with this score with one that finds it with another."""
    trained = open_onnxruntime(write_model(folder / "trained.onnx", expected))
    model = write_model(folder / "model.onnx", found)
    exact = {"onnxruntime": open_onnxruntime(model), "OpenVINO": open_openvino(model, f32=True)}
    return compare_engines(Engines(trained, exact, {"by default": open_openvino(model, f32=False)}), CONTRACT, dataset)


def test_engines_that_run_one_model_agree(dataset: Dataset, tmp_path: Path) -> None:
    told = compare(dataset, tmp_path, 0.9, 0.9)
    assert set(told.values()) == {True}
    names = [sentence.split(":")[0] for sentence in told]
    assert names == ["onnxruntime", "OpenVINO", "by default", "by default"]


def test_one_changed_weight_is_found_in_every_engine_that_must_be_exact(dataset: Dataset, tmp_path: Path) -> None:
    told = compare(dataset, tmp_path, 0.9, 0.899)
    assert list(told.values()) == [False, False, True, True]
    assert "scores by 0.001 (worst: images/0.jpg)" in next(iter(told))


def test_a_sign_that_is_lost_is_found_in_an_engine_that_may_round(dataset: Dataset, tmp_path: Path) -> None:
    told = compare(dataset, tmp_path, 0.9, 0.1)
    sentence = list(told)[2]
    assert not told[sentence]
    assert "only one has images/0.jpg: class 0 at 0.90, the first engine's" in sentence


def test_another_map_is_found(dataset: Dataset, tmp_path: Path) -> None:
    """One engine finds the boxes of the dataset, the other one boxes beside them."""
    boxes = {image.file: image.boxes[0].box for image in dataset}
    assert len({str(box) for box in boxes.values()}) == 1

    def answer(left: float) -> Tensor:
        scale = 32 / 64
        return np.array([[[(left + 10) * scale, 0], [14 * scale + 4, 0], [20 * scale, 1], [20 * scale, 1], [0.9, 0],
                          [0, 0]]], np.float32)  # fmt: skip

    def right(_: Tensor) -> Tensor:
        return answer(4)

    told = compare_engines(Engines(right, {}, {"same": right, "moved": lambda _: answer(6)}), CONTRACT, dataset)
    figures = {sentence.split(" →")[0]: is_kept for sentence, is_kept in told.items() if "mAP" in sentence}
    assert list(figures.values()) == [True, False], told
