"""Look into the store of LEGO sign assets: the newest comparison, and old versions that can be deleted."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dotenv import dotenv_values

from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.core.variables import strip_values
from legosigns_dagster.deployments import make_store, s3_resource
from legosigns_dagster.resources.scratch import abandoned_folders, folder_bytes
from legosigns_dagster.resources.storage.garbage_collection import GarbageCollector
from legosigns_dagster.resources.storage.layout import run_key
from legosigns_dagster.resources.storage.store import Store

WHICH_STORE = (
    "The store is the bucket in AWS_S3_BUCKET (with AWS_S3_ENDPOINT and keys), or the folder in LEGOSIGNS_STORE. With "
    "none of them set, it is the folder .legosigns/store where the command is called. Like Dagster's commands, this "
    "one also reads variables from a file .env in the folder where it is called."
)


@contextmanager
def dotenv_environment() -> Iterator[None]:
    """Add the variables of the file `.env` in the working directory, as Dagster's commands do: they come first.

    Raises:
        ValueError: the file is not UTF-8 text.
    """
    before, file = dict(os.environ), Path.cwd() / ".env"
    try:
        added = dotenv_values(file)
    except UnicodeDecodeError:
        raise ValueError(f"{file} is not UTF-8 text: save it as UTF-8") from None
    os.environ.update({name: value for name, value in added.items() if value is not None})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def open_store() -> Iterator[Store]:
    """Open the store that the environment names."""
    environment = strip_values(os.environ)
    resource: Store = make_store(environment, s3_resource(environment))
    with dg.DagsterInstance.ephemeral(), resource.process_config_and_initialize_cm() as store:
        yield store


def report(store: Store, _: argparse.Namespace) -> str:
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


def command_line() -> argparse.ArgumentParser:
    """Make the parser, with a subcommand for each thing that can be done."""
    parser = argparse.ArgumentParser("legosigns", description=__doc__, epilog=WHICH_STORE)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    text = "print the newest comparison of base and new weights, and where its page is"
    report_command = commands.add_parser("report", help=text, description=text, epilog=WHICH_STORE)
    report_command.set_defaults(run=report)
    text = "list old versions and the bytes that only they need; with --delete, delete them"
    prune_command = commands.add_parser("prune", help=text, description=text, epilog=WHICH_STORE)
    prune_command.add_argument(
        "--runs",
        type=int,
        default=20,
        help="keep all versions of this many last runs, at least 1 (default: %(default)s)",
    )
    prune_command.add_argument(
        "--hours", type=float, default=24, help="keep all that is younger, at least 1 (default: %(default)s)"
    )
    prune_command.add_argument("--delete", action="store_true", help="delete; without it nothing is changed")
    prune_command.set_defaults(run=prune)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a subcommand on the store that the environment names, and print its answer.

    An error that the user can correct is one line on stderr, with exit status 1.
    """
    options = command_line().parse_args(arguments)
    # Without it a prune that is ended would leave its marker, and saves on other machines would wait for it.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with dotenv_environment(), open_store() as store:
            answer = options.run(store, options)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"legosigns: {error}")
    finally:
        signal.signal(signal.SIGTERM, before)
    print(answer)


if __name__ == "__main__":
    main()
