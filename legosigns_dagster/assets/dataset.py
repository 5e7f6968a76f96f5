"""Step 2, the dataset: everything new that the model learns from."""

import dagster as dg
from pydantic import Field

from legosigns_dagster.assets.metadata import SOURCE_STATE, dataset_metadata, difference_metadata, versioned
from legosigns_dagster.assets.settings import plain_settings
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.difference import difference
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.ingestion.incremental import PreviousVersion, extract_dataset
from legosigns_dagster.core.ingestion.settings import DatasetSettings, Recipe
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet
from legosigns_dagster.core.synthesis.generate import make_synthetic_set
from legosigns_dagster.core.synthesis.settings import SynthesisSettings
from legosigns_dagster.kubernetes.pod_specs import RENDER_POD, SMALL_POD
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.scratch import Scratch
from legosigns_dagster.resources.storage.store import Store


class DatasetConfig(dg.Config, DatasetSettings):
    """How annotations are read and images split, as a form in Dagster's Launchpad."""

    reconcile_sink: bool = Field(
        False,
        description="Ask Label Studio which annotations there are: deleted ones that are still in the sink are left "
        "out, and those that the sink does not have yet are listed in the quarantine.",
    )


class SynthesisConfig(dg.Config, SynthesisSettings):
    """The synthesis' settings, as a form in Dagster's Launchpad."""


def version_before(store: Store, scratch: Scratch) -> PreviousVersion | None:
    """The current version of raw_annotations, whoever made it; None on an empty store."""
    snapshots = store.snapshots()
    try:
        snapshot = snapshots.find("raw_annotations")
    except FileNotFoundError:
        return None
    snapshots.load(snapshot, into := scratch.folder("before"))
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
    """The annotated images: every annotation is used, or stands in the quarantine with its reason and its task."""
    before = version_before(store, scratch)
    source = inputs.annotations(base_weights.classes, context.log, config.reconcile_sink)
    extraction = source.extract(scratch.folder("annotations"), before)
    recipe = Recipe(base_weights.classes, plain_settings(config, DatasetSettings), inputs.label_studio_url)
    into = scratch.folder("raw_annotations")
    dataset = extract_dataset(extraction, before, inputs.image_fetcher(), recipe, into, context.log)
    if len(dataset.quarantine):
        context.log.warning(f"{len(dataset.quarantine)} rejected, see the quarantine in this asset's metadata")
    shown = {"tasks": len(extraction.tasks), SOURCE_STATE: extraction.state, **dataset_metadata(dataset)}
    if before:
        changes = difference(before.dataset, dataset, [task.id for task in extraction.tasks])
        context.log.info(f"since the version before: {changes.text()}")
        shown |= difference_metadata(changes)
    return versioned(dataset, shown)


@dg.asset(group_name="dataset", kinds={"opencv", "numpy"}, op_tags=RENDER_POD)
def synthetic_set(
    context: dg.AssetExecutionContext,
    config: SynthesisConfig,
    scratch: Scratch,
    sign_cutouts: CutoutSet,
    backgrounds: Backgrounds,
    raw_annotations: Dataset,
) -> dg.Output[Dataset]:
    """Sign cut-outs pasted into scenes, in the sizes of the real boxes; every box is measured on its pixels."""
    into = scratch.folder("synthetic_set")
    settings = plain_settings(config, SynthesisSettings)
    dataset = make_synthetic_set(settings, sign_cutouts, backgrounds, raw_annotations, into, context.log)
    return versioned(dataset, dataset_metadata(dataset))
