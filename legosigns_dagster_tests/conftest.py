"""What tests share: a clean environment, no way out of this machine, and one S3 server for the whole run."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from legosigns_dagster_tests.support.environment import VARIABLES
from legosigns_dagster_tests.support.label_studio_project import LabelStudioProject
from legosigns_dagster_tests.support.served_models import ExportedModel, export_model
from legosigns_dagster_tests.support.servers import LabelStudio, S3Server, label_studio, seaweedfs
from legosigns_dagster_tests.support.workplace import JOB, Workplace

# What takes longest, by folder: begun first, so that neither process of `make test` works alone at the end.
LONGEST = ("kubernetes/stand_in", "detectors/ultralytics", ".", "detectors/ultralytics/training")


def folder(nodeid: str) -> str:
    """The folder of a test, below that of all tests; "." for that one itself."""
    return str(Path(nodeid.partition("::")[0]).parent.relative_to(Path(__file__).parent.name))


class FolderScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """The tests of a folder run in one process: they share a server, a cluster or a run, which is started once."""

    def _split_scope(self, nodeid: str) -> str:
        return folder(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FolderScheduling:
    """Choose how pytest-xdist gives tests to its processes."""
    return FolderScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    rank = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: rank.get(folder(item.nodeid), len(rank)))


def pytest_configure() -> None:
    """What fixtures of a whole module or session make is made without the person's settings too."""
    for name in VARIABLES:
        os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the settings of the person who runs it."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session", autouse=True)
def offline() -> Iterator[None]:
    """No test reaches beyond this machine, a training's library neither: trying to is an error."""
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", local_only)
        yield


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as server:
        yield server


@pytest.fixture
def bucket(s3_server: S3Server, tmp_path: Path) -> Iterator[str]:
    with s3_server.new_bucket(f"bucket-{abs(hash(str(tmp_path))) % 10**12}") as name:
        yield name


@pytest.fixture(scope="session")
def labels_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    with label_studio(tmp_path_factory.mktemp("label-studio")) as server:
        yield server


@pytest.fixture
def project(labels_server: LabelStudio, tmp_path: Path) -> LabelStudioProject:
    return LabelStudioProject(labels_server, tmp_path).create().add_annotated_images()


@pytest.fixture(scope="session")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A laptop on which nothing is configured but where the store is; its first run is the job's."""
    folder = tmp_path_factory.mktemp("laptop")
    return Workplace(folder, {"LEGOSIGNS_STORE": str(folder / "store")})


@pytest.fixture(scope="session")
def printed(laptop: Workplace) -> str:
    """What the job printed on the laptop."""
    return laptop.run(*JOB)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> ExportedModel:
    """The sample's base weights, exported at 256 px."""
    return export_model(tmp_path_factory.mktemp("exported") / "256", 256)


@pytest.fixture(scope="session")
def workshop_model(tmp_path_factory: pytest.TempPathFactory) -> ExportedModel:
    """The sample's base weights, exported at 640 px: the size that the workshop's clients send."""
    return export_model(tmp_path_factory.mktemp("exported") / "640", 640)
