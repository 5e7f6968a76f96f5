"""Whether a model that is served answers as a release did when it was made."""

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.decode import decode
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.inference.prepare import Engine, Placement, Tensor
from legosigns_dagster.core.release.parity import MARGIN, compare_detections, compare_outputs

# OpenVINO in bfloat16 was off by 0.021 on 60 images.
MOST_SCORE_CHANGE = 0.03


@dataclass(frozen=True)
class GoldenAnswers:
    """What a release was asked when it was made, and what it answered.

    Attributes:
        number: The release's number.
        contract: Its model's contract.
        requests: The input tensor of each image.
        outputs: The answer to each, of shape `contract.output_shape`.
    """

    number: int
    contract: ModelContract
    requests: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


@dataclass(frozen=True)
class Replay:
    """How a server answered what a release was asked.

    Attributes:
        number: The release's number.
        is_kept: Whether the answers are the release's.
        score: The largest difference of a score, 0 to 1.
        sentence: How far they are off, with the worst image.
        median_s: Median time of an answer in seconds.
        slowest_s: The longest one.
    """

    number: int
    is_kept: bool
    score: float
    sentence: str
    median_s: float
    slowest_s: float


def replay(golden: GoldenAnswers, ask: Engine, server: str) -> Replay:
    """Ask a server what a release was asked.

    The numbers must be the same, or the detections with nearly the same scores: an engine may compute in fewer bits.

    Args:
        golden: The release's requests and answers, at least one.
        ask: Gives the server's output for an input.
        server: Its name, for the sentence.

    Raises:
        ValueError: An answer has another shape, or numbers that are not finite.
    """
    outputs, times = {}, []
    for image, tensor in golden.requests.items():
        began = time.perf_counter()
        outputs[image] = ask(tensor)
        times.append(time.perf_counter() - began)
    numbers = compare_outputs(golden.outputs, outputs)
    is_kept, sentence = numbers.is_kept, numbers.sentence(server)
    if not is_kept:
        expected, found = (detections(some, golden.contract) for some in (golden.outputs, outputs))
        same = compare_detections(expected, found, golden.contract.thresholds)
        is_kept = same.is_kept and numbers.score <= MOST_SCORE_CHANGE
        sentence = f"{sentence}, or scores by {MOST_SCORE_CHANGE} with the same detections; {same.sentence(server)}"
    return Replay(golden.number, is_kept, numbers.score, sentence, statistics.median(times), max(times))


def detections(outputs: Mapping[str, Tensor], contract: ModelContract) -> dict[str, list[Detection]]:
    """Decode outputs, in pixels of the input, down to a margin below the thresholds."""
    square = Placement(1.0, 0, 0, (contract.image_size, contract.image_size))
    near = [max(threshold - MARGIN, 0.0) for threshold in contract.thresholds]
    return {image: decode(output, contract, square, near) for image, output in outputs.items()}
