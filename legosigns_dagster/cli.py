"""The store of LEGO sign assets, and their models: comparison, old versions, releases, and what a model sees."""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from dotenv import dotenv_values

from legosigns_dagster.commands.export import add_export
from legosigns_dagster.commands.preview_synthesis import add_preview_synthesis
from legosigns_dagster.commands.prune import add_prune
from legosigns_dagster.commands.query import add_query
from legosigns_dagster.commands.release import add_release
from legosigns_dagster.commands.report import add_report
from legosigns_dagster.commands.show import add_show
from legosigns_dagster.commands.subcommand import WHICH_STORE
from legosigns_dagster.core.variables import strip_values
from legosigns_dagster.deployments import make_store, s3_resource
from legosigns_dagster.resources.storage.store import Store


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


def command_line() -> argparse.ArgumentParser:
    """Make the parser, with a subcommand for each thing that can be done."""
    parser = argparse.ArgumentParser("legosigns", description=__doc__, epilog=WHICH_STORE)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add_subcommand in (add_report, add_show, add_preview_synthesis, add_export, add_prune, add_query, add_release):
        add_subcommand(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a subcommand, and print its answer.

    An error that the user can correct is told on stderr without a traceback, with exit status 1.
    """
    options = command_line().parse_args(arguments)
    # Without it a prune that is ended would leave its marker, and saves on other machines would wait for it.
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        with dotenv_environment():
            answer = options.run(options, open_store)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"legosigns: {error}")
    finally:
        signal.signal(signal.SIGTERM, before)
    if answer:  # a subcommand may have printed all of it already
        print(answer)


if __name__ == "__main__":
    main()
