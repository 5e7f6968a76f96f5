"""Step 5, the release: tried in the engines that serve it, compared with what is served now, and published."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import dagster as dg
from pydantic import Field

from legosigns_dagster.assets.lineage import evaluation_images, given_versions, require_trained_with
from legosigns_dagster.assets.metadata import versioned
from legosigns_dagster.assets.report import comparison_page
from legosigns_dagster.assets.settings import SettingsForm, plain_settings
from legosigns_dagster.assets.weights import non_retryable_errors
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.files import short_digest
from legosigns_dagster.core.lineage import require_lineage
from legosigns_dagster.core.release.candidate import ReleaseCandidate
from legosigns_dagster.core.release.engine_parity import Engines
from legosigns_dagster.core.release.layout import (
    MODEL_NAME,
    OVMS_MANIFEST,
    TRITON_MANIFEST,
    WEIGHTS,
    release_key,
)
from legosigns_dagster.core.release.measure import EXPORTED, Served, measure_candidate
from legosigns_dagster.core.release.release import Origin
from legosigns_dagster.core.release.servers import ServingSettings
from legosigns_dagster.core.report.report import ComparisonReport
from legosigns_dagster.detectors.onnx.engines import open_onnxruntime, open_openvino
from legosigns_dagster.kubernetes.gpu_pool import GPU_POOL
from legosigns_dagster.kubernetes.pod_specs import GPU_POD, SMALL_POD, retries
from legosigns_dagster.resources.releases.current import current_number, current_release
from legosigns_dagster.resources.releases.gate import read_gate
from legosigns_dagster.resources.releases.listing import read_contract
from legosigns_dagster.resources.releases.publish import ReleaseDraft, publish_release
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.object_store import ObjectStore
from legosigns_dagster.resources.storage.store import Store


class CandidateConfig(SettingsForm):
    """How a candidate is measured."""

    parity_images: int = Field(
        200, ge=1, description="In how many val or test images of each slice the engines are compared, at most."
    )


class ServingConfig(SettingsForm, ServingSettings):
    """How the release is served, as a form in Dagster's Launchpad."""


@dg.asset(group_name="release", kinds={"onnx"}, op_tags=GPU_POD, pool=GPU_POOL, retry_policy=retries(os.environ))
def release_candidate(
    context: dg.AssetExecutionContext,
    config: CandidateConfig,
    store: dg.ResourceParam[Store],
    scratch: Scratch,
    detector: dg.ResourceParam[Detector],
    base_weights: Weights,
    model_weights: Weights,
    raw_annotations: Dataset,
    classical_signs: Dataset,
    comparison_report: ComparisonReport,
) -> dg.Output[ReleaseCandidate]:
    """The new weights in the engines that serve, compared with what is served now, or at first with the base."""
    given = given_versions(base_weights, raw_annotations, classical_signs)
    images = evaluation_images(raw_annotations, classical_signs)
    with non_retryable_errors():
        caveats = require_trained_with(store.snapshots(), model_weights, given)
        caveats += require_lineage("comparison_report", comparison_report.made_from, given, "comparison_report")
        for caveat in caveats:
            context.log.warning(caveat)
        served = find_served(store.objects(), scratch, detector, base_weights, model_weights)
        made_from = given | {
            "model_weights": model_weights.short_digest(),
            "comparison_report": short_digest(comparison_report),
        }
        folder = scratch.folder("release_candidate")
        with open_engines(detector, model_weights) as engines:
            candidate = measure_candidate(
                detector, engines, model_weights, served, images, config.parity_images, made_from, folder
            )
    context.log.info(f"compared with {served.title}\n{candidate.comparison.summary()}")
    facts = {
        "compared_with": served.title,
        "parity": dg.MetadataValue.md("\n".join(f"- {one}" for one in candidate.measured.parity)),
        "contract_changes": "; ".join(candidate.measured.contract_changes) or "none",
    }
    page = replace(comparison_page(candidate.comparison, facts), settings=config.model_dump())
    return versioned(candidate, page.entries())


@contextmanager
def open_engines(detector: Detector, weights: Weights) -> Iterator[Engines]:
    """Load the weights, and the model that was exported from them, into all engines."""
    model = weights.folder / EXPORTED
    exact = {"onnxruntime": open_onnxruntime(model), "OpenVINO in 32 bits": open_openvino(model, f32=True)}
    with detector.open_engine(weights.file) as trained:
        yield Engines(trained, exact, {"OpenVINO by default": open_openvino(model, f32=False)})


def find_served(objects: ObjectStore, scratch: Scratch, detector: Detector, base: Weights, new: Weights) -> Served:
    """Find what is served now. Where it has other classes than the new weights, these are compared with the base."""
    release = current_release(objects)
    if release is None:
        return Served(0, base, None, "base weights")
    contract = read_contract(objects, release.number)
    title = f"release {release.number}"
    if contract.classes != new.classes:
        return Served(release.number, base, contract, f"base weights, since {title} has other classes")
    folder = scratch.folder("released")
    objects.download(release_key(release.number, WEIGHTS), folder / WEIGHTS)
    classes, image_size = detector.read(folder / WEIGHTS)
    return Served(release.number, Weights(folder, classes, image_size), contract, title)


@dg.asset(group_name="release", kinds={"onnx"}, op_tags=SMALL_POD)
def released_model(
    context: dg.AssetExecutionContext,
    config: ServingConfig,
    store: dg.ResourceParam[Store],
    release_candidate: ReleaseCandidate,
) -> dg.MaterializeResult[None]:
    """The candidate, published under a number of its own: the model, its contract, manifests, and golden answers."""
    objects, measured, folder = store.objects(), release_candidate.measured, release_candidate.folder
    with non_retryable_errors():
        gate = read_gate(store.snapshots(), release_candidate.index or {}, context.run.run_id)
        now = current_number(objects) or 0
        if now != measured.released:
            context.log.warning(
                f"release {now} is the current one, and the candidate was compared with {measured.compared_with}: "
                "materialize release_candidate again to compare it with that"
            )
        origin = Origin(context.run.run_id, measured.made_from, gate.verdicts, measured.compared_with, gate.accepted)
        draft = ReleaseDraft(
            folder / EXPORTED,
            folder / WEIGHTS,
            release_candidate.contract,
            folder / "golden",
            origin,
            plain_settings(config, ServingSettings),
        )
        release = publish_release(objects, draft, context.log)
    addresses = {
        name: objects.address(release_key(release.number, path))
        for name, path in {"address": "", "ovms_manifest": OVMS_MANIFEST, "triton_manifest": TRITON_MANIFEST}.items()
    }
    context.log.info(f"release {release.number}: {addresses['address']}")
    roll_out = f"`kubectl apply -f {addresses['ovms_manifest']}` (after a download)"
    return dg.MaterializeResult(
        metadata={
            **addresses,
            "roll_out": dg.MetadataValue.md(roll_out),
            "release": release.number,
            "model_name": MODEL_NAME,
            "settings": dg.MetadataValue.json(config.model_dump()),
        }
    )
