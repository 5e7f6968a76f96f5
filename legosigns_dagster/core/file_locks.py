"""Locks on folders, which the system opens again when a process is killed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Keep everybody else who asks for this folder's lock out of a `with` block: other processes, and other threads.

    Raises:
        OSError: the file system has no locks for folders.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise OSError(
                f"{folder} cannot be locked ({error}), so that two writers at once could overwrite each other: set "
                "LEGOSIGNS_STORE to a folder on a local disk, or use a bucket (AWS_S3_BUCKET)"
            ) from error
        yield
    finally:
        os.close(descriptor)
