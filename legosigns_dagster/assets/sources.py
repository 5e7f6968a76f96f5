"""Step 1, the sources: snapshots of what people provide. A run can be repeated after somebody changed the original."""

import shutil

import dagster as dg

from legosigns_dagster import sample
from legosigns_dagster.assets.metadata import dataset_page, versioned
from legosigns_dagster.assets.page import Page, picture
from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.yolo_format import read_yolo
from legosigns_dagster.core.detector.detect_signs import detect_signs
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.images.stored_image import open_opaque
from legosigns_dagster.core.pictures.detection_pictures import ModelView, detections_picture
from legosigns_dagster.core.pictures.source_sheets import backgrounds_sheet, cutouts_sheet
from legosigns_dagster.core.redaction import without_userinfo
from legosigns_dagster.core.synthesis.backgrounds import Backgrounds, read_backgrounds
from legosigns_dagster.core.synthesis.cutouts import CutoutSet, read_cutouts
from legosigns_dagster.core.training.caveats import NO_CLASSICAL
from legosigns_dagster.kubernetes.pod_specs import SMALL_POD
from legosigns_dagster.resources.inputs import Inputs
from legosigns_dagster.resources.scratch import Scratch

# Shows at a glance whether weights know signs at all: a road with signs of both classes of the sample.
EXAMPLE = sample.FOLDER / "classical-signs" / "images" / "val" / "road-210.jpg"


def place_of(inputs: Inputs, source: str) -> dict[str, str]:
    """Name the variable of a source and where it was read from, as the settings of its asset."""
    return {source.upper(): without_userinfo(getattr(inputs, source))}


@dg.asset(group_name="sources", kinds={"pytorch"}, op_tags=SMALL_POD)
def base_weights(
    context: dg.AssetExecutionContext, inputs: Inputs, scratch: Scratch, detector: dg.ResourceParam[Detector]
) -> dg.Output[Weights]:
    """The weights to start from. Everything else keeps their class names and ids."""
    into = scratch.folder("base_weights")
    shutil.copyfile(inputs.fetch_file("base_weights", scratch.folder("incoming")), into / "best.pt")
    try:
        classes, image_size = detector.read(into / "best.pt")
    except ValueError as error:
        raise ValueError(f"BASE_WEIGHTS is {inputs.base_weights}: {error}") from error
    context.log.info(f"base weights: {', '.join(classes.names)}, trained at {image_size} px")
    weights = Weights(into, classes, image_size)
    facts = {"classes": ", ".join(classes.names), "image_size": image_size}
    page = Page(example_picture(detector, weights), facts, settings=place_of(inputs, "base_weights"))
    return versioned(weights, page.entries())


def example_picture(detector: Detector, weights: Weights) -> dg.MarkdownMetadataValue:
    """Draw what weights detect in an image of the sample, whatever they were trained on."""
    image = open_opaque(EXAMPLE)
    view = ModelView("on an image of the sample", weights.classes.names, detect_signs(detector, weights, image))
    return picture(detections_picture(image, [view]), "what the weights detect in an image of the sample")


@dg.asset(group_name="sources", kinds={"python"}, op_tags=SMALL_POD)
def classical_signs(
    context: dg.AssetExecutionContext, inputs: Inputs, scratch: Scratch, base_weights: Weights
) -> dg.Output[Dataset]:
    """The dataset that the base weights were trained on: replayed in training, and used to measure forgetting.

    Empty where none is configured.
    """
    if not inputs.classical_signs:
        context.log.warning(NO_CLASSICAL)
        empty = Dataset.from_images(scratch.folder("classical_signs"), base_weights.classes, [])
        return versioned(empty, Page(facts={"images": 0, "warning": NO_CLASSICAL}).entries())
    folder = inputs.fetch_folder("classical_signs", scratch.folder("incoming"))
    into = scratch.folder("classical_signs")
    dataset = read_yolo(folder, base_weights.classes, into, "classical", context.log)
    return versioned(dataset, dataset_page(dataset, place_of(inputs, "classical_signs")).entries())


@dg.asset(group_name="sources", kinds={"python"}, op_tags=SMALL_POD)
def sign_cutouts(
    context: dg.AssetExecutionContext, inputs: Inputs, scratch: Scratch, base_weights: Weights
) -> dg.Output[CutoutSet]:
    """Images of signs with an alpha channel, each with the box of its face."""
    folder = inputs.fetch_folder("sign_cutouts", scratch.folder("incoming"))
    cutouts = read_cutouts(folder, base_weights.classes, scratch.folder("sign_cutouts"), context.log)
    page = Page(
        picture(cutouts_sheet(cutouts, 24, 960), "cut-outs with their faces"),
        {"cutouts": len(cutouts.faces), "warned": len(cutouts.warnings)},
        {"faces": cutouts.face_sizes(), "warnings": cutouts.warnings},
        place_of(inputs, "sign_cutouts"),
    )
    return versioned(cutouts, page.entries())


@dg.asset(group_name="sources", kinds={"python"}, op_tags=SMALL_POD)
def backgrounds(
    context: dg.AssetExecutionContext,
    inputs: Inputs,
    scratch: Scratch,
    detector: dg.ResourceParam[Detector],
    base_weights: Weights,
) -> dg.Output[Backgrounds]:
    """Scenes without a sign, from images and videos. Those in which the base weights detect a sign are left out."""
    folder = inputs.fetch_folder("backgrounds", scratch.folder("incoming"))
    usable = read_backgrounds(
        folder,
        lambda images: detector.sees_sign(base_weights, images),
        scratch.folder("backgrounds"),
        context.log,
    )
    page = Page(
        picture(backgrounds_sheet(usable, 12, 960), "backgrounds"),
        {"images": len(usable), "left_out": len(usable.left_out)},
        {"left_out_images": usable.left_out},
        place_of(inputs, "backgrounds"),
    )
    return versioned(usable, page.entries())
