"""The keys in the store: what lies where. Old stores must stay readable, so none of these may change."""

from legosigns_dagster.core.files import FileEntry

PREFIX = "legosigns/"  # everything that only this program reads; the keys below stand behind it
BLOBS = "blobs/"  # the bytes of files, by their SHA-256
SNAPSHOTS = "snapshots/"  # <asset>/<run id>.json: the files of one version of an asset
CURRENT = "current/"  # <asset>.json: the run whose version is the current one
CHECKPOINTS = "checkpoints/"  # the state of trainings that have not ended
ACTIVE_SAVES = "saving/"  # the files of versions that are being saved, while they are
GC_MARKER = "pruning/mark"  # there while a garbage collection is running
PREFLIGHT = "preflight/"  # a small object that a run writes, reads and deletes before it begins


def blob_key(entry: FileEntry) -> str:
    """Make the key of a file's bytes.

    Example:
        >>> blob_key(FileEntry(sha256="ab" * 32, size=5))
        'blobs/ab/abababababababababababababababababababababababababababababababab'
    """
    return f"{BLOBS}{entry.sha256[:2]}/{entry.sha256}"


def run_key(run_id: str, name: str) -> str:
    """Make the key of a file that people download: each run has a folder of its own, outside of `PREFIX`.

    Example:
        >>> run_key("3f2a9c", "best.pt")
        'traffic-signs/3f2a9c/best.pt'
    """
    return f"traffic-signs/{run_id}/{name}"
