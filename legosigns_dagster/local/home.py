"""The home of Dagster on a laptop: its databases are made once, whoever comes first."""

import fcntl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData


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
