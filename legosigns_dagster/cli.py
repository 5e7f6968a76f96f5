"""The newest comparison on the terminal: `python -m legosigns_dagster.cli`."""

import os
import tempfile
from pathlib import Path

import dagster as dg

from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.deployments import chosen_store, s3_resource
from legosigns_dagster.io_manager import run_key


def latest_comparison(environment: dict[str, str], into: Path) -> str:
    """The table of the store's current comparison and where its report is; FileNotFoundError when there is none."""
    store = chosen_store(environment, s3_resource(environment)).process_config_and_initialize()
    folders = store.folders()
    snapshot = folders.snapshot("comparison_report")
    folders.load(snapshot, into)
    report = ComparisonReport.load(into)
    address = folders.objects.address(run_key(snapshot.run_id, "comparison.html"))
    return f"{report.comparison.summary()}\n\nreport: {address}"


def main() -> None:
    """Print it."""
    with tempfile.TemporaryDirectory() as folder, dg.DagsterInstance.ephemeral():
        print(latest_comparison(dict(os.environ), Path(folder)))


if __name__ == "__main__":
    main()
