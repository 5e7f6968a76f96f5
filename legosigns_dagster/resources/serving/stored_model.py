"""The ONNX file of a release or of a run, out of the store."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract
from legosigns_dagster.core.release.layout import MODEL, release_key
from legosigns_dagster.resources.releases.current import current_number
from legosigns_dagster.resources.releases.listing import read_contract, require_release
from legosigns_dagster.resources.storage.object_store import ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.storage.store import Store

ASSET = "model_weights"
ONNX, FACTS = "model.onnx", "weights.json"


@dataclass(frozen=True)
class StoredModel:
    """A model as an ONNX file on this machine.

    Attributes:
        name: The release or the run that it is from.
        file: The ONNX file. It may be a link: read it, but do not write into it.
        classes: Its class names, in the order of their ids.
        contract: What it takes and gives; None for a run of an older version, which wrote none.
    """

    name: str
    file: Path
    classes: tuple[str, ...]
    contract: ModelContract | None


@contextmanager
def fetch_model(store: Store, run_id: str = "", release: int = 0) -> Iterator[StoredModel]:
    """Fetch a model into a folder that is deleted at the end.

    Args:
        store: Where it is.
        run_id: The run that trained it.
        release: The number of its release. With neither, it is the current release, or where there is none the current
            version of `model_weights`.

    Raises:
        FileNotFoundError: The store has no such model. The message says what to materialize.
        ValueError: There is no such release.
    """
    objects = store.objects()
    number = release or (0 if run_id else current_number(objects) or 0)
    with tempfile.TemporaryDirectory() as name:
        if number:
            yield load_release(objects, number, Path(name))
        else:
            yield load_run(store.snapshots(), run_id, Path(name))


def load_release(objects: ObjectStore, number: int, folder: Path) -> StoredModel:
    """Load the model of a release into an empty folder."""
    require_release(objects, number)
    contract = read_contract(objects, number)
    objects.download(release_key(number, MODEL), folder / ONNX)
    return StoredModel(f"release {number}", folder / ONNX, contract.classes.names, contract)


def load_run(snapshots: SnapshotStore, run_id: str, folder: Path) -> StoredModel:
    """Load the model of a run, or of the current version, into an empty folder."""
    snapshot = snapshots.find(ASSET, run_id or None)
    if ONNX not in snapshot.files:
        raise FileNotFoundError(f"{ASSET} of run {snapshot.run_id} has no {ONNX}: materialize {ASSET} again")
    wanted = {name: entry for name, entry in snapshot.files.items() if name in (ONNX, FACTS, FILE_NAME)}
    snapshots.load(replace(snapshot, files=wanted), folder)
    classes = tuple(json.loads((folder / FACTS).read_text(encoding="utf-8"))["classes"])
    contract = None
    if FILE_NAME in wanted:
        source = f"{FILE_NAME} of run {snapshot.run_id}"
        contract = ModelContract.from_json((folder / FILE_NAME).read_text(encoding="utf-8"), source)
    return StoredModel(f"run {snapshot.run_id[:8]}", folder / ONNX, classes, contract)
