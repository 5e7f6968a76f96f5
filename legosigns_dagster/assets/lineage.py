"""What a stored value was made from: what it recorded, and for older values what the store still tells."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.files import DIGITS, SavedAsFolder, short_digest
from legosigns_dagster.core.lineage import require_lineage
from legosigns_dagster.resources.storage.layout import Snapshot
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster.resources.versions.listing import find_equal


def given_versions(base: Weights, raw_annotations: Dataset, classical_signs: Dataset) -> dict[str, str]:
    """Digests of the versions that weights are evaluated with, by asset."""
    return {
        "base_weights": base.short_digest(),
        "raw_annotations": short_digest(raw_annotations),
        "classical_signs": short_digest(classical_signs),
    }


def evaluation_images(raw_annotations: Dataset, classical_signs: Dataset) -> dict[Slice, Dataset]:
    """The images of each slice on which weights are evaluated."""
    return {Slice.CLASSICAL: classical_signs.evaluation_part(), Slice.LEGO: raw_annotations.evaluation_part()}


def require_trained_with(snapshots: SnapshotStore, weights: Weights, given: Mapping[str, str]) -> list[str]:
    """Require that weights were trained with the versions that they are evaluated with: digests by asset.

    Returns:
        A caveat for each version of which that is not known.

    Raises:
        ValueError: names what differs, and what to materialize.
    """
    recorded = weights.record.versions if weights.record else {}
    made_from = known_origins(snapshots, "model_weights", weights, recorded, given)
    return require_lineage("model_weights", made_from, given, "synthetic_set,model_weights,comparison_report")


def known_origins(
    snapshots: SnapshotStore, asset: str, value: SavedAsFolder, recorded: Mapping[str, str], wanted: Iterable[str]
) -> dict[str, str]:
    """Add to what a value recorded what its run tells: a run reads what it made itself.

    Args:
        snapshots: The store.
        asset: The value's asset.
        value: A value that was loaded.
        recorded: Digests of what it was made from, by asset, as it recorded them.
        wanted: The assets of which the digest is wanted.
    """
    missing = [name for name in wanted if name not in recorded]
    version = find_equal(snapshots, asset, value.index or {}) if missing else None
    return {**recorded, **(origins_in_run(snapshots, version.run_id, missing) if version else {})}


def origins_in_run(snapshots: SnapshotStore, run_id: str, wanted: Iterable[str]) -> dict[str, str]:
    """Digests of the versions that a run made, by asset. Assets of which it read another run's version are left out."""
    told: dict[str, str] = {}
    for name in wanted:
        with suppress(FileNotFoundError):
            told[name] = short_digest_in_store(snapshots.find(name, run_id))
    return told


def short_digest_in_store(version: Snapshot) -> str:
    """First digits of a version's digest, of base weights that of their checkpoint alone."""
    digest = version.files["best.pt"].sha256 if version.asset == "base_weights" else version.digest
    return digest[:DIGITS]
