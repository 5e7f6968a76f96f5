"""The versions of an asset in the order in which they were stored."""

from collections.abc import Iterator
from pathlib import PurePosixPath

from legosigns_dagster.core.files import FolderIndex
from legosigns_dagster.resources.storage.layout import SNAPSHOTS, Snapshot
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore


def run_ids(snapshots: SnapshotStore, asset: str) -> list[str]:
    """Ids of the runs that stored a version of an asset, the last one first."""
    manifests = list(snapshots.objects.list_objects(f"{snapshots.prefix}{SNAPSHOTS}{asset}/"))
    newest_first = sorted(manifests, key=lambda item: item.written_s, reverse=True)
    return [PurePosixPath(item.key).stem for item in newest_first]


def read_versions(snapshots: SnapshotStore, asset: str) -> Iterator[Snapshot]:
    """Read the versions of an asset one after the other, the one that was stored last first."""
    return (snapshots.find(asset, run_id) for run_id in run_ids(snapshots, asset))


def find_equal(snapshots: SnapshotStore, asset: str, index: FolderIndex) -> Snapshot | None:
    """Find the newest version with exactly these files."""
    return next((version for version in read_versions(snapshots, asset) if version.files == index), None)
