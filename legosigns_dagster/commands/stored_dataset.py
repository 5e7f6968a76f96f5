"""The current version of a dataset asset, out of the store: its tables first, its images when they are asked for."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.files import ABOUT
from legosigns_dagster.resources.scratch import SCRATCH
from legosigns_dagster.resources.storage.layout import Snapshot
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.storage.store import Store
from legosigns_dagster.resources.versions.judgement import find_usable

DATASETS = ("raw_annotations", "synthetic_set", "classical_signs")
TABLES = ("dataset.json", "images.csv", "boxes.csv")


class TerminalLog:
    """Prints progress and warnings on stderr, so that stdout has the answer alone."""

    def info(self, message: str, /) -> None:
        """See `Log`."""
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()

    def warning(self, message: str, /) -> None:
        """See `Log`."""
        self.info(f"warning: {message}")


@dataclass(frozen=True)
class StoredDataset:
    """A version of a dataset asset in the store.

    Attributes:
        snapshots: The store's versions.
        version: The version.
        dataset: The dataset, in a folder that has only the images that were fetched.
    """

    snapshots: SnapshotStore
    version: Snapshot
    dataset: Dataset

    def fetch(self, files: Iterable[str]) -> None:
        """Put images into the dataset's folder, as links into the store where that is possible: do not change them."""
        wanted = {file: self.version.files[file] for file in files}
        self.snapshots.load(replace(self.version, files=wanted), self.dataset.folder)


@contextmanager
def open_dataset(store: Store, asset: str) -> Iterator[StoredDataset]:
    """Open the current version of a dataset asset, in a folder that is deleted at the end.

    Raises:
        FileNotFoundError: There is none. The message says what to materialize.
        ValueError: Its checks failed.
    """
    snapshots = store.snapshots()
    version = find_usable(snapshots, asset, TerminalLog())
    with tempfile.TemporaryDirectory(dir=scratch_parent(store)) as name:
        tables = {path: e for path, e in version.files.items() if path in TABLES or path.startswith(f"{ABOUT}/")}
        snapshots.load(replace(version, files=tables), Path(name))
        yield StoredDataset(snapshots, version, Dataset.load(Path(name)))


def scratch_parent(store: Store) -> Path | None:
    """Give the folder for temporary files on the store's disk, where files can be linked; None where it is closed."""
    parent = store.work_folder() / SCRATCH
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return parent if os.access(parent, os.W_OK) else None
