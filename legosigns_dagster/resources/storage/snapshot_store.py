"""Folders in an object store: content-addressed snapshots, of which a reader sees a whole one or none.

A snapshot is written after the blobs it names, and the pointer to the current one after the snapshot. A file's bytes
are stored once for all versions, so a run in which 1 % of the files changed uploads and downloads 1 %. What is being
saved is announced first, so that `pruning.py` never removes a blob that a save counts on.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.files import (
    FileEntry,
    FolderIndex,
    file_sha256,
    folder_digest,
    index_folder,
    link_or_copy,
    nothing_known,
)
from legosigns_dagster.resources.storage.blob_cache import BlobCache
from legosigns_dagster.resources.storage.object_store import SMALL, TRANSFERS, LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.save_guard import save_guard

BLOBS, SNAPSHOTS, CURRENT = "blobs/", "snapshots/", "current/"


@dataclass(frozen=True)
class Snapshot:
    """One version of an asset: which run made it, and its files by relative path."""

    asset: str
    run_id: str
    files: dict[str, FileEntry]

    @property
    def digest(self) -> str:
        """The SHA-256 over its content; equal folders have equal digests."""
        return folder_digest(self.files)


def blob_key(entry: FileEntry) -> str:
    """Where a file's bytes are kept."""
    return f"{BLOBS}{entry.sha256[:2]}/{entry.sha256}"


class SnapshotStore:
    """Saves and loads folders. `cache` is a folder for blobs that this machine has; a local store needs none.

    A folder belongs to the store once it is saved, and its files must not be written into.
    """

    def __init__(self, objects: ObjectStore, cache: Path, prefix: str = "") -> None:
        self.objects, self.prefix = objects, prefix
        self._cache = None if isinstance(objects, LocalObjectStore) else BlobCache(cache)

    def save(self, asset: str, run_id: str, folder: Path, index: FolderIndex | None = None) -> Snapshot:
        """Store a folder as the current version of an asset, uploading only bytes that are not there yet.

        Without its `index`, the folder's files are hashed first.
        """
        snapshot = Snapshot(asset, run_id, dict(self.index(folder) if index is None else index))
        listed = {path: {"sha256": entry.sha256, "size": entry.size} for path, entry in snapshot.files.items()}
        content = json.dumps(listed).encode()
        with save_guard(self.objects, self.prefix, f"{asset}/{run_id}", content):
            known = self._known(asset)
            new = {self._blob_key(e): folder / path for path, e in snapshot.files.items() if e not in known}
            there = self.objects.existing_keys(f"{self.prefix}{BLOBS}", new.keys())
            self._each(self.objects.upload, [(file, key) for key, file in new.items() if key not in there])
            self.objects.write(self._snapshot_key(asset, run_id), content)
            self.objects.write(self._pointer_key(asset), json.dumps({"run_id": run_id}).encode())
        if self._cache:
            for path, entry in snapshot.files.items():
                if not self._cache.has(entry):
                    self._cache.share(folder / path, entry)
        return snapshot

    def index(self, folder: Path) -> FolderIndex:
        """Index a folder, without reading the files that this machine has in its cache already."""
        return index_folder(folder, self._cache.recognizer() if self._cache else nothing_known)

    def find(self, asset: str, run_id: str | None = None) -> Snapshot:
        """An asset's version made by a run, or the current one; FileNotFoundError that says what to materialize."""
        try:
            if run_id is None:
                run_id = str(json.loads(self.objects.read(self._pointer_key(asset)))["run_id"])
            content = json.loads(self.objects.read(self._snapshot_key(asset, run_id)))
        except FileNotFoundError:
            which = f"of run {run_id}" if run_id else "that is current"
            where = self.objects.address(self.prefix)
            raise FileNotFoundError(
                f"no version of {asset} {which} in {where}: materialize {asset} first, or select a step together "
                f"with all that it needs, as in --select '+synthetic_set'"
            ) from None
        return Snapshot(asset, run_id, {path: FileEntry(**entry) for path, entry in content.items()})

    def versions(self, asset: str) -> list[Snapshot]:
        """Every version of an asset that is kept, in no order."""
        found = self.objects.list_objects(f"{self.prefix}{SNAPSHOTS}{asset}/")
        return [self.find(asset, Path(one.key).stem) for one in found]

    def read(self, snapshot: Snapshot, path: str) -> bytes:
        """One small file of a version; KeyError where it has none of that name."""
        return self.objects.read(self._blob_key(snapshot.files[path]))

    def load(self, snapshot: Snapshot, into: Path) -> None:
        """Bring a version's files into a folder, as links: read them, or copy before writing into them."""
        into.mkdir(parents=True, exist_ok=True)
        if self._cache:
            wanted = {entry.sha256: entry for entry in snapshot.files.values()}
            self._each(self._fetch, [(self._cache, entry) for entry in wanted.values() if not self._cache.has(entry)])
        for path, entry in snapshot.files.items():
            link_or_copy(self._blob_file(entry), f"{into}/{path}")

    def publish(self, files: dict[str, Path]) -> dict[str, str]:
        """Store files under plain keys, for people; answers each key's address."""
        self._each(self.objects.upload, [(file, key) for key, file in files.items()])
        return {key: self.objects.address(key) for key in files}

    def _each(self, call: Callable[..., None], arguments: Iterable[tuple[object, ...]]) -> None:
        with ThreadPoolExecutor(TRANSFERS) as pool:
            for _ in pool.map(lambda pair: call(*pair), arguments):
                pass

    def _known(self, asset: str) -> set[FileEntry]:
        try:
            return set(self.find(asset).files.values())
        except FileNotFoundError:
            return set()

    def _fetch(self, cache: BlobCache, entry: FileEntry) -> None:
        key, placed = self._blob_key(entry), cache.place(entry)
        try:
            if entry.size <= SMALL:
                content = self.objects.read(key)
                sha256 = hashlib.sha256(content).hexdigest()
                placed.write_bytes(content)
            else:
                self.objects.download(key, placed)
                sha256 = file_sha256(placed)
            if sha256 != entry.sha256:
                raise OSError(f"{self.objects.address(key)} is damaged: its SHA-256 is another")
            cache.keep(placed, entry)
        finally:
            placed.unlink(missing_ok=True)

    def _blob_file(self, entry: FileEntry) -> str:
        if self._cache:
            return self._cache.file(entry)
        return self.objects.address(self._blob_key(entry))

    def _blob_key(self, entry: FileEntry) -> str:
        return self.prefix + blob_key(entry)

    def _snapshot_key(self, asset: str, run_id: str) -> str:
        return f"{self.prefix}{SNAPSHOTS}{asset}/{run_id}.json"

    def _pointer_key(self, asset: str) -> str:
        return f"{self.prefix}{CURRENT}{asset}.json"
