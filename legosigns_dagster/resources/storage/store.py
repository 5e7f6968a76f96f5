"""The store as a Dagster resource: on disk or in S3, chosen by the deployment."""

import tempfile
import uuid
from abc import ABC, abstractmethod
from pathlib import Path

import dagster as dg

from legosigns_dagster.core.progress import Log
from legosigns_dagster.resources.storage.checkpoints import TrainingUploads
from legosigns_dagster.resources.storage.layout import PREFIX, PREFLIGHT
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import FolderStore


class Store(dg.ConfigurableResource, ABC):  # type: ignore[type-arg]
    """Where assets are kept between steps and between runs."""

    @abstractmethod
    def objects(self) -> ObjectStore:
        """The object store behind it."""

    @abstractmethod
    def work_folder(self) -> Path:
        """A folder on this machine for scratch files and the blob cache."""

    @abstractmethod
    def require_writable(self) -> None:
        """Write, read and remove a small object; within 10 seconds an OSError that names the variable to look at."""

    def folders(self) -> FolderStore:
        """Snapshots of folders in it."""
        return FolderStore(self.objects(), self.work_folder() / "cache", PREFIX)

    def training_uploads(self, run_id: str, folder: Path, log: Log) -> TrainingUploads:
        """Make what uploads a training's checkpoints, weights and curves while it goes on: see `TrainingUploads`."""
        return TrainingUploads(self.objects(), run_id, folder, log)


class LocalStore(Store):
    """A folder on this machine."""

    folder: str

    def objects(self) -> ObjectStore:
        """The folder's object store."""
        return LocalObjectStore(Path(self.folder))

    def require_writable(self) -> None:
        """See `Store`."""
        try:
            try_out(self.objects())
        except OSError as error:
            raise OSError(f"{error}: set LEGOSIGNS_STORE to a folder that can be written to") from error

    def work_folder(self) -> Path:
        """Inside the folder, so that links work: they cannot cross file systems."""
        return Path(self.folder).absolute()


class S3Store(Store):
    """A bucket in S3 or MinIO."""

    s3: dg.ResourceDependency[S3]
    bucket: str

    def objects(self) -> ObjectStore:
        """The bucket's object store."""
        return self.s3.objects(self.bucket)

    def require_writable(self) -> None:
        """See `Store`."""
        objects = S3ObjectStore(self.s3.impatient(), self.bucket)
        # Listed first: some servers make a bucket that is not there for whoever writes into it.
        next(objects.stored(f"{PREFIX}{PREFLIGHT}"), None)
        try_out(objects)

    def work_folder(self) -> Path:
        """In the system's folder for temporary files: the only one that every pod may write to."""
        return Path(tempfile.gettempdir()) / "legosigns"


def try_out(objects: ObjectStore) -> None:
    """Write, read and remove an object that nobody looks for; OSError where one of the three does not work."""
    key, content = f"{PREFIX}{PREFLIGHT}{uuid.uuid4().hex}", b"may we write and read here?"
    objects.write(key, content)
    try:
        read = objects.read(key)
    finally:
        objects.delete([key])
    if read != content:
        raise OSError(f"{objects.address(key)} is read otherwise than written: is there an S3 at AWS_S3_ENDPOINT?")
