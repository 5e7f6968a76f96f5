"""The current release: a pointer that is moved by compare-and-set, and files at places that do not change.

The pointer decides. The mirrors follow it: whoever moves it copies them, looks at the pointer again, and repeats that
until it has stayed. Where that was killed in between, the next command of any kind repairs them.
"""

import json
from contextlib import suppress

from legosigns_dagster.core.release.layout import CURRENT, FACTS, MIRRORS, release_key
from legosigns_dagster.core.release.release import Release
from legosigns_dagster.resources.releases.listing import require_release, sizes_in_store
from legosigns_dagster.resources.storage.object_store import ChangedMeanwhileError, ObjectStore

ATTEMPTS = 50  # of moving the pointer; each one fails only since somebody else has moved it


def current_number(objects: ObjectStore) -> int | None:
    """Read the number of the current release; None before the first one.

    Raises:
        ValueError: the pointer cannot be read.
    """
    try:
        content = objects.read(CURRENT)
    except FileNotFoundError:
        return None
    return read_number(content, objects.address(CURRENT))


def read_number(content: bytes, source: str) -> int:
    """Read the number in a pointer. `source` is where it is from, for errors."""
    try:
        return int(json.loads(content)["number"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{source} is {content[:80]!r}, expected a JSON object with a number: delete it, and run `legosigns "
            "release rollback` with the number of the release that is to be the current one"
        ) from error


def current_release(objects: ObjectStore) -> Release | None:
    """Read the facts of the current release; None before the first one. Mirrors that were left behind are repaired."""
    number = current_number(objects)
    if number is None:
        return None
    repair_mirrors(objects)
    return require_release(objects, number)


def move_forward(objects: ObjectStore, number: int) -> bool:
    """Make a release the current one, unless a later one is it already.

    Returns:
        Whether it is the current one now.
    """
    return move_pointer(objects, number, only_forward=True)


def roll_back(objects: ObjectStore, number: int) -> Release:
    """Make a release the current one, whether it is earlier or later. No bytes of a model pass through this machine.

    Raises:
        ValueError: there is no such release, or files of it are gone or have another size.
    """
    release = require_release(objects, number)
    sizes = sizes_in_store(objects, number)
    where = objects.address(release_key(number))
    if damaged := [path for path, entry in release.files.items() if sizes.get(path) != entry.size]:
        raise ValueError(
            f"release {number} in {where} is damaged: {', '.join(damaged)} is gone or has "
            "another size than it was released with: roll back to another one"
        )
    move_pointer(objects, number, only_forward=False)
    repair_mirrors(objects)
    return release


def move_pointer(objects: ObjectStore, number: int, only_forward: bool) -> bool:
    """Move the pointer by compare-and-set, and tell whether it points to this release now."""
    content = json.dumps({"number": number, "facts": release_key(number, FACTS)}).encode()
    for _ in range(ATTEMPTS):
        with suppress(FileExistsError, ChangedMeanwhileError):
            try:
                before = objects.read(CURRENT)
            except FileNotFoundError:
                objects.create(CURRENT, content)
                return True
            now = read_number(before, objects.address(CURRENT))
            if now == number or (only_forward and now > number):
                return now == number
            objects.replace(CURRENT, content, expected=before)
            return True
    raise TimeoutError(f"{objects.address(CURRENT)} was changed by others {ATTEMPTS} times: try again later")


def repair_mirrors(objects: ObjectStore) -> list[str]:
    """Make the files at places that do not change those of the current release.

    Returns:
        The places that had other files.
    """
    repaired: list[str] = []
    while (number := current_number(objects)) is not None:
        wrong = [key for key, path in MIRRORS.items() if not objects.is_copy(release_key(number, path), key)]
        for key in wrong:
            objects.copy(release_key(number, MIRRORS[key]), key)
        repaired += wrong
        if current_number(objects) == number:
            break
    return repaired
