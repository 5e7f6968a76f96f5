"""Only what changed: what a source says now, held against the version before."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.files import ABOUT, link_or_copy
from legosigns_dagster.core.ingestion.fetched_images import Fetch, FetchedImage
from legosigns_dagster.core.ingestion.ingest import ingest
from legosigns_dagster.core.ingestion.label_studio import Task, read_task
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.core.progress import Log

STATE_FILE = f"{ABOUT}/extraction.jsonl"
RETRIED_REASONS = ("missing_image", "unreadable_image")  # what may be mended without Label Studio noticing


@dataclass(frozen=True)
class Extraction:
    """What a source holds: all tasks, and rows for documents that are none.

    `state` changes whenever anything in the source does, and `unchanged` are the ids of the tasks that are as they were
    in the version before; empty where a source cannot tell.
    """

    tasks: Sequence[Task]
    unreadable: Sequence[QuarantineRow] = ()
    state: str = ""
    unchanged: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PreviousVersion:
    """The version before: its dataset, and what it was made from and with."""

    dataset: Dataset
    tasks: tuple[Task, ...]
    state: str
    recipe_digest: str

    @classmethod
    def load(cls, folder: Path) -> "PreviousVersion":
        """The version in this folder; without state and tasks where its source could not tell them."""
        tasks, header = [], {"state": "", "made_with": ""}
        if (folder / STATE_FILE).is_file():
            with (folder / STATE_FILE).open(encoding="utf-8") as lines:
                header = json.loads(next(lines))
                tasks = [read_task(json.loads(line)) for line in lines]
        return cls(Dataset.load(folder), tuple(tasks), header["state"], header["made_with"])

    def is_still(self, extraction: Extraction, recipe_digest: str) -> bool:
        """Whether a dataset made of this extraction would be this one: nothing changed, and no image was missing."""
        same = (self.state, self.recipe_digest) == (extraction.state, recipe_digest)
        return bool(extraction.state) and same and not self.dataset.quarantine["reason"].isin(RETRIED_REASONS).any()


def extract_dataset(
    extraction: Extraction, before: PreviousVersion | None, fetch: Fetch, recipe: Recipe, into: Path, log: Log
) -> Dataset:
    """The dataset of an extraction in folder `into`: the same as without a version before, and sooner.

    Images of unchanged tasks are linked from the version before; where nothing at all changed, the whole version is.
    An image that could not be had is tried again. Errors as `ingest`.
    """
    recipe_digest = recipe.digest()
    if before and before.is_still(extraction, recipe_digest):
        log.info(f"nothing changed in Label Studio: {len(before.dataset.images)} images taken from the version before")
        return link_files(before.dataset, [*before.dataset.images["file"], STATE_FILE], into)
    known = reuse_images(before, extraction, into) if before else {}
    if known:
        log.info(f"{len(known)} images are unchanged and not fetched again")
    dataset = ingest(extraction.tasks, extraction.unreadable, fetch, recipe, into, log, known)
    write_state(extraction, recipe_digest, into)
    return dataset


def link_files(dataset: Dataset, files: Sequence[str], into: Path) -> Dataset:
    """The dataset in another folder, with links to these of its files."""
    (into / "images").mkdir(exist_ok=True)
    for file in files:
        link_or_copy(dataset.folder / file, into / file)
    return replace(dataset, folder=into)


def reuse_images(before: PreviousVersion, extraction: Extraction, into: Path) -> Mapping[str, FetchedImage]:
    """Pictures by task for the unchanged tasks that had one, with their files linked into the new folder."""
    sizes = {row.file: (row.sha256, (int(row.width), int(row.height))) for row in before.dataset.images.itertuples()}
    known = {}
    for row in before.dataset.sources.itertuples():
        if row.task in extraction.unchanged:
            captured = float(row.captured_s) if row.captured_s else None
            looks = int(row.perceptual_hash, 16)
            known[row.task] = FetchedImage(row.url, row.file, *sizes[row.file], int(row.orientation), looks, captured)
    link_files(before.dataset, [picture.file for picture in known.values()], into)
    return known


def write_state(extraction: Extraction, recipe_digest: str, folder: Path) -> None:
    """Write what the version in this folder was made from; nothing where the source cannot tell its state."""
    if not extraction.state:
        return
    (folder / ABOUT).mkdir(exist_ok=True)
    with (folder / STATE_FILE).open("w", encoding="utf-8") as lines:  # a task at a time: memory does not grow with them
        lines.write(json.dumps({"state": extraction.state, "made_with": recipe_digest}) + "\n")
        for task in extraction.tasks:
            annotations = [vars(annotation) for annotation in task.annotations]
            lines.write(json.dumps(vars(task) | {"annotations": annotations}) + "\n")
