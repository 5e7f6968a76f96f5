"""Temporary folders, deleted after the step or run that used them."""

import shutil
import tempfile
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from legosigns_dagster.resources.storage.store import Store


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
        parent = self.store.work_folder() / "scratch"
        try:
            parent.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(dir=parent))
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
