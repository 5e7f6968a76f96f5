"""Old versions and their bytes: `python -m legosigns_dagster.cli` lists them, with `--delete` it removes them."""

import argparse
import os
from collections.abc import Mapping

from legosigns_dagster.deployments import chosen_store, s3_resource
from legosigns_dagster.resources.storage.garbage_collection import Plan, Pruner


def prune(environment: Mapping[str, str], keep_runs: int, min_age_h: float, delete: bool) -> Plan:
    """What no version of the last runs needs in the store that the variables name; removed where `delete` is set."""
    store = chosen_store(environment, s3_resource(environment)).process_config_and_initialize()
    pruner = Pruner(store.folders(), keep_runs, min_age_h * 3600)
    return pruner.prune() if delete else pruner.plan()


def main(arguments: list[str] | None = None) -> None:
    """Print what was, or would be, removed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--runs", type=int, default=20, help="how many of the last runs keep their versions (%(default)s)"
    )
    parser.add_argument("--hours", type=float, default=24, help="what is younger is never removed (%(default)s)")
    parser.add_argument("--delete", action="store_true", help="remove it; without this nothing is changed")
    given = parser.parse_args(arguments)
    plan = prune(os.environ, given.runs, given.hours, given.delete)
    print(f"removed: {plan.summary()}" if given.delete else f"{plan.summary()}\nnothing was removed: add --delete")


if __name__ == "__main__":
    main()
