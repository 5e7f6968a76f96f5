"""Folders in an object store: content-addressed snapshots, of which a reader sees a whole one or none.

A snapshot is written after the blobs it names, and the pointer to the current one after the snapshot. A file's bytes
are stored once for all versions, so a run in which 1 % of the files changed uploads and downloads 1 %. What is being
saved is announced first, so that `pruning.py` never removes a blob that a save counts on.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from legosigns_dagster.core.files import FileEntry, digest_of, index_folder, link_or_copy, sha256_of, write_whole
from legosigns_dagster.resources.announcement import announced
from legosigns_dagster.resources.object_store import SMALL, TRANSFERS, LocalObjectStore, ObjectStore

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
        return digest_of(self.files)


def blob_key(entry: FileEntry) -> str:
    """Where a file's bytes are kept."""
    return f"{BLOBS}{entry.sha256[:2]}/{entry.sha256}"


class FolderStore:
    """Saves and loads folders. `cache` is a folder for blobs that were downloaded; a local store needs none."""

    def __init__(self, objects: ObjectStore, cache: Path, prefix: str = "") -> None:
        self.objects, self.cache, self.prefix = objects, cache, prefix

    def save(self, asset: str, run_id: str, folder: Path) -> Snapshot:
        """Store a folder as the current version of an asset, uploading only bytes that are not there yet."""
        snapshot = Snapshot(asset, run_id, index_folder(folder))
        index = {path: {"sha256": entry.sha256, "size": entry.size} for path, entry in snapshot.files.items()}
        content = json.dumps(index).encode()
        with announced(self.objects, self.prefix, f"{asset}/{run_id}", content):
            known = self._known(asset)
            new = {self._blob_key(e): folder / path for path, e in snapshot.files.items() if e not in known}
            there = self.objects.present(f"{self.prefix}{BLOBS}", new.keys())
            self._each(self.objects.upload, [(file, key) for key, file in new.items() if key not in there])
            self.objects.write(self._snapshot_key(asset, run_id), content)
            self.objects.write(self._pointer_key(asset), json.dumps({"run_id": run_id}).encode())
        return snapshot

    def snapshot(self, asset: str, run_id: str | None = None) -> Snapshot:
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
        found = self.objects.stored(f"{self.prefix}{SNAPSHOTS}{asset}/")
        return [self.snapshot(asset, Path(one.key).stem) for one in found]

    def read(self, snapshot: Snapshot, path: str) -> bytes:
        """One small file of a version; KeyError where it has none of that name."""
        return self.objects.read(self._blob_key(snapshot.files[path]))

    def load(self, snapshot: Snapshot, into: Path) -> None:
        """Bring a version's files into a folder, as links: read them, or copy before writing into them."""
        into.mkdir(parents=True, exist_ok=True)
        wanted = {entry.sha256: entry for entry in snapshot.files.values()}
        if not isinstance(self.objects, LocalObjectStore):
            self._each(self._fetch, [(entry,) for entry in wanted.values() if not self._is_cached(entry)])
        for path, entry in snapshot.files.items():
            link_or_copy(self._blob_file(entry), into / path)

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
            return set(self.snapshot(asset).files.values())
        except FileNotFoundError:
            return set()

    def _is_cached(self, entry: FileEntry) -> bool:
        try:
            return self._blob_file(entry).stat().st_size == entry.size
        except FileNotFoundError:
            return False

    def _fetch(self, entry: FileEntry) -> None:
        # Another run on this machine may fetch the same blob, or read it: under its name stands only what was checked.
        file, key = self._blob_file(entry), self._blob_key(entry)
        if entry.size <= SMALL:
            content = self.objects.read(key)
            self._require(entry, hashlib.sha256(content).hexdigest())
            write_whole(file, content)
            return
        fetched = file.with_name(f".{file.name}.{os.getpid()}.fetched")
        self.objects.download(key, fetched)
        try:
            self._require(entry, sha256_of(fetched))
            fetched.replace(file)
        finally:
            fetched.unlink(missing_ok=True)

    def _require(self, entry: FileEntry, sha256: str) -> None:
        if sha256 != entry.sha256:
            raise OSError(f"{self.objects.address(self._blob_key(entry))} is damaged: its SHA-256 is another")

    def _blob_file(self, entry: FileEntry) -> Path:
        if isinstance(self.objects, LocalObjectStore):
            return self.objects.folder / self._blob_key(entry)
        return self.cache / blob_key(entry)

    def _blob_key(self, entry: FileEntry) -> str:
        return self.prefix + blob_key(entry)

    def _snapshot_key(self, asset: str, run_id: str) -> str:
        return f"{self.prefix}{SNAPSHOTS}{asset}/{run_id}.json"

    def _pointer_key(self, asset: str) -> str:
        return f"{self.prefix}{CURRENT}{asset}.json"
