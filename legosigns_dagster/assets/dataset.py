"""Step 2, the dataset: the annotated images, and the synthetic ones made from them."""

import os
from dataclasses import replace

import dagster as dg
from pydantic import Field

from legosigns_dagster.assets.metadata import SOURCE_STATE, add_difference, dataset_page, versioned
from legosigns_dagster.assets.settings import SettingsForm, plain_settings
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.difference import difference
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.files import SavedAsFolder, short_digest
from legosigns_dagster.core.ingestion.incremental import PreviousVersion, extract_dataset
from legosigns_dagster.core.ingestion.settings import DatasetSettings, Recipe
from legosigns_dagster.core.ingestion.task_images import list_urls
from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet
from legosigns_dagster.core.synthesis.generate import make_synthetic_set
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.kubernetes.pod_specs import RENDER_POD, SMALL_POD
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.store import Store
from legosigns_dagster.resources.versions.judgement import require_usable


class DatasetConfig(SettingsForm, DatasetSettings):
    """How annotations are read and images split, as a form in Dagster's Launchpad."""

    reconcile_sink: bool = Field(
        False,
        description="Compare the sink with Label Studio. Annotations that were deleted there are not used, and those "
        "that the sink does not have yet are listed in the quarantine.",
    )


class SynthesisConfig(SettingsForm, SynthesisSettings):
    """The settings of the synthesis, as a form in Dagster's Launchpad."""


def load_previous(store: Store, scratch: Scratch) -> PreviousVersion | None:
    """Load the current version of raw_annotations, whichever run made it. None while there is none to be used."""
    snapshots = store.snapshots()
    try:
        snapshot = require_usable(snapshots, snapshots.find("raw_annotations"))
    except (FileNotFoundError, ValueError):  # what failed its checks may have damaged files, which would be reused
        return None
    snapshots.load(snapshot, into := scratch.folder("previous"))
    return PreviousVersion.load(into)


@dg.asset(group_name="dataset", kinds={"labelstudio", "pandas"}, op_tags=SMALL_POD)
def raw_annotations(
    context: dg.AssetExecutionContext,
    config: DatasetConfig,
    inputs: Inputs,
    store: dg.ResourceParam[Store],
    scratch: Scratch,
    base_weights: Weights,
) -> dg.Output[Dataset]:
    """The annotated images. Every annotation is used, or is in the quarantine with its reason and its task."""
    previous = load_previous(store, scratch)
    source = inputs.annotations(base_weights.classes, context.log, config.reconcile_sink)
    extraction = source.extract(scratch.folder("annotations"), previous)
    recipe = Recipe(base_weights.classes, plain_settings(config, DatasetSettings), inputs.link_url)
    into = scratch.folder("raw_annotations")
    fetch = inputs.image_fetcher(list_urls(extraction.tasks))
    dataset = extract_dataset(extraction, previous, fetch, recipe, into, context.log)
    if len(dataset.quarantine):
        rows = len(dataset.quarantine)
        context.log.warning(f"{rows} images, annotations or regions rejected: see the quarantine in the metadata")
    page = dataset_page(dataset, config.model_dump())
    page = replace(
        page,
        facts={"tasks": len(extraction.tasks), **page.facts},
        details={SOURCE_STATE: extraction.state},
    )
    if previous:
        changes = difference(previous.dataset, dataset, [task.id for task in extraction.tasks])
        context.log.info(f"since the previous version: {changes.text()}")
        page = add_difference(page, changes)
    return versioned(dataset, page.entries())


@dg.asset(group_name="dataset", kinds={"opencv", "numpy"}, op_tags=RENDER_POD)
def synthetic_set(
    context: dg.AssetExecutionContext,
    config: SynthesisConfig,
    scratch: Scratch,
    sign_cutouts: CutoutSet,
    backgrounds: Backgrounds,
    raw_annotations: Dataset,
) -> dg.Output[Dataset]:
    """Sign cut-outs pasted into scenes, in the sizes of the annotated boxes. Every box is measured on its pixels."""
    into = scratch.folder("synthetic_set")
    settings = plain_settings(config, SynthesisSettings)
    threads = usable_cores(os.environ)
    dataset = make_synthetic_set(settings, sign_cutouts, backgrounds, raw_annotations, into, context.log, threads)
    given: dict[str, SavedAsFolder] = {
        "sign_cutouts": sign_cutouts,
        "backgrounds": backgrounds,
        "raw_annotations": raw_annotations,
    }
    made = replace(dataset, made_from={name: short_digest(value) for name, value in given.items()})
    return versioned(made, dataset_page(made, settings.model_dump()).entries())
