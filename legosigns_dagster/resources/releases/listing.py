"""Which releases there are."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.release.layout import CONTRACT, FACTS, RELEASES, number_in_key, release_key
from legosigns_dagster.core.release.release import Release
from legosigns_dagster.resources.storage.object_store import PARALLEL_TRANSFERS, ObjectStore


def release_numbers(objects: ObjectStore) -> list[int]:
    """List the numbers of all releases, the first one first. One that was begun and not completed is none."""
    found = (number_in_key(item.key, FACTS) for item in objects.list_objects(RELEASES))
    return sorted(number for number in found if number)


def list_releases(objects: ObjectStore) -> list[Release]:
    """Read the facts of all releases, the first one first."""
    with ThreadPoolExecutor(PARALLEL_TRANSFERS) as pool:
        return list(pool.map(lambda number: read_release(objects, number), release_numbers(objects)))


def read_release(objects: ObjectStore, number: int) -> Release:
    """Read the facts of a release.

    Raises:
        FileNotFoundError: there is no such release.
        ValueError: its facts cannot be read.
    """
    key = release_key(number, FACTS)
    return Release.from_json(objects.read(key), objects.address(key))


def require_release(objects: ObjectStore, number: int) -> Release:
    """Read the facts of a release that somebody asks for.

    Raises:
        ValueError: there is no such release. The message says which there are.
    """
    try:
        return read_release(objects, number)
    except FileNotFoundError:
        there = ", ".join(map(str, release_numbers(objects))) or "none yet: run `legosigns release`"
        raise ValueError(f"there is no release {number} in {objects.address('')}; there is {there}") from None


def sizes_in_store(objects: ObjectStore, number: int) -> Mapping[str, int]:
    """List the files of a release with their sizes in bytes, by their path below its folder."""
    prefix = release_key(number)
    return {item.key.removeprefix(prefix): item.size for item in objects.list_objects(prefix)}


def read_contract(objects: ObjectStore, number: int) -> ModelContract:
    """Read the contract of a release's model.

    Raises:
        FileNotFoundError: there is no such release.
        ValueError: it is no contract, or one of a newer version.
    """
    key = release_key(number, CONTRACT)
    return ModelContract.from_json(objects.read(key).decode(), objects.address(key))
