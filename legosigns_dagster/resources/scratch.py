"""Temporary folders, deleted after the step or run that used them."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from legosigns_dagster.core.processes import ProcessId
from legosigns_dagster.resources.storage.store import Store

SCRATCH = "scratch"  # the folder below the store's work folder
OWNER = ".owner.json"  # the process that uses a scratch folder
UNUSED_S = 24 * 3600.0  # a folder of another machine's process that nobody wrote into for so long is not used any more


class Scratch(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Makes empty folders on the store's own disk, so that stored files can be hard-linked instead of copied.

    Attributes:
        store: The store.
    """

    store: dg.ResourceDependency[Store]
    _folder: Path | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Make the folder that all others are in.

        Raises:
            OSError: it cannot be made. The message names the variable to correct.
        """
        parent = self.store.work_folder() / SCRATCH
        try:
            parent.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(dir=parent))
            (self._folder / OWNER).write_bytes(ProcessId.current().to_json())
        except OSError as error:
            advice = "set LEGOSIGNS_STORE to a folder that can be written to (with AWS_S3_BUCKET: TMPDIR)"
            raise OSError(f"cannot make a scratch folder: {error}: {advice}") from error

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Delete that folder with everything in it."""
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    def folder(self, name: str) -> Path:
        """Make a new empty folder whose name starts with `name`."""
        if self._folder is None:
            raise RuntimeError(
                "Scratch is used outside of a run: use it as a resource of an asset, or with dg.build_resources"
            )
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))


def folder_bytes(folder: Path) -> int:
    """Add up the sizes of all files below a folder. Files that are links into a store count too."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


def abandoned_folders(work_folder: Path) -> Iterator[Path]:
    """Find the scratch folders of runs that were killed.

    Their process has ended on this machine, or nobody has written into them for a day.
    """
    for folder in sorted((work_folder / SCRATCH).glob("*/")):
        with suppress(FileNotFoundError):  # its run has just ended
            owner = ProcessId.from_json((folder / OWNER).read_bytes()) if (folder / OWNER).exists() else None
            last_s = max(path.lstat().st_mtime for path in (folder, *folder.rglob("*")))
            if (owner and owner.has_ended()) or time.time() - last_s > UNUSED_S:
                yield folder
