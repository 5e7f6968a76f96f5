"""Lineage: whether stored values belong together, by the digests of what a value was made from."""

import json
from collections.abc import Mapping
from pathlib import Path

from legosigns_dagster.core.files import ABOUT

MADE_FROM = f"{ABOUT}/made_from.json"  # equal content that was made from other versions is equal


def write_made_from(made_from: Mapping[str, str], folder: Path) -> None:
    """Write the digests of what a value was made from, by asset, into its folder; nothing where none is known."""
    if made_from:
        (folder / ABOUT).mkdir(exist_ok=True)
        (folder / MADE_FROM).write_text(json.dumps(dict(made_from), indent=1, sort_keys=True), encoding="utf-8")


def read_made_from(folder: Path) -> dict[str, str]:
    """Read what `write_made_from` wrote. Earlier versions of the package wrote nothing."""
    file = folder / MADE_FROM
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def require_lineage(made: str, made_from: Mapping[str, str], given: Mapping[str, str], again: str) -> list[str]:
    """Require that a value was made from the versions that are given beside it.

    Args:
        made: The value's asset.
        made_from: Digest of each version that the value was made from, by asset, as far as it was recorded.
        given: Digest of each version that it is used with, by asset.
        again: The assets to materialize where they do not belong together, as `--select` takes them.

    Returns:
        A caveat for each asset whose version was not recorded.

    Raises:
        ValueError: Names every asset of which another version is given.
    """
    other = [f"{name} {made_from[name]}, and {digest} is given" for name, digest in given.items()
             if made_from.get(name, digest) != digest]  # fmt: skip
    if other:
        raise ValueError(
            f"{made} does not belong to what it is used with: it was made from {'; from '.join(other)}. Materialize "
            f"{again.replace(',', ', ')} (--select '{again}')"
        )
    return [
        f"{made} does not say which {name} it was made from, since an older version of this project made it: whether "
        f"the two belong together is not known; materialize {made} again"
        for name in given
        if name not in made_from
    ]
