"""The store as a Dagster resource: a local folder, or a bucket in S3. The deployment chooses."""

import tempfile
import uuid
from abc import ABC, abstractmethod
from pathlib import Path

import dagster as dg
from pydantic import field_validator

from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.variables import strip_value
from legosigns_dagster.resources.storage.checkpoints import TrainingUploads
from legosigns_dagster.resources.storage.layout import OWNER, PREFIX, PREFLIGHT
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore


class Store(dg.ConfigurableResource, ABC):  # type: ignore[type-arg]
    """Where assets are kept between steps and between runs."""

    strip_values = field_validator("*", mode="before")(strip_value)

    @abstractmethod
    def objects(self) -> ObjectStore:
        """Open the object store behind it."""

    @abstractmethod
    def work_folder(self) -> Path:
        """The folder on this machine for scratch files and the blob cache."""

    @abstractmethod
    def require_writable(self) -> None:
        """Write, read and delete a small object, within ten seconds.

        Raises:
            OSError: that failed. The message names the variable to correct.
        """

    def require_owner(self, participant: str) -> None:
        """Check that the store is this participant's: it belongs to the first one who writes into it.

        The keys in it have nobody's name, so that what a participant gets lies where everybody finds theirs. Two in one
        store would read and replace each other's versions.

        Raises:
            OSError: It is another one's. The message names the variable to correct.
        """
        objects, key = self.objects(), f"{PREFIX}{OWNER}"
        try:
            owner = objects.read(key).decode()
        except FileNotFoundError:
            objects.write(key, participant.encode())
            owner = objects.read(key).decode()
        if owner != participant:
            raise OSError(
                f"{objects.address('')} is the store of participant {owner}, and LEGOSIGNS_PARTICIPANT is "
                f"{participant}: set AWS_S3_BUCKET (or LEGOSIGNS_STORE) to one of their own, or hand this one over by "
                f"deleting {objects.address(key)}"
            )

    def snapshots(self) -> SnapshotStore:
        """Open the versions of assets in it."""
        return SnapshotStore(self.objects(), self.work_folder() / "cache", PREFIX)

    def training_uploads(self, run_id: str, folder: Path, log: Log) -> TrainingUploads:
        """Prepare the uploads of a run's training, for a `with` block around it.

        Args:
            run_id: The run that trains.
            folder: An empty folder, for files that wait for their upload.
            log: Gets a warning for each upload that fails.
        """
        return TrainingUploads(self.objects(), run_id, folder, log)


class LocalStore(Store):
    """A folder on this machine.

    Attributes:
        folder: Its path.
    """

    folder: str

    def objects(self) -> ObjectStore:
        """See `Store`."""
        return LocalObjectStore(Path(self.folder))

    def require_writable(self) -> None:
        """See `Store`."""
        try:
            check_round_trip(self.objects(), "does the disk work?")
        except OSError as error:
            raise OSError(f"{error}: set LEGOSIGNS_STORE to a folder that can be written to") from error

    def work_folder(self) -> Path:
        """The store's own folder: files are hard-linked from it, and links cannot cross file systems."""
        return Path(self.folder).absolute()


class S3Store(Store):
    """A bucket in S3, MinIO or another server that speaks the S3 API.

    Attributes:
        s3: How the server is reached.
        bucket: The bucket's name.
    """

    s3: dg.ResourceDependency[S3]
    bucket: str

    def objects(self) -> ObjectStore:
        """See `Store`."""
        return self.s3.objects(self.bucket)

    def require_writable(self) -> None:
        """See `Store`."""
        objects = S3ObjectStore(self.s3.preflight_client(), self.bucket)
        # Listed first: some servers create a missing bucket when somebody writes into it.
        next(objects.list_objects(f"{PREFIX}{PREFLIGHT}"), None)
        check_round_trip(objects, "is AWS_S3_ENDPOINT an S3 server?")

    def work_folder(self) -> Path:
        """A folder for temporary files, the only place that every pod may write to."""
        return Path(tempfile.gettempdir()) / "legosigns"


def check_round_trip(objects: ObjectStore, hint: str) -> None:
    """Write a small object, read it and delete it. `hint` says what to check where other bytes come back.

    Raises:
        OSError: one of the three failed.
    """
    key, content = f"{PREFIX}{PREFLIGHT}{uuid.uuid4().hex}", b"may we write and read here?"
    objects.write(key, content)
    try:
        returned = objects.read(key)
    finally:
        objects.delete([key])
    if returned != content:
        raise OSError(f"{objects.address(key)} returned different bytes than were written: {hint}")
