"""Whether the engines that serve answer as the weights did that were judged."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.evaluation.evaluate import LOWEST_CONFIDENCE
from legosigns_dagster.core.evaluation.matching import match_detections
from legosigns_dagster.core.evaluation.score import mean_average_precision
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.decode import decode
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.inference.prepare import Engine, prepare
from legosigns_dagster.core.release.parity import (
    MARGIN,
    OutputParity,
    compare_detections,
    compare_outputs,
    worst_output,
)

MOST_MAP_CHANGE = 0.005


@dataclass(frozen=True)
class Engines:
    """One model in all engines.

    Attributes:
        trained: The weights in the library that trained them, which were judged.
        exact: Engines that must give the same numbers, by name.
        fast: Engines that must give the same detections, by name.
    """

    trained: Engine
    exact: Mapping[str, Engine]
    fast: Mapping[str, Engine]


def compare_engines(engines: Engines, contract: ModelContract, dataset: Dataset) -> dict[str, bool]:
    """Ask all engines about all images of a dataset, one image at a time.

    Returns:
        For each comparison a sentence with its figures, and whether the engines agree as they must.
    """
    outputs: dict[str, list[OutputParity]] = {name: [] for name in engines.exact}
    trained: dict[str, list[Detection]] = {}
    found: dict[str, dict[str, list[Detection]]] = {name: {} for name in engines.fast}
    low = (LOWEST_CONFIDENCE,) * len(contract.classes.names)
    for file in map(str, dataset.images["file"]):
        with Image.open(dataset.folder / file) as image:
            tensor, placement = prepare(image, contract)
        expected = engines.trained(tensor)
        trained[file] = decode(expected, contract, placement, low)
        for name, engine in engines.exact.items():
            outputs[name].append(compare_outputs({file: expected}, {file: engine(tensor)}))
        for name, engine in engines.fast.items():
            found[name][file] = decode(engine(tensor), contract, placement, low)
    worst = {name: worst_output(parities) for name, parities in outputs.items()}
    told = {parity.sentence(name): parity.is_kept for name, parity in worst.items()}
    for name, detections in found.items():
        same = compare_detections(shown(trained, contract), shown(detections, contract), contract.thresholds)
        before, after = mean_ap(dataset, trained), mean_ap(dataset, detections)
        told[same.sentence(name)] = same.is_kept
        told[f"{name}: mAP50-95 {before:.3f} → {after:.3f}, at most {MOST_MAP_CHANGE} off"] = bool(
            np.isnan(before) or abs(after - before) <= MOST_MAP_CHANGE
        )
    return told


def shown(detections: Mapping[str, list[Detection]], contract: ModelContract) -> dict[str, list[Detection]]:
    """Leave out the detections that are not even near the threshold of their class."""
    near = [threshold - MARGIN for threshold in contract.thresholds]
    return {file: [one for one in found if one.confidence > near[one.class_id]] for file, found in detections.items()}


def mean_ap(dataset: Dataset, detections: Mapping[str, list[Detection]]) -> float:
    """Compute mAP50-95 of detections by image; NaN for a dataset without a box."""
    return mean_average_precision(match_detections(dataset, detections))[1]
