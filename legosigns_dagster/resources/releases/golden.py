"""The golden answers of a release, out of the store."""

import io
from pathlib import PurePosixPath

import numpy as np

from legosigns_dagster.core.release.layout import release_key
from legosigns_dagster.core.release.replay import GoldenAnswers
from legosigns_dagster.resources.releases.listing import read_contract
from legosigns_dagster.resources.storage.object_store import ObjectStore

REQUEST, OUTPUT = "request.bin", "output.npy"


def load_golden(objects: ObjectStore, number: int) -> GoldenAnswers:
    """Load what a release was asked when it was made, and what it answered.

    Raises:
        FileNotFoundError: There is no such release.
        ValueError: It has no golden answers, or they cannot be read.
    """
    contract = read_contract(objects, number)
    folder = release_key(number, "golden/")
    found = [PurePosixPath(item.key) for item in objects.list_objects(folder)]
    images = sorted(file.parent.name for file in found if file.name == REQUEST)
    if not images:
        raise ValueError(
            f"{objects.address(folder)} has no {REQUEST}: the release has no golden answers to compare with"
        )
    size = int(np.prod(contract.input_shape))
    requests, outputs = {}, {}
    for image in images:
        body = objects.read(f"{folder}{image}/{REQUEST}")
        requests[image] = np.frombuffer(body[-4 * size :], "<f4").astype(np.float32).reshape(contract.input_shape)
        outputs[image] = np.load(io.BytesIO(objects.read(f"{folder}{image}/{OUTPUT}")))
    return GoldenAnswers(number, contract, requests, outputs)
