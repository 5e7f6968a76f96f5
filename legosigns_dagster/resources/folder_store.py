"""Folders in an object store: content-addressed snapshots, of which a reader sees a whole one or none.

A snapshot is written after the blobs it names, and the pointer to the current one after the snapshot. A file's bytes
are stored once for all versions, so a run in which 1 % of the files changed uploads and downloads 1 %.
"""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from legosigns_dagster.core.files import FileEntry, digest_of, index_folder, link_or_copy, sha256_of
from legosigns_dagster.resources.object_store import LocalObjectStore, ObjectStore

TRANSFERS = 16  # each streams one file: memory is bounded by this, not by a folder's size


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
    return f"blobs/{entry.sha256[:2]}/{entry.sha256}"


class FolderStore:
    """Saves and loads folders. `cache` is a folder for blobs that were downloaded; a local store needs none."""

    def __init__(self, objects: ObjectStore, cache: Path, prefix: str = "") -> None:
        self.objects, self.cache, self.prefix = objects, cache, prefix

    def save(self, asset: str, run_id: str, folder: Path) -> Snapshot:
        """Store a folder as the current version of an asset, uploading only bytes that are not there yet."""
        snapshot = Snapshot(asset, run_id, index_folder(folder))
        known = {entry.sha256 for entry in self._known(asset).values()}
        new = {e.sha256: (folder / path, e) for path, e in snapshot.files.items() if e.sha256 not in known}
        self._each(self._upload, new.values())
        content = {path: asdict(entry) for path, entry in snapshot.files.items()}
        self.objects.write(self._snapshot_key(asset, run_id), json.dumps(content, indent=0).encode())
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
        keys = self.objects.keys(f"{self.prefix}snapshots/{asset}/")
        return [self.snapshot(asset, Path(key).stem) for key in keys]

    def read(self, snapshot: Snapshot, path: str) -> bytes:
        """One small file of a version; KeyError where it has none of that name."""
        return self.objects.read(self.prefix + blob_key(snapshot.files[path]))

    def load(self, snapshot: Snapshot, into: Path) -> None:
        """Bring a version's files into a folder, as links: read them, or copy before writing into them."""
        into.mkdir(parents=True, exist_ok=True)
        wanted = {entry.sha256: entry for entry in snapshot.files.values()}
        if not isinstance(self.objects, LocalObjectStore):
            self._each(self._fetch, [(entry,) for entry in wanted.values()])
        for path, entry in snapshot.files.items():
            link_or_copy(self._blob_file(entry), into / path)

    def publish(self, files: dict[str, Path]) -> dict[str, str]:
        """Store files under plain keys, for people; answers each key's address."""
        self._each(lambda key, file: self.objects.upload(file, key), files.items())
        return {key: self.objects.address(key) for key in files}

    def _each(self, call: Callable[..., None], arguments: Iterable[tuple[object, ...]]) -> None:
        with ThreadPoolExecutor(TRANSFERS) as pool:
            for _ in pool.map(lambda pair: call(*pair), arguments):
                pass

    def _known(self, asset: str) -> dict[str, FileEntry]:
        try:
            return self.snapshot(asset).files
        except FileNotFoundError:
            return {}

    def _upload(self, file: Path, entry: FileEntry) -> None:
        key = self.prefix + blob_key(entry)
        if not self.objects.exists(key):
            self.objects.upload(file, key)

    def _fetch(self, entry: FileEntry) -> None:
        file = self._blob_file(entry)
        if file.is_file() and file.stat().st_size == entry.size:
            return
        self.objects.download(self.prefix + blob_key(entry), file)
        if sha256_of(file) != entry.sha256:
            file.unlink()
            raise OSError(f"{self.objects.address(self.prefix + blob_key(entry))} is damaged: its SHA-256 is another")

    def _blob_file(self, entry: FileEntry) -> Path:
        if isinstance(self.objects, LocalObjectStore):
            return self.objects.folder / (self.prefix + blob_key(entry))
        return self.cache / blob_key(entry)

    def _snapshot_key(self, asset: str, run_id: str) -> str:
        return f"{self.prefix}snapshots/{asset}/{run_id}.json"

    def _pointer_key(self, asset: str) -> str:
        return f"{self.prefix}current/{asset}.json"
