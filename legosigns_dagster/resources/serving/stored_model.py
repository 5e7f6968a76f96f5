"""The ONNX file of a run, out of the store."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore

ASSET = "model_weights"
ONNX, FACTS = "model.onnx", "weights.json"


@dataclass(frozen=True)
class StoredModel:
    """A run's model as an ONNX file on this machine.

    Attributes:
        run_id: The run that trained it.
        file: The ONNX file, a link: read it, but do not write into it.
        classes: Its class names, in the order of their ids.
        contract: What it takes and gives; None for a run of an older version, which wrote none.
    """

    run_id: str
    file: Path
    classes: tuple[str, ...]
    contract: ModelContract | None


@contextmanager
def fetch_model(snapshots: SnapshotStore, run_id: str | None) -> Iterator[StoredModel]:
    """Fetch the model of a run, or the current one, into a folder that is deleted at the end.

    Raises:
        FileNotFoundError: The store has no such model. The message says what to materialize.
    """
    snapshot = snapshots.find(ASSET, run_id)
    if ONNX not in snapshot.files:
        raise FileNotFoundError(f"{ASSET} of run {snapshot.run_id} has no {ONNX}: materialize {ASSET} again")
    wanted = {name: entry for name, entry in snapshot.files.items() if name in (ONNX, FACTS, FILE_NAME)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        snapshots.load(replace(snapshot, files=wanted), folder)
        classes = tuple(json.loads((folder / FACTS).read_text(encoding="utf-8"))["classes"])
        contract = None
        if FILE_NAME in wanted:
            source = f"{FILE_NAME} of run {snapshot.run_id}"
            contract = ModelContract.from_json((folder / FILE_NAME).read_text(encoding="utf-8"), source)
        yield StoredModel(snapshot.run_id, folder / ONNX, classes, contract)
