"""What the checks of a release candidate decided, kept in the store: nothing is released without it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from legosigns_dagster.core.files import FolderIndex
from legosigns_dagster.core.release.release import AcceptedFinding
from legosigns_dagster.resources.storage.layout import GATES
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.versions.judgement import find_checked, require_usable

CANDIDATE = "release_candidate"


@dataclass(frozen=True)
class GateDecision:
    """How the checks of a candidate ended.

    Attributes:
        verdicts: What each check found, by its name.
        accepted: What they found and a person accepted.
    """

    verdicts: Mapping[str, str]
    accepted: tuple[AcceptedFinding, ...] = ()


def write_gate(snapshots: SnapshotStore, index: FolderIndex, run_id: str, decision: GateDecision) -> None:
    """Keep how the checks of a candidate ended, which is found by its files and by the run that checks it."""
    version = find_checked(snapshots, CANDIDATE, index, run_id)
    content = json.dumps(asdict(decision), indent=1).encode()
    snapshots.objects.write(gate_key(snapshots, version.run_id), content)


def read_gate(snapshots: SnapshotStore, index: FolderIndex, run_id: str) -> GateDecision:
    """Read how the checks of a candidate ended.

    Raises:
        ValueError: they failed, or have not run.
    """
    version = require_usable(snapshots, find_checked(snapshots, CANDIDATE, index, run_id))
    try:
        facts = json.loads(snapshots.objects.read(gate_key(snapshots, version.run_id)))
    except FileNotFoundError:
        raise ValueError(
            f"{CANDIDATE} of run {version.run_id} was not checked: materialize it together with its checks, as the job "
            "release does"
        ) from None
    return GateDecision(facts["verdicts"], tuple(AcceptedFinding(**one) for one in facts["accepted"]))


def gate_key(snapshots: SnapshotStore, run_id: str) -> str:
    """Make the key of how the checks of a run's candidate ended."""
    return f"{snapshots.prefix}{GATES}{CANDIDATE}/{run_id}.json"
