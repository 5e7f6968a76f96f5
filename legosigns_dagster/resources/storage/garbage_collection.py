"""Old versions, and the bytes that only they needed, removed from a store; safe beside runs that save into it.

Kept is what is current, what one of the last runs made, what is announced by a save (see `announcement.py`), and
everything that is younger than a day: a run that is under way reads what it made itself, and may train for hours.
"""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath

from legosigns_dagster.core.files import FileEntry
from legosigns_dagster.resources.storage.object_store import Stored
from legosigns_dagster.resources.storage.save_guard import ANNOUNCED, DEAD_AFTER_S, MARK
from legosigns_dagster.resources.storage.snapshot_store import BLOBS, CURRENT, SNAPSHOTS, FolderStore, blob_key

LEFT_BEHIND = (ANNOUNCED, "checkpoints/", "preflight/")  # by runs that were killed and never tried again
LEFT_AFTER_S = 24 * 3600.0
AT_A_TIME = 1000


@dataclass(frozen=True)
class Plan:
    """What may be removed: versions nobody needs, blobs that only those needed, and what killed runs left."""

    kept: tuple[Stored, ...]
    snapshots: tuple[Stored, ...]
    blobs: tuple[Stored, ...]
    left_behind: tuple[Stored, ...]

    def summary(self) -> str:
        """How many of each, and how many megabytes they are."""
        parts = {"old versions": self.snapshots, "blobs": self.blobs, "leftovers of killed runs": self.left_behind}
        told = ", ".join(f"{len(found)} {name}" for name, found in parts.items())
        size = sum(one.size for found in parts.values() for one in found)
        return f"{told}: {size / 1e6:.1f} MB; {len(self.kept)} versions are kept"


class Pruner:
    """Plans what to remove from a store, and removes it. `keep_runs` is at least 1, `min_age_s` at least an hour."""

    def __init__(self, folders: FolderStore, keep_runs: int, min_age_s: float) -> None:
        if keep_runs < 1 or min_age_s < 3600:
            raise ValueError(f"keep {keep_runs} runs and {min_age_s:.0f} s: at least 1 run and 3600 s must be kept")
        self._objects, self._prefix = folders.objects, folders.prefix
        self._keep_runs, self._min_age_s = keep_runs, min_age_s

    def plan(self, now_s: float | None = None) -> Plan:
        """What may be removed at this moment, in seconds since 1970 (now); changes nothing."""
        now_s = time.time() if now_s is None else now_s
        old_s, dead_s = now_s - self._min_age_s, now_s - max(self._min_age_s, LEFT_AFTER_S)
        blobs = [one for one in self._stored(BLOBS) if one.written_s < old_s]
        needed = self._needed_by(one for one in self._stored(ANNOUNCED) if one.written_s >= dead_s)
        # Listed after the announcements were read: a save that ended meanwhile has left its version by then.
        snapshots = list(self._stored(SNAPSHOTS))
        kept_runs = self._kept_runs(snapshots, old_s)
        kept = [one for one in snapshots if PurePosixPath(one.key).stem in kept_runs]
        needed |= self._needed_by(kept)
        left = [one for name in LEFT_BEHIND for one in self._stored(name) if one.written_s < dead_s]
        kept_keys = {one.key for one in kept}
        return Plan(
            tuple(kept),
            tuple(one for one in snapshots if one.key not in kept_keys),
            tuple(one for one in blobs if one.key not in needed),
            tuple(left),
        )

    def prune(self, now_s: float | None = None) -> Plan:
        """Remove what may be removed; what was. RuntimeError while another removal is under way."""
        with self._marked():
            plan = self.plan(now_s)
            # Versions first: a reader then finds no version, rather than one without its bytes.
            for found in (plan.snapshots, plan.blobs, plan.left_behind):
                for start in range(0, len(found), AT_A_TIME):
                    self._mark()
                    self._objects.delete([one.key for one in found[start : start + AT_A_TIME]])
        return plan

    @contextmanager
    def _marked(self) -> Iterator[None]:
        key = self._prefix + MARK
        for mark in self._objects.stored(key):
            if time.time() - mark.written_s < DEAD_AFTER_S:
                address = self._objects.address(key)
                raise RuntimeError(f"another removal is under way: try again in {DEAD_AFTER_S:.0f} s ({address})")
        self._mark()
        try:
            yield
        finally:
            self._objects.delete([key])

    def _mark(self) -> None:
        self._objects.write(self._prefix + MARK, b"old blobs are being removed")

    def _stored(self, name: str) -> Iterator[Stored]:
        return self._objects.stored(self._prefix + name)

    def _kept_runs(self, snapshots: Sequence[Stored], old_s: float) -> set[str]:
        """Ids of the last runs, of those under way, and of those that made something current."""
        last: dict[str, float] = {}
        for one in snapshots:
            run = PurePosixPath(one.key).stem
            last[run] = max(one.written_s, last.get(run, 0))
        newest = sorted(last, key=lambda run: last[run], reverse=True)[: self._keep_runs]
        under_way = {run for run, written_s in last.items() if written_s >= old_s}
        current = {json.loads(self._objects.read(one.key))["run_id"] for one in self._stored(CURRENT)}
        return {*newest, *under_way, *current}

    def _needed_by(self, versions: Iterable[Stored]) -> set[str]:
        needed: set[str] = set()
        for version in versions:
            try:
                content = json.loads(self._objects.read(version.key))
            except FileNotFoundError:  # the announcement of a save that has ended meanwhile
                continue
            needed |= {self._prefix + blob_key(FileEntry(**entry)) for entry in content.values()}
        return needed
