"""A release out of a real S3 server, served by a real Triton; rolled out and back while clients ask."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.evaluation import ALL
from legosigns_dagster.core.evaluation.matching import match_detections
from legosigns_dagster.core.evaluation.score import mean_average_precision
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.release.layout import MODEL_NAME, release_key
from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector
from legosigns_dagster.resources.releases.publish import publish_release
from legosigns_dagster.resources.serving.addresses import ModelAddress
from legosigns_dagster.resources.serving.http_session import Access
from legosigns_dagster.resources.serving.rest import RestEndpoint
from legosigns_dagster.resources.serving.served_model import Findings, ServedModel, connect
from legosigns_dagster.resources.storage.object_store import ObjectStore
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster_tests.support.evaluations import evaluate_dataset
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.releases import CONTRACT, make_draft
from legosigns_dagster_tests.support.sample_images import evaluation_images
from legosigns_dagster_tests.support.served_models import ExportedModel
from legosigns_dagster_tests.support.servers import S3Server
from legosigns_dagster_tests.support.triton import Triton, add_version, triton

SCORES = {"1": 0.9, "2": 0.5}  # of the sign that each release sees in every image
REQUESTS, CLIENTS = 1000, 8


@pytest.fixture
def released(s3_server: S3Server, bucket: str, tmp_path: Path) -> ObjectStore:
    """A bucket with two releases."""
    settings = s3_server.environment(bucket)
    s3 = S3(
        endpoint_url=settings["AWS_S3_ENDPOINT"],
        aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
    )
    objects = s3.objects(bucket)
    for number, score in SCORES.items():
        publish_release(objects, make_draft(tmp_path / number, f"run-{number}", score), SILENT)
    return objects


def pull(objects: ObjectStore, number: int, into: Path) -> Path:
    """Copy what a server mounts of a release, as the initializer of KServe does it, and return the model's file."""
    prefix = release_key(number, "repository/")
    for item in objects.list_objects(prefix):
        objects.download(item.key, into / item.key.removeprefix(prefix))
    (model,) = into.rglob("model.onnx")
    assert model == into / MODEL_NAME / "1" / "model.onnx"
    return model


def roll_out(server: Triton, model: Path, version: int) -> None:
    """Serve a version of the model."""
    add_version(server.repository, MODEL_NAME, model, (32, "1, 6, 2"), version=version)
    server.load(MODEL_NAME).raise_for_status()


@pytest.fixture
def server(released: ObjectStore, tmp_path: Path) -> Iterator[Triton]:
    """A Triton that serves the first release."""
    repository = tmp_path / "models"
    add_version(repository, MODEL_NAME, pull(released, 1, tmp_path / "pulled-1"), (32, "1, 6, 2"))
    with triton(repository, [MODEL_NAME], tmp_path) as server:
        yield server


def ask(model: ServedModel) -> tuple[str, float]:
    """Version and confidence of an answer."""
    found: Findings = model.detect(Image.new("RGB", (32, 32)))
    return found.version, round(found.detections[0].confidence, 3)


def test_no_answer_is_wrong_and_each_names_its_release_while_one_is_rolled_out_and_back(
    released: ObjectStore, server: Triton, tmp_path: Path
) -> None:
    endpoint = RestEndpoint(ModelAddress(server.url, MODEL_NAME), Access(connections=CLIENTS))
    model = connect(MODEL_NAME, endpoint, CONTRACT)
    second = pull(released, 2, tmp_path / "pulled-2")
    with ThreadPoolExecutor(CLIENTS) as pool:
        asked = [pool.submit(ask, model) for _ in range(REQUESTS)]
        asked[REQUESTS // 4].result()
        roll_out(server, second, version=2)
        asked[REQUESTS // 2].result()
        shutil.rmtree(server.repository / MODEL_NAME / "2")
        server.load(MODEL_NAME).raise_for_status()
        answers = [one.result() for one in asked]
    endpoint.close()
    assert len(answers) == REQUESTS
    assert set(answers) == set(SCORES.items())
    assert answers[0] == ("1", SCORES["1"])
    assert answers[-1] == ("1", SCORES["1"])


@pytest.mark.parametrize("images", Slice)
def test_map_through_the_server_is_that_of_the_report_on_both_slices(
    images: Slice, model_server: Triton, exported: ExportedModel, tmp_path: Path
) -> None:
    """Of the detections that clients are shown only the most confident ones count; here all do."""
    detector, classes = UltralyticsDetector(), exported.contract.classes
    dataset = evaluation_images(images, classes, tmp_path)
    weights = Weights(exported.folder, classes, exported.contract.image_size)
    metrics = evaluate_dataset(detector, weights, dataset, 256).metrics.set_index("class_name")
    endpoint = RestEndpoint(ModelAddress(model_server.url, "onnxruntime"), Access())
    model = connect("model", endpoint, exported.contract)
    found = {}
    for file in map(str, dataset.images["file"]):
        with Image.open(dataset.folder / file) as image:
            found[file] = model.detect(image, 0.001).detections
    endpoint.close()
    served = mean_average_precision(match_detections(dataset, found))
    assert np.abs(np.array(served) - metrics.loc[ALL, ["map50", "map50_95"]].to_numpy(float)).max() < 0.002
