"""Measuring a candidate: against what is served now, in the engines that serve, and on golden images."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.detector.detector import Detector
from legosigns_dagster.core.detector.evaluate_slices import evaluate_both
from legosigns_dagster.core.detector.weights import Weights
from legosigns_dagster.core.evaluation.comparison import compare
from legosigns_dagster.core.evaluation.slices import Slice
from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract
from legosigns_dagster.core.inference.prepare import Engine
from legosigns_dagster.core.release.candidate import Measured, ReleaseCandidate
from legosigns_dagster.core.release.contract_changes import contract_changes
from legosigns_dagster.core.release.engine_parity import Engines, compare_engines
from legosigns_dagster.core.release.golden import draw_fixed_image, golden_files, write_files

GOLDEN_IMAGES = 3  # of val or test, besides the drawn one
EXPORTED = "model.onnx"


@dataclass(frozen=True)
class Served:
    """What is served now, or before the first release the base weights.

    Attributes:
        number: The number of the release; 0 for the base weights.
        weights: What a candidate is compared with.
        contract: The contract of the release; None for the base weights.
        title: For people: `release 3`, or `base weights`.
    """

    number: int
    weights: Weights
    contract: ModelContract | None
    title: str


def require_contract(weights: Weights) -> ModelContract:
    """Get the contract of the exported model.

    Raises:
        ValueError: there is none, or it is no contract.
    """
    contract = weights.contract
    if contract is None or not (weights.folder / EXPORTED).is_file():
        raise ValueError(
            f"model_weights has no {EXPORTED} with a {FILE_NAME}, since an older version of this project made it: "
            "materialize model_weights again"
        )
    return contract


def measure_candidate(
    detector: Detector,
    engines: Engines,
    new: Weights,
    served: Served,
    images: Mapping[Slice, Dataset],
    parity_images: int,
    made_from: Mapping[str, str],
    into: Path,
) -> ReleaseCandidate:
    """Measure weights that may be released, and put together what a release needs.

    Args:
        detector: Evaluates the weights.
        engines: The exported model in all engines.
        new: The weights, with the exported model and its contract.
        served: What they are compared with.
        images: The images of each slice.
        parity_images: In how many images of each slice the engines are compared, at most.
        made_from: First digits of the digest of each version that the candidate is made from, by asset.
        into: An empty folder for the candidate.
    """
    contract = require_contract(new)
    told: dict[str, bool] = {}
    for one, dataset in images.items():
        some = dataset.select(dataset.images.index < parity_images)
        if len(some.images):
            found = compare_engines(engines, contract, some)
            told |= {f"{one.title}: {sentence}": is_kept for sentence, is_kept in found.items()}
    for name in (new.file.name, EXPORTED, FILE_NAME):
        shutil.copyfile(new.folder / name, into / name)
    golden = next(iter(engines.exact.values()))
    write_golden(images, contract, golden, into / "golden")
    measured = Measured(
        served.number,
        served.title,
        made_from,
        tuple(told),
        tuple(sentence for sentence, is_kept in told.items() if not is_kept),
        tuple(contract_changes(served.contract, contract) if served.contract else ()),
    )
    slices = evaluate_both(detector, served.weights, new, images)
    return ReleaseCandidate(into, compare(slices), measured)


def write_golden(images: Mapping[Slice, Dataset], contract: ModelContract, answer: Engine, into: Path) -> None:
    """Write the golden files of a drawn image and of the first images of the slices, taken in turn."""
    files = [[data.folder / str(name) for name in data.images["file"][:GOLDEN_IMAGES]] for data in images.values()]
    in_turn = [of_slice[i] for i in range(GOLDEN_IMAGES) for of_slice in reversed(files) if i < len(of_slice)]
    write_files(golden_files({"drawn": draw_fixed_image()}, contract, answer), into)
    for number, file in enumerate(in_turn[:GOLDEN_IMAGES], 1):
        with Image.open(file) as image:
            name = f"image-{number}"
            write_files(golden_files({name: image.convert("RGB")}, contract, answer), into)
        shutil.copyfile(file, into / name / f"image{file.suffix}")
