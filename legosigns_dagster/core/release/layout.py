"""The keys of releases in the store. Clients and clusters know them, so none of these may change."""

import re

MODEL_NAME = "traffic-signs"  # in the address at which a server answers
RELEASES = "releases/"  # <number>/: what was released
CURRENT = "releases/current.json"  # which release is the current one
CLAIM = "claim.json"  # which run a number belongs to; written first, by one run only
FACTS = "release.json"  # written last: without it the folder is no release
CONTRACT = "contract.json"
WEIGHTS = "best.pt"  # what the next release is compared with
REPOSITORY = "repository"  # what a server mounts; every folder in it is a model for Triton
MODEL = f"{REPOSITORY}/{MODEL_NAME}/1/model.onnx"
TRITON_CONFIG = f"{REPOSITORY}/{MODEL_NAME}/config.pbtxt"
OVMS_MANIFEST, TRITON_MANIFEST = "inferenceservice-ovms.yaml", "inferenceservice-triton.yaml"
MIRROR = "models/model.onnx"  # the current release's model, at a place that does not change
# Files of the current release that also stand at a place that does not change, by that place.
MIRRORS = {MIRROR: MODEL, f"{RELEASES}{OVMS_MANIFEST}": OVMS_MANIFEST, f"{RELEASES}{TRITON_MANIFEST}": TRITON_MANIFEST}


def release_key(number: int, name: str = "") -> str:
    """Make the key of a file of a release, or what the keys of all its files begin with.

    Example:
        >>> release_key(3, MODEL)
        'releases/3/repository/traffic-signs/1/model.onnx'
    """
    return f"{RELEASES}{number}/{name}"


def number_in_key(key: str, name: str) -> int | None:
    """Read the number of the release whose file of this name has the key; None for every other key.

    Example:
        >>> number_in_key("releases/12/claim.json", CLAIM)
        12
    """
    found = re.fullmatch(rf"{RELEASES}([1-9][0-9]*)/{re.escape(name)}", key)
    return int(found[1]) if found else None
