"""Step 1, the sources: snapshots of what people gave us, so that a run can be repeated after somebody changed it."""

import shutil

import dagster as dg

from legosigns_dagster.assets.metadata import dataset_metadata, table, versioned
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.yolo_format import read_yolo, unpack
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds, read_backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet, read_cutouts
from legosigns_dagster.core.training.caveats import NO_CLASSICAL
from legosigns_dagster.kubernetes.pod_specs import SMALL_POD
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.scratch import Scratch


@dg.asset(group_name="sources", kinds={"pytorch"}, op_tags=SMALL_POD)
def base_weights(
    context: dg.AssetExecutionContext, inputs: Inputs, scratch: Scratch, detector: dg.ResourceParam[Detector]
) -> dg.Output[Weights]:
    """The detector to start from; its class names and ids are the contract that everything else keeps."""
    into = scratch.folder("base_weights")
    shutil.copyfile(inputs.fetch("base_weights", scratch.folder("incoming")), into / "best.pt")
    classes, image_size = detector.read(into / "best.pt")
    context.log.info(f"base weights: {', '.join(classes.names)}, trained at {image_size} px")
    metadata = {"classes": ", ".join(classes.names), "image_size": image_size}
    return versioned(Weights(into, classes, image_size), metadata)


@dg.asset(group_name="sources", kinds={"python"}, op_tags=SMALL_POD)
def classical_signs(
    context: dg.AssetExecutionContext, inputs: Inputs, scratch: Scratch, base_weights: Weights
) -> dg.Output[Dataset]:
    """The set that the base weights learned from: rehearsed in training, and the measure of what was forgotten.

    Empty where none is named.
    """
    if not inputs.classical_signs:
        context.log.warning(NO_CLASSICAL)
        none = Dataset.from_images(scratch.folder("classical_signs"), base_weights.classes, [])
        return versioned(none, {"images": 0, "warning": NO_CLASSICAL})
    folder = unpack(inputs.fetch("classical_signs", scratch.folder("incoming")), scratch.folder("unpacked"))
    into = scratch.folder("classical_signs")
    dataset = read_yolo(folder, base_weights.classes, into, "classical", context.log)
    return versioned(dataset, dataset_metadata(dataset))


@dg.asset(group_name="sources", kinds={"python"}, op_tags=SMALL_POD)
def sign_cutouts(
    context: dg.AssetExecutionContext, inputs: Inputs, scratch: Scratch, base_weights: Weights
) -> dg.Output[CutoutSet]:
    """Signs cut out with an alpha channel, with the box of each face measured on it."""
    folder = inputs.fetch("sign_cutouts", scratch.folder("incoming"))
    cutouts = read_cutouts(folder, base_weights.classes, scratch.folder("sign_cutouts"), context.log)
    metadata = {"cutouts": len(cutouts.faces), "faces": table(cutouts.faces), "warnings": table(cutouts.warnings)}
    return versioned(cutouts, metadata)


@dg.asset(group_name="sources", kinds={"python"}, op_tags=SMALL_POD)
def backgrounds(
    context: dg.AssetExecutionContext,
    inputs: Inputs,
    scratch: Scratch,
    detector: dg.ResourceParam[Detector],
    base_weights: Weights,
) -> dg.Output[Backgrounds]:
    """Scenes without a sign, from images and videos; those in which the base weights see one are left out."""
    folder = inputs.fetch("backgrounds", scratch.folder("incoming"))
    found = read_backgrounds(
        folder,
        lambda images: detector.sees_sign(base_weights, images),
        scratch.folder("backgrounds"),
        context.log,
    )
    metadata = {"images": len(found), "left_out": len(found.left_out), "left_out_images": table(found.left_out)}
    return versioned(found, metadata)
