"""Which version of an asset may be used. One whose blocking checks failed is not, until they pass or are accepted.

A version becomes the current one when its checks have passed. Where they failed, an object beside the version says why:
the store outlives Dagster's history, and a version can also be read by the id of its run.
"""

import json
from collections.abc import Mapping

from legosigns_dagster.core.files import FolderIndex
from legosigns_dagster.core.progress import Log
from legosigns_dagster.resources.storage.layout import Snapshot, rejection_key
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.versions.listing import find_equal, run_ids


def judge(snapshots: SnapshotStore, version: Snapshot, failures: Mapping[str, str]) -> None:
    """Record how the blocking checks of a version ended; where none failed, make it the current one.

    Args:
        snapshots: The store.
        version: The version that was checked.
        failures: What each failed check found, by the check's name.
    """
    key = snapshots.prefix + rejection_key(version.asset, version.run_id)
    if failures:
        snapshots.objects.write(key, json.dumps(dict(failures), indent=1).encode())
        return
    snapshots.objects.delete([key])
    snapshots.make_current(version)


def find_checked(snapshots: SnapshotStore, asset: str, index: FolderIndex, run_id: str) -> Snapshot:
    """Find the version that a check has loaded: that of its own run, else the newest with the same files.

    Raises:
        FileNotFoundError: there is none any more.
    """
    try:
        own = snapshots.find(asset, run_id)
    except FileNotFoundError:
        own = None
    version = own if own and own.files == index else find_equal(snapshots, asset, index)
    if version is None:
        raise FileNotFoundError(f"the version of {asset} that was checked is gone: materialize {asset} again")
    return version


def failed_checks(snapshots: SnapshotStore, asset: str, run_id: str) -> dict[str, str]:
    """What each failed check of a run's version found, by the check's name; empty for one that may be used."""
    try:
        content = snapshots.objects.read(snapshots.prefix + rejection_key(asset, run_id))
    except FileNotFoundError:
        return {}
    return dict(json.loads(content))


def require_usable(snapshots: SnapshotStore, version: Snapshot) -> Snapshot:
    """Return a version, if no blocking check of it failed.

    Raises:
        ValueError: one did. The message says which, what it found, and what to do.
    """
    failures = failed_checks(snapshots, version.asset, version.run_id)
    if failures:
        found = "; ".join(f"{name}: {text}" for name, text in failures.items())
        raise ValueError(
            f"{version.asset} of run {version.run_id} is not used, since its checks failed: {found}. Correct that and "
            f"materialize {version.asset} again; or accept it as it is: with the setting accept of "
            f"{version.asset}_checks, for example accept: [{', '.join(failures)}]"
        )
    return version


def find_usable(snapshots: SnapshotStore, asset: str, log: Log) -> Snapshot:
    """Find the current version of an asset. A warning says so where checks of the newest one failed.

    Raises:
        FileNotFoundError: no version is current.
        ValueError: a check of the current version failed, or of the newest one where none is current.
    """
    newest = next(iter(run_ids(snapshots, asset)), "")
    try:
        current = snapshots.find(asset)
    except FileNotFoundError:
        if newest:
            require_usable(snapshots, snapshots.find(asset, newest))
        raise
    require_usable(snapshots, current)
    if newest != current.run_id and (failures := failed_checks(snapshots, asset, newest)):
        log.warning(
            f"{asset}: the version of run {current.run_id} is used, since the newest one, of run {newest}, failed "
            f"{', '.join(failures)}"
        )
    return current
