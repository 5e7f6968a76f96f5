"""An asset's folder to the store and back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg

from legosigns_dagster.core.files import SavedAsFolder
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.layout import run_key
from legosigns_dagster.resources.storage.snapshot_store import Snapshot
from legosigns_dagster.resources.storage.store import Store

NOT_IN_THIS_RUN = "__EPHEMERAL_RUN_ID"  # Dagster's id for the run of an upstream that was not selected


class FolderIOManager(dg.ConfigurableIOManager):
    """Saves a value's folder as a snapshot; loads the same run's snapshot, or the current one across runs."""

    store: dg.ResourceDependency[Store]
    scratch: dg.ResourceDependency[Scratch]

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Before a run's or a pod's first step does any work: an error where its result could not be stored."""
        self.store.require_writable()

    def handle_output(self, context: dg.OutputContext, obj: SavedAsFolder) -> None:
        """Store the value, publish what people download from it, and say where both are."""
        folders = self.store.folders()
        index = folders.index(obj.save()) if obj.index is None else obj.index
        snapshot = folders.save(context.asset_key.to_user_string(), context.run_id, obj.folder, index)
        size = sum(entry.size for entry in snapshot.files.values())
        context.add_output_metadata({"files": len(snapshot.files), "megabytes": round(size / 1e6, 2)})
        published = folders.publish(published_files(obj, context.run_id))
        if published:
            lines = "\n".join(f"- `{address}`" for address in published.values())
            context.add_output_metadata({"downloads": dg.MetadataValue.md(lines)})

    def load_input(self, context: dg.InputContext) -> SavedAsFolder:
        """The upstream's value, of the type that the parameter is annotated with."""
        value_type = context.dagster_type.typing_type
        folders = self.store.folders()
        try:
            snapshot = self._snapshot(context)
        except FileNotFoundError as error:  # it will not be there on another try either
            raise dg.Failure(str(error), allow_retries=False) from error
        into = self.scratch.folder(snapshot.asset)
        folders.load(snapshot, into)
        loaded: SavedAsFolder = replace(value_type.load(into), index=snapshot.files)
        return loaded

    def _snapshot(self, context: dg.InputContext) -> Snapshot:
        asset, folders = context.asset_key.to_user_string(), self.store.folders()
        upstream = context.upstream_output
        # A concurrent run may move the pointer at any time: what this run made itself, or the run that this one tries
        # again, is read by its id.
        if upstream and upstream.run_id != NOT_IN_THIS_RUN:
            return folders.snapshot(asset, upstream.run_id)
        return folders.snapshot(asset)


def published_files(value: Any, run_id: str) -> dict[str, Path]:
    """Key to file of what people download: under the run's own folder, and the latest of some at the root."""
    downloads: tuple[str, ...] = getattr(value, "downloads", ())
    latest: tuple[str, ...] = getattr(value, "latest", ())
    own = {run_key(run_id, name): value.folder / name for name in downloads}
    return own | {name: value.folder / name for name in latest}
