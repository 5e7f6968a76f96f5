"""The command `legosigns`: the newest comparison on the terminal, and what may be deleted from the store."""

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg

from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.deployments import chosen_store, s3_resource
from legosigns_dagster.resources.storage.garbage_collection import Pruner
from legosigns_dagster.resources.storage.layout import run_key
from legosigns_dagster.resources.storage.snapshot_store import FolderStore
from legosigns_dagster.resources.storage.store import Store


def open_store(environment: Mapping[str, str]) -> FolderStore:
    """The store that these variables name."""
    store: Store = chosen_store(environment, s3_resource(environment)).process_config_and_initialize()
    return store.folders()


def report(folders: FolderStore, _: argparse.Namespace) -> str:
    """The table of the store's current comparison, and where its page is.

    Raises:
        FileNotFoundError: where the store has no comparison yet.
    """
    snapshot = folders.snapshot("comparison_report")
    with tempfile.TemporaryDirectory() as name:
        folders.load(snapshot, Path(name))
        comparison = ComparisonReport.load(Path(name)).comparison
    address = folders.objects.address(run_key(snapshot.run_id, "comparison.html"))
    return f"{comparison.summary()}\n\nreport: {address}"


def prune(folders: FolderStore, given: argparse.Namespace) -> str:
    """What no version of the last runs needs; deleted where `--delete` is given."""
    pruner = Pruner(folders, given.runs, given.hours * 3600)
    if given.delete:
        return f"deleted: {pruner.prune().summary()}"
    return f"{pruner.plan().summary()}\nnothing was deleted: add --delete"


def parser() -> argparse.ArgumentParser:
    """The command line: a subcommand for each thing that can be asked of a store."""
    whole = argparse.ArgumentParser("legosigns", description=__doc__)
    commands = whole.add_subparsers(required=True, metavar="COMMAND")
    newest = commands.add_parser("report", help="print the newest comparison and where its page is")
    newest.set_defaults(run=report)
    old = commands.add_parser("prune", help="list what no version of the last runs needs, and delete it")
    old.add_argument("--runs", type=int, default=20, help="how many of the last runs keep their versions (%(default)s)")
    old.add_argument("--hours", type=float, default=24, help="what is younger is never deleted (%(default)s)")
    old.add_argument("--delete", action="store_true", help="delete it; without this nothing is changed")
    old.set_defaults(run=prune)
    return whole


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a subcommand on the store that the environment names, and print its answer."""
    given = parser().parse_args(arguments)
    with dg.DagsterInstance.ephemeral():
        print(given.run(open_store(os.environ), given))


if __name__ == "__main__":
    main()
