"""`legosigns prune`: old versions that can be deleted."""

import argparse
import shutil
from pathlib import Path

from legosigns_dagster.commands.subcommand import WHICH_STORE, StoreOpener, Subcommands
from legosigns_dagster.resources.scratch import abandoned_folders, folder_bytes
from legosigns_dagster.resources.storage.garbage_collection import GarbageCollector
from legosigns_dagster.resources.storage.store import Store


def add_prune(commands: Subcommands) -> None:
    """Add the subcommand to the command line."""
    text = "list old versions and the bytes that only they need; with --delete, delete them"
    parser = commands.add_parser("prune", help=text, description=text, epilog=WHICH_STORE)
    parser.add_argument(
        "--runs",
        type=int,
        default=20,
        help="keep all versions of this many last runs, at least 1 (default: %(default)s)",
    )
    parser.add_argument(
        "--hours", type=float, default=24, help="keep all that is younger, at least 1 (default: %(default)s)"
    )
    parser.add_argument("--delete", action="store_true", help="delete; without it nothing is changed")
    parser.set_defaults(run=run_prune)


def run_prune(options: argparse.Namespace, open_store: StoreOpener) -> str:
    """Run the subcommand."""
    with open_store() as store:
        return prune(store, options)


def prune(store: Store, options: argparse.Namespace) -> str:
    """Say what can be deleted, and delete it with `--delete`.

    Raises:
        RuntimeError: another prune is running.
        ValueError: fewer runs or hours are to be kept than is safe.
    """
    collector = GarbageCollector(store.snapshots(), options.runs, options.hours * 3600)
    plan = collector.collect() if options.delete else collector.plan()
    lines = [plan.summary(), *prune_scratch(store.work_folder(), options.delete)]
    if options.delete:
        return "\n".join(["deleted: " + lines[0], *lines[1:]])
    return "\n".join([*lines, "nothing was deleted: add --delete"])


def prune_scratch(work_folder: Path, delete: bool) -> list[str]:
    """List the temporary folders of killed runs on this machine, one line each, and delete them with `delete`."""
    lines = []
    for folder in abandoned_folders(work_folder):
        lines.append(f"temporary files of a killed run: {folder}, {folder_bytes(folder) / 1e6:.1f} MB")
        if delete:
            shutil.rmtree(folder, ignore_errors=True)
    return lines
