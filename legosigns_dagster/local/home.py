"""The home of Dagster on a laptop: its databases are made once, whoever comes first, and its UI shows all runs.

It uses internals of Dagster: origins, and how instances and storages are made. They were checked with dagster 1.13.27.
Where one of them changes, `local/test_home.py` or `test_dev_s3.py` fails.
"""

import fcntl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.code_pointer import ModuleCodePointer
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.instance.ref import InstanceRef
from dagster._core.origin import JobPythonOrigin
from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._serdes import ConfigurableClassData

MODULE = "legosigns_dagster.definitions"
LOCATION = "legosigns_dagster"  # the name of the code location in workspace.yaml


class LocalInstance(dg.DagsterInstance):
    """Dagster's instance, where nothing else is configured with `LocalStorage` as its storage.

    `dagster.yaml` names it under `instance_class`.
    """

    @staticmethod
    def config_schema() -> Mapping[str, Any]:
        """No setting of its own."""
        return {}

    @staticmethod
    def config_defaults(base_dir: str) -> Mapping[str, ConfigurableClassData | None]:
        """Dagster's defaults, with the storage replaced."""
        config = yaml.safe_dump({"base_dir": base_dir})
        storage = ConfigurableClassData(LocalStorage.__module__, LocalStorage.__name__, config)
        return {**InstanceRef.config_defaults(base_dir), "storage": storage}

    def create_run_for_job(self, *arguments: Any, **fields: Any) -> dg.DagsterRun:
        """Create a run, and file it under the code location that the UI shows.

        `dagster job execute` and `dagster asset materialize` know no code location. Without one, a run is neither on
        its job's page nor in the overview, and the UI cannot execute it again.
        """
        if origin := fields.get("job_code_origin"):
            fields = {"remote_job_origin": location_origin(origin), **fields}
        return super().create_run_for_job(*arguments, **fields)


def location_origin(origin: JobPythonOrigin) -> RemoteJobOrigin | None:
    """Where the UI finds a job of ours; None for a job of other code."""
    pointer = origin.get_repo_pointer()
    if not isinstance(pointer, ModuleCodePointer) or pointer.module != MODULE:
        return None
    target = LoadableTargetOrigin(executable_path=origin.executable_path, module_name=MODULE)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, LOCATION)
    return RemoteRepositoryOrigin(location, SINGLETON_REPOSITORY_NAME).get_job_origin(origin.job_name)


class LocalStorage(DagsterSqliteStorage):
    """Dagster's SQLite databases, opened under a lock.

    Dagster looks whether a table exists and makes it where it does not. Two processes that do so in an empty home at
    the same time end with `table runs already exists`, or leave a database with two versions.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        with (Path(base_dir) / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            super().__init__(base_dir, inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> "LocalStorage":
        """Open the databases below `base_dir`."""
        return cls.from_local(inst_data=inst_data, **config_value)
