"""The limit of the GPU pool is that of its variable, on PostgreSQL too, whatever it was before."""

import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from legosigns_dagster.deployments import deployment
from legosigns_dagster.kubernetes.gpu_pool import GPU_POOL, pool_limit, set_limit
from legosigns_dagster_tests.support.postgresql import Database, postgresql
from legosigns_dagster_tests.support.step_jobs import KUBERNETES, definitions
from legosigns_dagster_tests.support.workplace import Workplace

SHORT = {"ops": {"model_weights": {"config": {"epochs": 1, "image_size": 64, "replay": 0.1, "interpolate": False}}}}


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with postgresql() as database:
        yield database


class Home:
    """A Dagster instance in PostgreSQL, or in SQLite where there is no database."""

    def __init__(self, folder: Path, database: Database | None) -> None:
        self.folder, self.database = folder, database

    def open(self, default_limit: int | None = None) -> dg.DagsterInstance:
        """Open it, with this limit for all pools that have none of their own."""
        settings: dict[str, Any] = {"telemetry": {"enabled": False}}
        if default_limit:
            settings["concurrency"] = {"pools": {"default_limit": default_limit}}
        if server := self.database:
            login = {"hostname": server.host, "port": server.port, "db_name": server.name}
            login |= {"username": server.user, "password": server.password}
            settings["storage"] = {"postgres": {"postgres_db": login}}
        (self.folder / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        return dg.DagsterInstance.from_config(str(self.folder))


@dg.asset(pool=GPU_POOL)
def training() -> None:
    """A step of the pool that does nothing."""


def light_job() -> dg.JobDefinition:
    """Make a job of one step of the pool, with the executor that the variables describe."""
    executor = deployment(os.environ).executor
    jobs = [dg.define_asset_job("light", selection="*")]
    return dg.Definitions([training], jobs=jobs, executor=executor).resolve_job_def("light")


def run(home: Home, job: dg.JobDefinition, default_limit: int | None = None, run_config: Any = None) -> bool:
    """Run a job in this instance, in this process, as a run's own process does. Returns whether it succeeded."""
    with home.open(default_limit) as instance:
        created = instance.create_run_for_job(job, run_config=run_config)
        return bool(execute_run(InMemoryJob(job), created, instance).success)


def stored_limit(home: Home) -> tuple[int, int]:
    """Read the limit of the pool, and how many slots there are."""
    with home.open() as instance:
        limits = {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}
        return limits[GPU_POOL], instance.event_log_storage.get_concurrency_info(GPU_POOL).slot_count


def make_home(folder: Path, server: Database | None) -> Home:
    """Make an instance whose pool was never used."""
    home = Home(folder, server)
    with home.open() as instance:
        instance.event_log_storage.delete_concurrency_limit(GPU_POOL)
    return home


@pytest.mark.parametrize(
    ("sqlite", "default_limits"),
    [
        pytest.param(False, (None, None, None), id="only by the variable"),
        pytest.param(False, (1, 4, 2), id="beside a default that changes too"),
        pytest.param(True, (1, 4, 2), id="in SQLite"),
    ],
)
def test_a_limit_that_is_changed_up_and_down_is_kept_and_no_run_fails(
    server: Database, tmp_path: Path, sqlite: bool, default_limits: list[int | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path, None if sqlite else server)
    for limit, default_limit in zip((1, 4, 1), default_limits, strict=True):
        monkeypatch.setenv("LEGOSIGNS_GPU_POOL_LIMIT", str(limit))
        assert run(home, light_job(), default_limit)
        assert stored_limit(home) == (limit, limit)


def test_a_limit_that_an_older_release_had_from_its_default_is_changed(
    server: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = make_home(tmp_path, server)
    assert run(home, light_job(), default_limit=1)
    monkeypatch.setenv("LEGOSIGNS_GPU_POOL_LIMIT", "4")
    assert run(home, light_job(), default_limit=2)
    assert stored_limit(home) == (4, 4)


@pytest.mark.filterwarnings("default")  # the libraries' own warnings are not ours to mend
def test_a_training_runs_with_each_limit(
    server: Database, laptop: Workplace, printed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, server)
    shutil.copytree(laptop.folder / "store", tmp_path / "store")
    monkeypatch.setenv("LEGOSIGNS_STORE", str(tmp_path / "store"))
    for limit in (1, 4, 1):
        monkeypatch.setenv("LEGOSIGNS_GPU_POOL_LIMIT", str(limit))
        whole = definitions(dict(os.environ)).resolve_job_def("traffic_signs")
        assert run(home, whole.get_subset(asset_selection={dg.AssetKey("model_weights")}), run_config=SHORT)
        assert stored_limit(home) == (limit, limit)


def test_runs_that_use_the_pool_for_the_first_time_in_the_same_moment_all_set_it(
    server: Database, tmp_path: Path
) -> None:
    instances = []
    for number in range(4):
        (tmp_path / str(number)).mkdir()
        instances.append(Home(tmp_path / str(number), server).open())
    with ThreadPoolExecutor(len(instances)) as people:
        for _ in range(10):
            instances[0].event_log_storage.delete_concurrency_limit(GPU_POOL)
            start = Barrier(len(instances))

            def first_use(instance: dg.DagsterInstance, start: Barrier = start) -> None:
                start.wait()
                set_limit(instance, 3)

            assert list(people.map(first_use, instances)) == [None] * len(instances)
            assert instances[0].event_log_storage.get_concurrency_info(GPU_POOL).slot_count == 3
    for instance in instances:
        instance.dispose()


def test_a_laptop_without_the_variable_keeps_what_a_person_or_dagster_yaml_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path, None)
    for default_limit in (1, 4):
        assert run(home, light_job(), default_limit)
        assert stored_limit(home) == (default_limit, default_limit)
    with home.open() as instance:
        instance.event_log_storage.set_concurrency_slots(GPU_POOL, 2)
    assert run(home, light_job(), default_limit=1)
    assert stored_limit(home) == (2, 2)


def test_a_cluster_without_the_variable_has_one_slot() -> None:
    assert pool_limit({}, default="1") == 1
    assert deployment(KUBERNETES).executor.name == "k8s"


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "one", "1000"])
def test_a_limit_that_is_none_is_refused_when_the_definitions_load(value: str) -> None:
    with pytest.raises(ValueError, match=f"LEGOSIGNS_GPU_POOL_LIMIT is '{value}', expected a whole number from 1 to"):
        deployment({"LEGOSIGNS_GPU_POOL_LIMIT": value})
