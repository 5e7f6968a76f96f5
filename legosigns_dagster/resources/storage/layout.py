"""The keys in the store: what lies where. Old stores must stay readable, so none of these may change."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from legosigns_dagster.core.files import FileEntry, folder_digest

PREFIX = "legosigns/"  # everything that only this program reads; the keys below stand behind it
RUNS = "traffic-signs/"  # <run id>/: what people download, outside of `PREFIX`
BLOBS = "blobs/"  # the bytes of files, by their SHA-256
SNAPSHOTS = "snapshots/"  # <asset>/<run id>.json: the files of one version of an asset
CURRENT = "current/"  # <asset>.json: the run whose version is the current one
REJECTED = "rejected/"  # <asset>/<run id>.json: the blocking checks that a version failed, and what they found
GATES = "gates/"  # <asset>/<run id>.json: what the checks of a release candidate decided, and who accepted what
CHECKPOINTS = "checkpoints/"  # the state of trainings that have not ended
ACTIVE_SAVES = "saving/"  # the files of versions that are being saved, while they are
GC_MARKER = "pruning/mark"  # there while a garbage collection is running
PREFLIGHT = "preflight/"  # a small object that a run writes, reads and deletes before it begins
OWNER = "participant"  # the name of the only participant who uses this store, where Dagster is shared
BINARY = "application/octet-stream"
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".zip": "application/zip",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}


@dataclass(frozen=True)
class Snapshot:
    """One version of an asset.

    Attributes:
        asset: The asset's name.
        run_id: The run that made this version.
        files: Each file's content by its POSIX path below the folder.
    """

    asset: str
    run_id: str
    files: dict[str, FileEntry]

    @property
    def digest(self) -> str:
        """The SHA-256 over paths and contents, as 64 hex digits. Equal folders have equal digests."""
        return folder_digest(self.files)


def content_type(key: str) -> str:
    """What a browser is told about an object: with a wrong type it downloads a page instead of showing it.

    Python's own list is not asked: it depends on the machine's.

    Example:
        >>> content_type("traffic-signs/3f2a9c/comparison.html")
        'text/html; charset=utf-8'
        >>> content_type("models/model.onnx")
        'application/octet-stream'
    """
    return CONTENT_TYPES.get(PurePosixPath(key).suffix.lower(), BINARY)


def blob_key(entry: FileEntry) -> str:
    """Make the key of a file's bytes.

    Example:
        >>> blob_key(FileEntry(sha256="ab" * 32, size=5))
        'blobs/ab/abababababababababababababababababababababababababababababababab'
    """
    return f"{BLOBS}{entry.sha256[:2]}/{entry.sha256}"


def rejection_key(asset: str, run_id: str) -> str:
    """Make the key of what the failed checks of a version found.

    Example:
        >>> rejection_key("raw_annotations", "3f2a9c")
        'rejected/raw_annotations/3f2a9c.json'
    """
    return f"{REJECTED}{asset}/{run_id}.json"


def run_key(run_id: str, name: str) -> str:
    """Make the key of a file that people download: each run has a folder of its own, outside of `PREFIX`.

    Example:
        >>> run_key("3f2a9c", "best.pt")
        'traffic-signs/3f2a9c/best.pt'
    """
    return f"{RUNS}{run_id}/{name}"
