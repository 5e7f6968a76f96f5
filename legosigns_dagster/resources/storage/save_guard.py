"""Keeps a save and a garbage collection apart, in a store that has no locks.

A save first writes the list of the blobs that it needs, and then looks for the collector's marker. A collector first
writes its marker, and then reads the lists. The store shows a finished write to every later read, so at least one of
the two sees the other. Either the collector keeps the blobs of the list, or the save waits until the collector has
finished.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from legosigns_dagster.core.processes import ProcessId
from legosigns_dagster.core.progress import Log
from legosigns_dagster.resources.storage.layout import ACTIVE_SAVES, GC_MARKER
from legosigns_dagster.resources.storage.object_store import ObjectStore

# The marker is a lease. A collector that lives renews it all the time, and its client gives up a request to delete in
# less time than this. So a marker that nobody has renewed for so long was left by a collector that was killed.
LEASE_TIMEOUT_S = 600.0
POLL_INTERVAL_S = 1.0
TELL_EVERY_S = 30.0
MOST_WAIT_S = 3600.0  # a collection that lives and takes longer than this is an error


class GcMarker:
    """The marker of a garbage collection, as others see it.

    It counts as left behind where its process has ended on this machine, or where it stayed the same for the time of
    the lease: by the store's clock, or by this process's own, which no change of the date touches.
    """

    def __init__(self, objects: ObjectStore, prefix: str, lease_s: float = LEASE_TIMEOUT_S) -> None:
        self._objects, self.key, self._lease_s = objects, prefix + GC_MARKER, lease_s
        self._written_s, self._changed_s = 0.0, 0.0
        self._owner: ProcessId | None = None

    def is_held(self, store_now_s: float | None) -> bool:
        """Look whether a garbage collection is running. `store_now_s` is the time by the store's clock, if known."""
        written_s = max((item.written_s for item in self._objects.list_objects(self.key)), default=None)
        if written_s is None:
            return False
        if written_s != self._written_s:
            self._written_s, self._changed_s, self._owner = written_s, time.monotonic(), self._read_owner()
        if self._owner and self._owner.has_ended():
            return False
        by_store = 0.0 if store_now_s is None else store_now_s - written_s
        return max(by_store, self.quiet_s) < self._lease_s

    @property
    def quiet_s(self) -> float:
        """For how long nobody has renewed it, as far as was seen, in seconds."""
        return time.monotonic() - self._changed_s

    def describe(self) -> str:
        """Say who holds it, and what to do if nobody does."""
        is_ahead = self._written_s - time.time() > self._lease_s
        clock = ", written in the future: a clock was changed" if is_ahead else ""
        address = self._objects.address(self.key)
        return f"{self._owner or 'an unknown process'}{clock}; if it was killed, delete its marker {address}"

    def _read_owner(self) -> ProcessId | None:
        with suppress(FileNotFoundError):
            return ProcessId.from_json(self._objects.read(self.key))
        return None


@contextmanager
def save_guard(
    objects: ObjectStore, prefix: str, name: str, content: bytes, log: Log, lease_s: float = LEASE_TIMEOUT_S
) -> Iterator[None]:
    """Protect the blobs of a snapshot while it is saved. Waits first while a garbage collection is running.

    Args:
        objects: The object store.
        prefix: The first part of all keys.
        name: The asset and the run, for people who look into the store.
        content: The snapshot's files as they are stored, which name the blobs.
        log: Is told what the save waits for.
        lease_s: For how long a collector must have given no sign to count as killed, in seconds.

    Raises:
        TimeoutError: a garbage collection did not end within an hour.
    """
    key = f"{prefix}{ACTIVE_SAVES}{name}-{uuid.uuid4().hex}.json"
    objects.write(key, content)
    try:
        wait_for_collector(objects, GcMarker(objects, prefix, lease_s), key, content, log, lease_s)
        yield
    except BaseException:
        with suppress(OSError):  # report the first error; a list that stays is deleted with the orphans
            objects.delete([key])
        raise
    objects.delete([key])


def wait_for_collector(
    objects: ObjectStore, marker: GcMarker, key: str, content: bytes, log: Log, lease_s: float
) -> None:
    """Wait until no garbage collection is running, and tell every half a minute for whom."""
    began_s, told_s = time.monotonic(), 0.0
    # The list is written again each time: its own time is the time by the store's clock.
    while marker.is_held(max((item.written_s for item in objects.list_objects(key)), default=None)):
        waited_s = time.monotonic() - began_s
        if waited_s > MOST_WAIT_S:
            raise TimeoutError(
                f"old versions are still being removed after {waited_s / 60:.0f} min, by {marker.describe()}: wait "
                "until that has ended, and run the step again"
            )
        if not told_s or time.monotonic() - told_s >= TELL_EVERY_S:
            told_s = time.monotonic()
            log.warning(
                f"saving waits while old versions are removed, by {marker.describe()}. Last sign of it "
                f"{marker.quiet_s:.0f} s ago; after {lease_s:.0f} s without one the save goes on"
            )
        time.sleep(POLL_INTERVAL_S)
        objects.write(key, content)
