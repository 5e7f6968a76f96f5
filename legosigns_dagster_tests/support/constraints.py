"""`make constraints`: constraints.txt from what pip would install on an empty machine.

It needs nothing but Python: it runs before anything is installed.
"""

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

HEAD = """\
# The version of every library that the package and its tests stand on, those that are brought by others too.
# Written by `make constraints`. A constraint installs nothing: it only says which version is taken.
"""
OURS = "legosigns-dagster"


def pins(installed: Iterable[Mapping[str, Any]]) -> list[str]:
    """The lines of constraints.txt for the `install` part of a pip installation report.

    A build of torch for one kind of device, such as 2.14.1+cpu, is written without its suffix: a constraint with a
    suffix would refuse every other build, and one without it takes them all.
    """
    versions = {
        one["metadata"]["name"].lower().replace("_", "-").replace(".", "-"): one["metadata"]["version"].split("+")[0]
        for one in installed
    }
    return [f"{name}=={version}" for name, version in sorted(versions.items()) if name != OURS]


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path, help="what `pip install --dry-run --report` wrote")
    parser.add_argument("into", type=Path, help="the file to write")
    asked = parser.parse_args()
    report = json.loads(asked.report.read_text(encoding="utf-8"))
    asked.into.write_text(HEAD + "".join(f"{pin}\n" for pin in pins(report["install"])), encoding="utf-8")


if __name__ == "__main__":
    main()
