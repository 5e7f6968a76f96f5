"""The store as a Dagster resource: on disk or in S3, chosen by the deployment."""

import tempfile
from abc import ABC, abstractmethod
from pathlib import Path

import dagster as dg

from legosigns_dagster.resources.folder_store import FolderStore
from legosigns_dagster.resources.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.s3 import S3
from legosigns_dagster.resources.s3_object_store import S3ObjectStore

PREFIX = "legosigns/"


class Store(dg.ConfigurableResource, ABC):  # type: ignore[type-arg]
    """Where assets are kept between steps and between runs."""

    @abstractmethod
    def objects(self) -> ObjectStore:
        """The object store behind it."""

    @abstractmethod
    def work_folder(self) -> Path:
        """A folder on this machine for scratch files and the blob cache."""

    def folders(self) -> FolderStore:
        """Snapshots of folders in it."""
        return FolderStore(self.objects(), self.work_folder() / "cache", PREFIX)


class LocalStore(Store):
    """A folder on this machine."""

    folder: str

    def objects(self) -> ObjectStore:
        """The folder's object store."""
        return LocalObjectStore(Path(self.folder))

    def work_folder(self) -> Path:
        """Inside the folder, so that links work: they cannot cross file systems."""
        return Path(self.folder).absolute()


class S3Store(Store):
    """A bucket in S3 or MinIO."""

    s3: dg.ResourceDependency[S3]
    bucket: str

    def objects(self) -> ObjectStore:
        """The bucket's object store."""
        return S3ObjectStore(self.s3.get_client(), self.bucket)

    def work_folder(self) -> Path:
        """In the system's folder for temporary files: the only one that every pod may write to."""
        return Path(tempfile.gettempdir()) / "legosigns"
