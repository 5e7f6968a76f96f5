"""The model that is served is asked what its release was asked when it was made: a real Triton, a real store."""

import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image

from legosigns_dagster.core.release.golden import draw_fixed_image, golden_files, write_files
from legosigns_dagster.core.release.release import Origin
from legosigns_dagster.endpoint import HOUR_S, endpoint_answers, endpoint_sensor
from legosigns_dagster.resources.releases.current import roll_back
from legosigns_dagster.resources.releases.publish import ReleaseDraft, publish_release
from legosigns_dagster.resources.serving.model_server import ModelServer
from legosigns_dagster.resources.storage.store import LocalStore
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.served_models import VAL_IMAGES, ExportedModel, serve, small_server
from legosigns_dagster_tests.support.triton import Triton, add_version

pytestmark = pytest.mark.server


def change_model(file: Path, into: Path, offset: float) -> Path:
    """Write a model whose scores are all lower by this."""
    model = onnx.load(file)
    (output,) = model.graph.output
    for node in model.graph.node:
        node.output[:] = ["before" if name == output.name else name for name in node.output]
    shift = np.zeros((1, 6, 1), np.float32)
    shift[0, 4:] = -offset
    model.graph.initializer.append(onnx.numpy_helper.from_array(shift, "shift"))
    model.graph.node.append(onnx.helper.make_node("Add", ["before", "shift"], [output.name]))
    onnx.save(model, into)
    return into


def draft(exported: ExportedModel, model: Path, folder: Path) -> ReleaseDraft:
    """All that is released of a model, with its real answers to two images."""
    session = onnxruntime.InferenceSession(model)
    with Image.open(VAL_IMAGES[0]) as image:
        images = {"fixed": draw_fixed_image(), "street": image.convert("RGB")}
    answers = golden_files(images, exported.contract, lambda tensor: session.run(None, {"images": tensor})[0])
    write_files(answers, folder / "golden")
    origin = Origin(folder.name, {}, {"onnx_parity": "equal"}, "base weights")
    return ReleaseDraft(model, exported.folder / "best.pt", exported.contract, folder / "golden", origin)


@dataclass(frozen=True)
class Place:
    """A store with two releases, of which the second one is the current one, and a Triton.

    Attributes:
        store: The store.
        triton: It serves `first`, `second`, and `strange`, whose scores are no release's.
    """

    store: LocalStore
    triton: Triton

    def ask(self, model: str) -> dg.AssetCheckResult:
        """Run the check on a model of the server."""
        return self.run(f"{self.triton.url}/v2/models/{model}")

    def run(self, url: str) -> dg.AssetCheckResult:
        """Run the check on a server."""
        context = dg.build_asset_check_context()
        result = endpoint_answers(context, self.store, ModelServer(url=url))
        assert isinstance(result, dg.AssetCheckResult)
        return result


@pytest.fixture(scope="module")
def place(exported: ExportedModel, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("endpoint")
    models = {"first": exported.onnx}
    for name, offset in (("second", 0.01), ("strange", 0.2)):
        models[name] = change_model(exported.onnx, folder / f"{name}.onnx", offset)
    store = LocalStore(folder=str(folder / "store"))
    for name in ("first", "second"):
        publish_release(store.objects(), draft(exported, models[name], folder / name), SILENT)
    served = {name: (replace(exported, folder=folder / f"served-{name}"), "onnxruntime") for name in models}
    for name, (model, _) in served.items():
        model.folder.mkdir()
        shutil.copyfile(models[name], model.onnx)
    with warnings.catch_warnings(), serve(served, folder / "triton") as triton:
        yield Place(store, triton)


def test_the_current_release_answers_as_it_did_when_it_was_made(place: Place) -> None:
    result = place.ask("second")
    assert result.passed
    assert "release 2 answers at " in str(result.description)
    assert "boxes differ by 0 px, scores by 0;" in str(result.description)
    assert 0 < float(str(result.metadata["median_s"].value)) < 30


def test_an_earlier_release_behind_the_server_is_named(place: Place) -> None:
    result = place.ask("first")
    assert not result.passed
    assert result.severity == dg.AssetCheckSeverity.ERROR
    assert "release 1 answers at " in str(result.description)
    assert "release 2 is the current one: roll it out, or `legosigns release rollback 1`" in str(result.description)


def test_after_a_rollback_the_server_has_to_answer_as_the_earlier_release(place: Place) -> None:
    roll_back(place.store.objects(), 1)
    try:
        assert place.ask("first").passed
        assert not place.ask("second").passed
    finally:
        roll_back(place.store.objects(), 2)


def test_a_drift_names_the_image_and_by_how_much(place: Place) -> None:
    result = place.ask("strange")
    assert not result.passed
    assert "no release answers at " in str(result.description)
    assert "scores by 0.19 (worst: street)" in str(result.description)
    assert "is release 2 rolled out?" in str(result.description)


def test_a_model_that_is_not_there_and_a_server_that_is_not_there_are_named(place: Place) -> None:
    assert "has no model 'other' that is ready" in str(place.ask("other").description)
    with small_server(lambda *_: (404, {}, b"not found")) as other:
        assert "is no KServe v2 server" in str(place.run(other.url).description)
    result = place.run("ftp://models.example.com")
    assert not result.passed
    assert "expected http://HOST:PORT" in str(result.description)


def test_without_an_address_or_a_release_it_is_a_warning_that_says_what_to_do(place: Place, tmp_path: Path) -> None:
    result = place.run("")
    assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "SERVING_URL is not set" in str(result.description)
    empty = Place(LocalStore(folder=str(tmp_path)), place.triton)
    assert "nothing is released yet" in str(empty.ask("first").description)


def test_the_sensor_asks_after_each_change_of_the_release_and_then_every_hour(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1_000_000
    monkeypatch.setattr("legosigns_dagster.endpoint.time", lambda: now_s)
    cursor = ""

    def tick(url: str = place.triton.url) -> dg.SensorResult:
        nonlocal cursor
        resources = {"store": place.store, "model_server": ModelServer(url=url)}
        with dg.build_sensor_context(cursor=cursor, resources=resources) as context:
            result = endpoint_sensor(context)
        assert isinstance(result, dg.SensorResult)
        cursor = result.cursor or cursor
        return result

    assert "SERVING_URL is not set" in str(tick("").skip_reason)
    assert tick().run_requests
    now_s += 60
    assert not tick().run_requests
    roll_back(place.store.objects(), 1)
    try:
        assert tick().run_requests
    finally:
        roll_back(place.store.objects(), 2)
    assert tick().run_requests
    now_s += HOUR_S - 1
    assert not tick().run_requests
    now_s += 1
    assert tick().run_requests


def test_a_new_version_that_replaces_the_served_one_is_noticed(
    place: Place, exported: ExportedModel, tmp_path: Path
) -> None:
    """As after a rollout: the server takes the highest version."""
    strange = change_model(exported.onnx, tmp_path / "strange.onnx", 0.2)
    shapes = exported.shapes
    add_version(place.triton.repository, "rolled", exported.onnx, shapes)
    place.triton.load("rolled").raise_for_status()
    assert "release 1 answers" in str(place.ask("rolled").description)
    add_version(place.triton.repository, "rolled", strange, shapes, version=2)
    place.triton.load("rolled").raise_for_status()
    assert "no release answers" in str(place.ask("rolled").description)
