"""`legosigns report`: the newest comparison of base and new weights."""

import argparse
import tempfile
from pathlib import Path

from legosigns_dagster.commands.subcommand import WHICH_STORE, StoreOpener, Subcommands
from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.resources.storage.layout import run_key
from legosigns_dagster.resources.storage.store import Store


def add_report(commands: Subcommands) -> None:
    """Add the subcommand to the command line."""
    text = "print the newest comparison of base and new weights, and where its page is"
    parser = commands.add_parser("report", help=text, description=text, epilog=WHICH_STORE)
    parser.set_defaults(run=run_report)


def run_report(_: argparse.Namespace, open_store: StoreOpener) -> str:
    """Run the subcommand."""
    with open_store() as store:
        return report(store)


def report(store: Store) -> str:
    """Make a table of the newest comparison, with the address of its page.

    Raises:
        FileNotFoundError: the store has no comparison yet.
    """
    snapshots = store.snapshots()
    snapshot = snapshots.find("comparison_report")
    with tempfile.TemporaryDirectory() as name:
        snapshots.load(snapshot, Path(name))
        comparison = ComparisonReport.load(Path(name)).comparison
    address = snapshots.objects.address(run_key(snapshot.run_id, "comparison.html"))
    return f"{comparison.summary()}\n\nreport: {address}"
