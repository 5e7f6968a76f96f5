"""What keeps a save and the removal of old blobs apart, in a store that has no locks.

A save announces the blobs that it counts on and then looks for a removal's mark. A removal sets its mark and then reads
the announcements. A store shows a write to whoever reads after it, so one of the two sees the other: the removal spares
what is announced, or the save waits until the removal is over.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from legosigns_dagster.resources.storage.object_store import ObjectStore

ANNOUNCED, MARK = "saving/", "pruning/mark"
# A removal sets its mark again before each request to remove, which the client gives up after less than this.
DEAD_AFTER_S = 600.0
LOOK_AGAIN_S = 1.0


@contextmanager
def announced(objects: ObjectStore, prefix: str, name: str, content: bytes) -> Iterator[None]:
    """Announce a snapshot's content as long as it is being saved, and begin when no removal is under way."""
    key = f"{prefix}{ANNOUNCED}{name}-{uuid.uuid4().hex}.json"
    objects.write(key, content)
    try:
        while is_pruned(objects, prefix, key):
            time.sleep(LOOK_AGAIN_S)
            objects.write(key, content)
        yield
    except BaseException:
        with suppress(OSError):  # the first error is the one to tell; what is left is removed with the old blobs
            objects.delete([key])
        raise
    objects.delete([key])


def is_pruned(objects: ObjectStore, prefix: str, just_written: str) -> bool:
    """Whether a removal is under way, by the store's own clock: one that was killed leaves its mark behind."""
    marks = [one.written_s for one in objects.stored(prefix + MARK)]
    if not marks:
        return False
    own = [one.written_s for one in objects.stored(just_written)]
    return not own or own[0] - max(marks) < DEAD_AFTER_S
