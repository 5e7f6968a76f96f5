"""Folders in an object store, as content-addressed snapshots: a reader sees a whole one or none.

A snapshot is written after the blobs that it names, and the pointer to the current one after the snapshot. A file's
bytes are stored once for all versions. See `save_guard.py` for how saves and garbage collection exclude each other.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from legosigns_dagster.core.files import (
    FileEntry,
    FolderIndex,
    file_sha256,
    index_folder,
    link_or_copy,
)
from legosigns_dagster.core.progress import Log
from legosigns_dagster.resources.storage.blob_cache import BlobCache
from legosigns_dagster.resources.storage.layout import BLOBS, CURRENT, SNAPSHOTS, Snapshot, blob_key
from legosigns_dagster.resources.storage.object_store import (
    PARALLEL_TRANSFERS,
    SMALL_OBJECT,
    LocalObjectStore,
    ObjectStore,
)
from legosigns_dagster.resources.storage.save_guard import save_guard

LOG = logging.getLogger(__name__)


class SnapshotStore:
    """Saves folders as versions of assets, and loads them.

    A folder that was saved belongs to the store: do not write into its files.

    Args:
        objects: Where the bytes are kept.
        cache: A folder on this machine for blobs that were downloaded or saved. A local store does not use it.
        prefix: The first part of every key.

    Example:
        >>> from tempfile import mkdtemp
        >>> work = Path(mkdtemp())
        >>> (work / "note.txt").touch()
        >>> store = SnapshotStore(LocalObjectStore(Path(mkdtemp())), cache=Path(mkdtemp()))
        >>> _ = store.save("raw_annotations", "run-1", work)
        >>> list(store.find("raw_annotations").files)
        ['note.txt']
    """

    def __init__(self, objects: ObjectStore, cache: Path, prefix: str = "") -> None:
        self.objects, self.prefix = objects, prefix
        self._cache = None if isinstance(objects, LocalObjectStore) else BlobCache(cache)

    def save(
        self,
        asset: str,
        run_id: str,
        folder: Path,
        index: FolderIndex | None = None,
        current: bool = True,
        log: Log = LOG,
    ) -> Snapshot:
        """Store a folder as a version of an asset, by default the current one. Only new bytes are uploaded.

        Without its `index`, the folder's files are hashed first. The `log` is told what the save waits for.
        """
        snapshot = Snapshot(asset, run_id, dict(self.index(folder) if index is None else index))
        files = {path: {"sha256": entry.sha256, "size": entry.size} for path, entry in snapshot.files.items()}
        content = json.dumps(files).encode()
        with save_guard(self.objects, self.prefix, f"{asset}/{run_id}", content, log):
            stored = self._current_entries(asset)
            new = {self._blob_key(e): folder / path for path, e in snapshot.files.items() if e not in stored}
            existing = self.objects.existing_keys(f"{self.prefix}{BLOBS}", new.keys())
            self._in_parallel(self.objects.upload, [(file, key) for key, file in new.items() if key not in existing])
            self.objects.write(self._snapshot_key(asset, run_id), content)
            if current:
                self.make_current(snapshot)
        if self._cache:
            for path, entry in snapshot.files.items():
                if not self._cache.has(entry):
                    self._cache.add_link(folder / path, entry)
        return snapshot

    def make_current(self, snapshot: Snapshot) -> None:
        """Make a stored version the one that other runs read."""
        self.objects.write(self._current_key(snapshot.asset), json.dumps({"run_id": snapshot.run_id}).encode())

    def index(self, folder: Path) -> FolderIndex:
        """Index a folder. Files that are links into this machine's cache are not read."""
        return index_folder(folder, self._cache.hash_lookup()) if self._cache else index_folder(folder)

    def find(self, asset: str, run_id: str | None = None) -> Snapshot:
        """Find the version of an asset that a run made, or the current one.

        Raises:
            FileNotFoundError: there is none. The message says what to materialize.
        """
        try:
            if run_id is None:
                run_id = str(json.loads(self.objects.read(self._current_key(asset)))["run_id"])
            content = json.loads(self.objects.read(self._snapshot_key(asset, run_id)))
        except FileNotFoundError:
            which = f"from run {run_id}" if run_id else "that is current"
            where = self.objects.address(self.prefix)
            raise FileNotFoundError(
                f"no version of {asset} {which} in {where}: materialize {asset} first, or select a step together "
                f"with everything that it needs, as in --select '+synthetic_set'"
            ) from None
        return Snapshot(asset, run_id, {path: FileEntry(**entry) for path, entry in content.items()})

    def read(self, snapshot: Snapshot, path: str) -> bytes:
        """Read one small file of a version.

        Raises:
            KeyError: the version has no file of this name.
        """
        return self.objects.read(self._blob_key(snapshot.files[path]))

    def load(self, snapshot: Snapshot, into: Path) -> None:
        """Put a version's files into a folder, as hard links: read them, but copy a file before you write into it."""
        into.mkdir(parents=True, exist_ok=True)
        if self._cache:
            entries = {entry.sha256: entry for entry in snapshot.files.values()}
            missing = [(self._cache, entry) for entry in entries.values() if not self._cache.has(entry)]
            self._in_parallel(self._download_blob, missing)
        for path, entry in snapshot.files.items():
            link_or_copy(self._blob_path(entry), f"{into}/{path}")

    def publish(self, files: dict[str, Path]) -> dict[str, str]:
        """Store files under plain keys, for people to download.

        Returns:
            The address of each key.
        """
        self._in_parallel(self.objects.upload, [(file, key) for key, file in files.items()])
        return {key: self.objects.address(key) for key in files}

    def _in_parallel(self, call: Callable[..., None], arguments: Iterable[tuple[object, ...]]) -> None:
        with ThreadPoolExecutor(PARALLEL_TRANSFERS) as pool:
            for _ in pool.map(lambda pair: call(*pair), arguments):
                pass

    def _current_entries(self, asset: str) -> set[FileEntry]:
        try:
            return set(self.find(asset).files.values())
        except FileNotFoundError:
            return set()

    def _download_blob(self, cache: BlobCache, entry: FileEntry) -> None:
        key, partial = self._blob_key(entry), cache.partial_path(entry)
        try:
            if entry.size <= SMALL_OBJECT:
                content = self.objects.read(key)
                sha256 = hashlib.sha256(content).hexdigest()
                partial.write_bytes(content)
            else:
                self.objects.download(key, partial)
                sha256 = file_sha256(partial)
            if sha256 != entry.sha256:
                raise OSError(
                    f"{self.objects.address(key)} is damaged: its SHA-256 is {sha256}, expected {entry.sha256}: run "
                    "the step again, and if the message stays, restore this object from a backup of the store"
                )
            cache.add(partial, entry)
        finally:
            partial.unlink(missing_ok=True)

    def _blob_path(self, entry: FileEntry) -> str:
        if self._cache:
            return self._cache.path(entry)
        return self.objects.address(self._blob_key(entry))

    def _blob_key(self, entry: FileEntry) -> str:
        return self.prefix + blob_key(entry)

    def snapshot_address(self, snapshot: Snapshot) -> str:
        """Name the object that lists the files of a version, for people."""
        return self.objects.address(self._snapshot_key(snapshot.asset, snapshot.run_id))

    def _snapshot_key(self, asset: str, run_id: str) -> str:
        return f"{self.prefix}{SNAPSHOTS}{asset}/{run_id}.json"

    def _current_key(self, asset: str) -> str:
        return f"{self.prefix}{CURRENT}{asset}.json"
