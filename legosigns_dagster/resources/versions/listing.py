"""The versions of an asset in the order in which they were stored."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from legosigns_dagster.core.files import FolderIndex
from legosigns_dagster.resources.storage.layout import SNAPSHOTS
from legosigns_dagster.resources.storage.snapshot_store import Snapshot, SnapshotStore


def newest_first(snapshots: SnapshotStore, asset: str) -> Iterator[Snapshot]:
    """Read the versions of an asset one after the other, the one that was stored last first."""
    manifests = list(snapshots.objects.list_objects(f"{snapshots.prefix}{SNAPSHOTS}{asset}/"))
    for manifest in sorted(manifests, key=lambda item: item.written_s, reverse=True):
        yield snapshots.find(asset, PurePosixPath(manifest.key).stem)


def find_equal(snapshots: SnapshotStore, asset: str, index: FolderIndex) -> Snapshot | None:
    """Find the newest version with exactly these files."""
    return next((version for version in newest_first(snapshots, asset) if version.files == index), None)
