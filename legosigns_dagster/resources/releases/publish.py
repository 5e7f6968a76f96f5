"""Publishing a release: every step may be the last one before a kill, and the same run's next attempt completes it.

1. The number is claimed: of several runs at once, each gets another one.
2. The files are stored, read back, and compared by their SHA-256.
3. `release.json` is written. From now on there is a release, and nothing in its folder changes any more.
4. The pointer to the current release is moved, if nobody has moved it further; then the mirrors.
"""

import json
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from legosigns_dagster.core.files import FileEntry, FolderIndex, file_sha256, index_folder, link_or_copy
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.release.layout import (
    CLAIM,
    CONTRACT,
    FACTS,
    MODEL,
    RELEASES,
    WEIGHTS,
    number_in_key,
    release_key,
)
from legosigns_dagster.core.release.release import Origin, Release
from legosigns_dagster.core.release.servers import ServingSettings, server_files
from legosigns_dagster.resources.releases.current import move_forward, repair_mirrors
from legosigns_dagster.resources.releases.listing import read_release
from legosigns_dagster.resources.storage.object_store import PARALLEL_TRANSFERS, ObjectStore


@dataclass(frozen=True)
class ReleaseDraft:
    """What is to be released.

    Attributes:
        model: The ONNX file.
        weights: The PyTorch checkpoint that it was exported from.
        contract: The model's contract.
        golden: A folder with golden requests and answers.
        origin: Where it comes from, and why it was let through.
        serving: How it is served in a cluster.
    """

    model: Path
    weights: Path
    contract: ModelContract
    golden: Path
    origin: Origin
    serving: ServingSettings = field(default_factory=ServingSettings)

    def write(self, number: int, store: str, into: Path) -> None:
        """Write all files of the release, but its facts, into an empty folder.

        Args:
            number: The release's number.
            store: The address of the store, which ends with a slash.
            into: The folder.
        """
        files = {MODEL: self.model, WEIGHTS: self.weights}
        golden = {f"golden/{path}": self.golden / path for path in index_folder(self.golden)}
        for path, file in (files | golden).items():
            link_or_copy(file, into / path)
        texts = server_files(number, self.contract, store, self.serving) | {CONTRACT: self.contract.to_json()}
        for path, text in texts.items():
            (into / path).write_text(text, encoding="utf-8")


def publish_release(objects: ObjectStore, draft: ReleaseDraft, log: Log) -> Release:
    """Publish a release and make it the current one. Called again by the same run, it completes what was begun.

    Raises:
        OSError: a file came back with other bytes, or the store ignores the conditions of writes.
    """
    objects.require_conditional_writes()
    number = claim_number(objects, draft.origin.run_id)
    try:
        release = read_release(objects, number)
    except FileNotFoundError:
        release = store_release(objects, draft, number)
    if not move_forward(objects, number):
        log.warning(f"release {number} is published; a later one is the current one, and stays it")
    repair_mirrors(objects)
    return release


def claim_number(objects: ObjectStore, run_id: str) -> int:
    """Claim the next number for a run, or find the one that it has claimed before."""
    keys = [item.key for item in objects.list_objects(RELEASES)]
    numbers = sorted((n for n in (number_in_key(key, CLAIM) for key in keys) if n), reverse=True)
    claim = json.dumps({"run_id": run_id}).encode()
    for number in numbers:
        if objects.read(release_key(number, CLAIM)) == claim:
            return number
    number = max(numbers, default=0) + 1
    while True:
        with suppress(FileExistsError):
            objects.create(release_key(number, CLAIM), claim)
            return number
        if objects.read(release_key(number, CLAIM)) == claim:  # another attempt of the same run was faster
            return number
        number += 1


def store_release(objects: ObjectStore, draft: ReleaseDraft, number: int) -> Release:
    """Store the files of a release, check them, and write its facts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = f"{objects.address('').rstrip('/')}/"
        draft.write(number, store, folder)
        index = index_folder(folder)
        with ThreadPoolExecutor(PARALLEL_TRANSFERS) as pool:
            list(pool.map(lambda path: objects.upload(folder / path, release_key(number, path)), index))
    require_intact(objects, number, index)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    release = Release(number, now, index, draft.origin)
    try:
        objects.create(release_key(number, FACTS), release.to_json().encode())
    except FileExistsError:  # another attempt of the same run was faster
        return read_release(objects, number)
    return release


def require_intact(objects: ObjectStore, number: int, index: FolderIndex) -> None:
    """Read all files of a release back, and compare their SHA-256.

    Raises:
        OSError: some have other bytes, or are gone. The message names them.
    """
    with tempfile.TemporaryDirectory() as name:
        entries = {path: (entry, Path(name) / path) for path, entry in index.items()}

        def fault(path: str) -> str:
            entry, copy = entries[path]
            try:
                objects.download(release_key(number, path), copy, entry.size)
            except FileNotFoundError:
                return f"{path} is gone"
            found = FileEntry(file_sha256(copy), copy.stat().st_size)
            copy.unlink()
            return "" if found == entry else f"{path} has the SHA-256 {found.sha256}, expected {entry.sha256}"

        with ThreadPoolExecutor(PARALLEL_TRANSFERS) as pool:
            faults = [text for text in pool.map(fault, entries) if text]
    if faults:
        raise OSError(
            f"{objects.address(release_key(number))} is damaged: {'; '.join(faults)}: publish it again under a new "
            "number, and look for what writes there besides this program"
        )
