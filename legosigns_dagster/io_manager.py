"""The IO manager: saves the folders of assets in the store, and loads them."""

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import dagster as dg

from legosigns_dagster.assets.page import DOWNLOADS
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.export.archive import write_archive
from legosigns_dagster.core.files import SavedAsFolder
from legosigns_dagster.core.gallery.gallery import write_gallery
from legosigns_dagster.core.release.layout import MIRROR
from legosigns_dagster.resources.releases.current import current_number
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.layout import Snapshot, run_key
from legosigns_dagster.resources.storage.store import Store
from legosigns_dagster.resources.versions.judgement import find_usable, require_usable
from legosigns_dagster.resources.versions.listing import run_ids

ARCHIVED = ("raw_annotations", "synthetic_set")  # what people download as a zip file beside the report
MOST_ARCHIVED = 100_000_000  # bytes: each run uploads its archives as a whole, and nobody deletes them
SILENT = logging.Logger("silent", logging.CRITICAL + 1)
NOT_IN_THIS_RUN = "__EPHEMERAL_RUN_ID"  # Dagster's run id for an upstream that was not selected


class FolderIOManager(dg.ConfigurableIOManager):
    """Saves a value's folder as a snapshot. Loads the snapshot of the same run, or the current one.

    Attributes:
        store: Where snapshots are kept.
        scratch: Makes the folders that snapshots are loaded into.
        participant: Whose store it must be; empty where nobody shares this Dagster.
    """

    store: dg.ResourceDependency[Store]
    scratch: dg.ResourceDependency[Scratch]
    participant: str = ""

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Check that results can be stored, before the first step of a run or a pod does any work.

        Raises:
            OSError: the store cannot be written, or is another participant's. The message names the variable to
                correct.
        """
        self.store.require_writable()
        if self.participant:
            self.store.require_owner(self.participant)

    def handle_output(self, context: dg.OutputContext, obj: SavedAsFolder) -> None:
        """Save the value, publish the files that people download, and put their addresses into the metadata."""
        snapshots = self.store.snapshots()
        index = snapshots.index(obj.save()) if obj.index is None else obj.index
        asset, judged = context.asset_key.path[-1], has_blocking_checks(context)
        snapshot = snapshots.save(asset, context.run_id, obj.folder, index, current=not judged, log=context.log)
        size = sum(entry.size for entry in snapshot.files.values())
        context.add_output_metadata({"files": len(snapshot.files), "megabytes": round(size / 1e6, 2)})
        downloads = downloads_by_key(obj, context.run_id)
        if MIRROR in downloads and current_number(self.store.objects()) is not None:
            del downloads[MIRROR]  # what is served there is the current release's, and a training's is not tried yet
        published = snapshots.publish(downloads | self._archive(context, obj, size) | self._gallery(context, obj))
        lines = [f"- `{address}`" for address in published.values()]
        listed = snapshots.snapshot_address(snapshot)
        shown = "\n".join(lines or [f"- `{listed}` names its files in the store"])
        context.add_output_metadata({DOWNLOADS: dg.MetadataValue.md(shown)})
        if report := published.get(run_key(context.run_id, "comparison.html")):
            context.log.info(f"report: {report}, also in the UI (make dev) and by the command legosigns report")

    def _archive(self, context: dg.OutputContext, value: SavedAsFolder, size: int) -> dict[str, Path]:
        """Make the archive of a dataset of `size` bytes that people download; its file by its key."""
        asset = context.asset_key.path[-1]
        if asset not in ARCHIVED or not isinstance(value, Dataset):
            return {}
        if size > MOST_ARCHIVED:
            megabytes = f"{size / 1e6:.0f} MB, more than {MOST_ARCHIVED / 1e6:.0f} MB"
            context.log.info(f"{asset} has {megabytes}: no archive is published; use legosigns export {asset}")
            return {}
        return self._try_write(context, "archive", f"{asset}.zip", lambda file: write_archive(value, file, SILENT))

    def _gallery(self, context: dg.OutputContext, value: SavedAsFolder) -> dict[str, Path]:
        """Make the page with a dataset's images that people look at; its file by its key."""
        if not isinstance(value, Dataset) or value.images.empty:
            return {}
        asset = context.asset_key.path[-1]
        title = f"{asset}: images with their boxes"
        return self._try_write(
            context, "gallery", f"{asset}-gallery.html", lambda file: write_gallery(value, title, file)
        )

    def _try_write(
        self, context: dg.OutputContext, kind: str, name: str, write: Callable[[Path], None]
    ) -> dict[str, Path]:
        """Write a file that people download; it by its key. Without it, the value is stored and can be used."""
        file = self.scratch.folder(kind) / name
        try:
            write(file)
        except (OSError, ValueError) as error:
            context.log.warning(f"there is no {kind} of {context.asset_key.path[-1]}: {error}")
            return {}
        return {run_key(context.run_id, name): file}

    def load_input(self, context: dg.InputContext) -> SavedAsFolder:
        """Load the upstream's value, as the type that the parameter is annotated with.

        Raises:
            dg.Failure: there is no such snapshot, or its checks failed. The step is not tried again.
        """
        value_type = context.dagster_type.typing_type
        snapshots = self.store.snapshots()
        try:
            snapshot = self._snapshot(context)
        except (FileNotFoundError, ValueError) as error:  # a retry would not find it either
            raise dg.Failure(str(error), allow_retries=False) from error
        into = self.scratch.folder(snapshot.asset)
        snapshots.load(snapshot, into)
        loaded: SavedAsFolder = replace(value_type.load(into), index=snapshot.files)
        return loaded

    def _snapshot(self, context: dg.InputContext) -> Snapshot:
        asset, snapshots = context.asset_key.path[-1], self.store.snapshots()
        upstream = context.upstream_output
        # Another run may make its version the current one at any time. So what this run made itself, or the run that
        # it retries, is read by the run's id.
        own = snapshots.find(asset, upstream.run_id) if upstream and upstream.run_id != NOT_IN_THIS_RUN else None
        if is_check(context):
            return own or snapshots.find(asset, next(iter(run_ids(snapshots, asset)), None))
        return require_usable(snapshots, own) if own else find_usable(snapshots, asset, context.log)


def has_blocking_checks(context: dg.OutputContext) -> bool:
    """Whether checks follow that decide whether other runs may use this version. They make it the current one."""
    graph = context.step_context.job_def.asset_layer.asset_graph
    return any(graph.get_check_spec(key).blocking for key in graph.get_check_keys_for_assets({context.asset_key}))


def is_check(context: dg.InputContext) -> bool:
    """Whether the step that loads only checks: it judges the newest version, whether that may be used or not."""
    step = context.step_context
    definition = step.job_def.asset_layer.get_assets_def_for_node(step.node_handle)
    return definition is not None and not definition.keys and bool(definition.check_keys)


def downloads_by_key(value: Any, run_id: str) -> dict[str, Path]:
    """Collect the files that people download: all in the run's own folder, and some also at a place of the newest.

    Returns:
        The file by its key.
    """
    downloads: tuple[str, ...] = getattr(value, "downloads", ())
    latest: tuple[str, ...] = getattr(value, "latest", ())
    own = {run_key(run_id, name): value.folder / name for name in downloads}
    return own | {key: value.folder / PurePosixPath(key).name for key in latest}
