"""Garbage collection: deletes old versions, and the blobs that only they needed. Safe while runs save and train.

Kept is what is current, what one of the last runs made, what a save is writing (see `save_guard.py`), and everything
that is younger than a day: a run reads again what it made itself, and may train for hours.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import PurePosixPath

from legosigns_dagster.core.files import FileEntry
from legosigns_dagster.core.processes import ProcessId
from legosigns_dagster.core.release.layout import RELEASES
from legosigns_dagster.resources.storage.layout import (
    ACTIVE_SAVES,
    BLOBS,
    CHECKPOINTS,
    CURRENT,
    PREFIX,
    PREFLIGHT,
    REJECTED,
    RUNS,
    SNAPSHOTS,
    blob_key,
)
from legosigns_dagster.resources.storage.object_store import ObjectInfo
from legosigns_dagster.resources.storage.save_guard import LEASE_TIMEOUT_S, GcMarker
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore

ORPHANS = (ACTIVE_SAVES, CHECKPOINTS, PREFLIGHT)  # left by runs that were killed and not started again
ORPHAN_AGE_S = 24 * 3600.0
# A bucket may have uploads of other programs too. Of releases, only what an upload left is deleted.
OWN_PREFIXES = (PREFIX, RUNS, RELEASES, "models/")
DELETE_BATCH = 1000
RENEW_S = 10.0  # between two signs of life, a small part of the lease


@dataclass(frozen=True)
class GarbagePlan:
    """What a garbage collection would delete.

    Attributes:
        kept: The versions that stay.
        snapshots: Old versions that nobody needs.
        blobs: Bytes that only those versions needed.
        orphans: What killed runs left.
        partial: What their uploads left, which is no object yet.
    """

    kept: tuple[ObjectInfo, ...]
    snapshots: tuple[ObjectInfo, ...]
    blobs: tuple[ObjectInfo, ...]
    orphans: tuple[ObjectInfo, ...]
    partial: tuple[ObjectInfo, ...] = ()

    def summary(self) -> str:
        """One line for people: how many of each kind, and their size in MB."""
        garbage = {
            "old versions": self.snapshots,
            "blobs": self.blobs,
            "leftovers of killed runs": self.orphans + self.partial,
        }
        counts = ", ".join(f"{len(items)} {name}" for name, items in garbage.items())
        size = sum(item.size for items in garbage.values() for item in items)
        return f"{counts}: {size / 1e6:.1f} MB; {len(self.kept)} versions are kept"


class GarbageCollector:
    """Lists what a store does not need any more, and deletes it.

    Args:
        snapshots: The store.
        keep_runs: How many of the last runs keep their versions, at least 1.
        min_age_s: What is younger is never deleted, in seconds, at least 3600.

    Raises:
        ValueError: one of the two is smaller than that.
    """

    def __init__(self, snapshots: SnapshotStore, keep_runs: int, min_age_s: float) -> None:
        if keep_runs < 1 or min_age_s < 3600:
            raise ValueError(f"keep {keep_runs} runs and {min_age_s:.0f} s: at least 1 run and 3600 s must be kept")
        self._objects, self._prefix = snapshots.objects, snapshots.prefix
        self._keep_runs, self._min_age_s = keep_runs, min_age_s
        self._renew_marker: Callable[[], None] = lambda: None

    def plan(self, now_s: float | None = None) -> GarbagePlan:
        """List what may be deleted; nothing is changed. `now_s` is the time in seconds since 1970, by default now."""
        now_s = time.time() if now_s is None else now_s
        old_s, orphan_s = now_s - self._min_age_s, now_s - max(self._min_age_s, ORPHAN_AGE_S)
        blobs = [blob for blob in self._list(BLOBS) if blob.written_s < old_s]
        needed = self._blob_keys(save for save in self._list(ACTIVE_SAVES) if save.written_s >= orphan_s)
        # Listed after the active saves were read: a save that has ended meanwhile has written its version by then.
        snapshots = list(self._list(SNAPSHOTS))
        keep_runs = self._runs_to_keep(snapshots, old_s)
        kept = [snapshot for snapshot in snapshots if PurePosixPath(snapshot.key).stem in keep_runs]
        needed |= self._blob_keys(kept)
        kept_keys = {snapshot.key for snapshot in kept}
        told = [item for item in self._list(REJECTED) if item.key.replace(REJECTED, SNAPSHOTS, 1) not in kept_keys]
        partial = [item for prefix in OWN_PREFIXES for item in self._objects.partial_objects(prefix)]
        return GarbagePlan(
            kept=tuple(kept),
            snapshots=tuple(snapshot for snapshot in snapshots if snapshot.key not in kept_keys),
            blobs=tuple(blob for blob in blobs if blob.key not in needed),
            orphans=tuple(one for one in chain(told, *map(self._list, ORPHANS)) if one.written_s < orphan_s),
            partial=tuple(one for one in partial if one.written_s < orphan_s),
        )

    def collect(self, now_s: float | None = None) -> GarbagePlan:
        """Delete everything that `plan` lists, and return that plan.

        Raises:
            RuntimeError: another garbage collection is running.
        """
        with self._only_collector():
            plan = self.plan(now_s)
            # Versions first: a reader then finds no version, instead of one whose bytes are gone.
            for garbage in (plan.snapshots, plan.blobs, plan.orphans):
                for start in range(0, len(garbage), DELETE_BATCH):
                    self._renew_marker()
                    self._objects.delete([item.key for item in garbage[start : start + DELETE_BATCH]])
            self._objects.delete_partial(plan.partial)
        return plan

    @contextmanager
    def _only_collector(self) -> Iterator[None]:
        marker = GcMarker(self._objects, self._prefix)
        if marker.is_held(time.time()):
            raise RuntimeError(
                f"another prune is running: wait until it has ended, or {LEASE_TIMEOUT_S:.0f} s if it was killed "
                f"({marker.describe()})"
            )
        content, ended = ProcessId.current().to_json(), threading.Event()
        self._renew_marker = lambda: self._objects.write(marker.key, content)
        self._renew_marker()
        signs = threading.Thread(target=self._give_signs, args=(ended,), daemon=True)
        signs.start()
        try:
            yield
        finally:
            ended.set()
            signs.join()
            self._objects.delete([marker.key])

    def _give_signs(self, ended: threading.Event) -> None:
        """Renew the marker while a plan is made, which takes long in a large store."""
        while not ended.wait(RENEW_S):
            with suppress(OSError):  # the renewal before the next request to delete says what is wrong
                self._renew_marker()

    def _list(self, name: str) -> Iterator[ObjectInfo]:
        return self._objects.list_objects(self._prefix + name)

    def _runs_to_keep(self, snapshots: Sequence[ObjectInfo], old_s: float) -> set[str]:
        """Ids of the last runs, of those that may still be running, and of those that made a current version."""
        last_write_s: dict[str, float] = {}
        for snapshot in snapshots:
            run = PurePosixPath(snapshot.key).stem
            last_write_s[run] = max(snapshot.written_s, last_write_s.get(run, 0))
        newest = sorted(last_write_s, key=lambda run: last_write_s[run], reverse=True)[: self._keep_runs]
        young = {run for run, written_s in last_write_s.items() if written_s >= old_s}
        current = {json.loads(self._objects.read(pointer.key))["run_id"] for pointer in self._list(CURRENT)}
        return {*newest, *young, *current}

    def _blob_keys(self, manifests: Iterable[ObjectInfo]) -> set[str]:
        """Keys of all blobs that these versions, or saves, name."""
        keys: set[str] = set()
        for manifest in manifests:
            try:
                files = json.loads(self._objects.read(manifest.key))
            except FileNotFoundError:  # of a save that has ended meanwhile
                continue
            keys |= {self._prefix + blob_key(FileEntry(**entry)) for entry in files.values()}
        return keys
