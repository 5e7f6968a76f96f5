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

from legosigns_dagster.resources.storage.layout import ACTIVE_SAVES, GC_MARKER
from legosigns_dagster.resources.storage.object_store import ObjectStore

# The marker is a lease. The collector renews it before each request to delete, which the client gives up in less time
# than this: a marker that is older was left by a collector that was killed.
LEASE_TIMEOUT_S = 600.0
POLL_INTERVAL_S = 1.0


@contextmanager
def save_guard(objects: ObjectStore, prefix: str, name: str, content: bytes) -> Iterator[None]:
    """Protect the blobs of a snapshot while it is saved. Waits first while a garbage collection is running.

    Args:
        objects: The object store.
        prefix: The first part of all keys.
        name: The asset and the run, for people who look into the store.
        content: The snapshot's files as they are stored, which name the blobs.
    """
    key = f"{prefix}{ACTIVE_SAVES}{name}-{uuid.uuid4().hex}.json"
    objects.write(key, content)
    try:
        while is_gc_running(objects, prefix, key):
            time.sleep(POLL_INTERVAL_S)
            objects.write(key, content)
        yield
    except BaseException:
        with suppress(OSError):  # report the first error; a list that stays is deleted with the orphans
            objects.delete([key])
        raise
    objects.delete([key])


def is_gc_running(objects: ObjectStore, prefix: str, just_written: str) -> bool:
    """Whether a garbage collection is running.

    The marker's age is measured against an object that was just written, so both times are by the store's own clock.
    """
    markers = [item.written_s for item in objects.list_objects(prefix + GC_MARKER)]
    if not markers:
        return False
    own = [item.written_s for item in objects.list_objects(just_written)]
    return not own or own[0] - max(markers) < LEASE_TIMEOUT_S
