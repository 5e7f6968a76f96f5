"""One Triton for all tests of this folder, with the sample's detector on both engines."""

from collections.abc import Iterator

import pytest

from legosigns_dagster_tests.support.served_models import ExportedModel, serve
from legosigns_dagster_tests.support.triton import Triton


@pytest.fixture(scope="session")
def model_server(
    exported: ExportedModel, workshop_model: ExportedModel, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Triton]:
    models = {engine: (exported, engine) for engine in ("onnxruntime", "openvino", "empty", "float64")}
    with serve(models | {"new": (workshop_model, "onnxruntime")}, tmp_path_factory.mktemp("triton")) as server:
        yield server
