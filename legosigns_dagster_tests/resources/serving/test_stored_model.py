"""Which model comes out of a store: a release, a run's, or the newest one."""

import logging
from pathlib import Path

import pytest

from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.inference.contract import FILE_NAME
from legosigns_dagster.resources.releases.current import roll_back
from legosigns_dagster.resources.releases.publish import publish_release
from legosigns_dagster.resources.serving.stored_model import ASSET, fetch_model
from legosigns_dagster.resources.storage.store import LocalStore
from legosigns_dagster_tests.support.releases import CONTRACT, make_draft, write_model


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """A store with the models of two runs, the first of which an old version made, without a contract."""
    store = LocalStore(folder=str(tmp_path / "store"))
    for number, score in enumerate((0.6, 0.7), 1):
        folder = tmp_path / f"run-{number}"
        folder.mkdir()
        write_model(folder / "model.onnx", score)
        (folder / "best.pt").write_bytes(b"a checkpoint")
        Weights(folder, CONTRACT.classes, CONTRACT.image_size).save()
        if number == 2:
            (folder / FILE_NAME).write_text(CONTRACT.to_json())
        store.snapshots().save(ASSET, f"run-{number}", folder)
    return store


def publish(store: LocalStore, folder: Path, *scores: float) -> None:
    for score in scores:
        publish_release(store.objects(), make_draft(folder / str(score), f"of {score}", score), logging.getLogger())


def test_before_the_first_release_it_is_the_model_of_the_current_version(store: LocalStore, tmp_path: Path) -> None:
    with fetch_model(store) as model:
        assert (model.name, model.contract, model.classes) == ("run run-2", CONTRACT, CONTRACT.classes.names)
        assert model.file.read_bytes() == (tmp_path / "run-2/model.onnx").read_bytes()
    assert not model.file.exists()


def test_then_it_is_the_current_release_which_need_not_be_the_last_one(store: LocalStore, tmp_path: Path) -> None:
    publish(store, tmp_path, 0.8, 0.9)
    with fetch_model(store) as model:
        assert (model.name, model.contract, model.classes) == ("release 2", CONTRACT, CONTRACT.classes.names)
        assert model.file.read_bytes() == (tmp_path / "0.9/model.onnx").read_bytes()
    roll_back(store.objects(), 1)
    with fetch_model(store) as model:
        assert model.name == "release 1"


def test_a_release_or_a_run_that_is_asked_for_is_the_one_that_comes(store: LocalStore, tmp_path: Path) -> None:
    publish(store, tmp_path, 0.8, 0.9)
    with fetch_model(store, release=1) as model:
        assert model.name == "release 1"
        assert model.file.read_bytes() == (tmp_path / "0.8/model.onnx").read_bytes()
    with fetch_model(store, run_id="run-2") as model:
        assert model.name == "run run-2"
        assert model.file.read_bytes() == (tmp_path / "run-2/model.onnx").read_bytes()


def test_a_run_of_an_old_version_comes_without_a_contract(store: LocalStore) -> None:
    with fetch_model(store, run_id="run-1") as model:
        assert (model.contract, model.classes) == (None, CONTRACT.classes.names)


def test_what_is_not_there_is_an_error_that_says_what_to_do(store: LocalStore, tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="there is no release 3 .*; there is none yet: run `legosigns release`"),
        fetch_model(store, release=3),
    ):
        pass
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / "best.pt").write_bytes(b"a checkpoint")
    store.snapshots().save(ASSET, "run-3", folder)
    told = r"model_weights of run run-3 has no model\.onnx: materialize model_weights again"
    with pytest.raises(FileNotFoundError, match=told), fetch_model(store, run_id="run-3"):
        pass
