"""Making the next version of a dataset from what changed since the previous one."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from legosigns_dagster.core.dataset.dataset import Dataset
from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.files import ABOUT, link_or_copy
from legosigns_dagster.core.ingestion.fetched_images import Fetch, FetchedImage
from legosigns_dagster.core.ingestion.image_urls import STORED, is_inline, shown_url, stored_url
from legosigns_dagster.core.ingestion.ingest import ingest
from legosigns_dagster.core.ingestion.label_studio import Task, read_task
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.core.progress import Log
from legosigns_dagster.core.redaction import HIDDEN

STATE_FILE = f"{ABOUT}/extraction.jsonl"
# The image may be there at the next try, though nothing changed in Label Studio.
RETRIED_REASONS = ("missing_image", "ambiguous_image", "unreadable_image")
WHOLE_URL = re.compile(r"\s*([A-Za-z][\w+.-]*:/)?/|[^\s?]+\?[^\s=]+=")
LINK = re.compile(r"[A-Za-z][\w+.-]*://[^\s'\"<>]+")
SECRET_KEY = re.compile(r"token|secret|passw|signature|credential|api_?key|authorization", re.IGNORECASE)


@dataclass(frozen=True)
class Extraction:
    """What a source of annotations has now.

    Attributes:
        tasks: All its tasks.
        unreadable: A row of the quarantine for each document that is no task.
        state: A text that changes whenever anything in the source does. Empty where a source cannot tell.
        unchanged: Ids of the tasks that did not change since the previous version. Empty where a source cannot tell.
    """

    tasks: Sequence[Task]
    unreadable: Sequence[QuarantineRow] = ()
    state: str = ""
    unchanged: frozenset[str] = frozenset()


@dataclass(frozen=True)
class PreviousVersion:
    """The previous version of a dataset, with what it was made from.

    Attributes:
        dataset: The dataset.
        tasks: All tasks that its source had. No task where the source cannot tell its state.
        state: The state of its source, empty likewise.
        recipe_digest: The digest of its recipe, empty likewise.
        is_complete: Whether these are all its tasks. One whose image must be fetched again is left out where its URL
            was not stored as a whole.
    """

    dataset: Dataset
    tasks: tuple[Task, ...]
    state: str
    recipe_digest: str
    is_complete: bool = True

    @classmethod
    def load(cls, folder: Path) -> "PreviousVersion":
        """Read the version in this folder."""
        tasks, header = [], {"state": "", "made_with": ""}
        if (folder / STATE_FILE).is_file():
            with (folder / STATE_FILE).open(encoding="utf-8") as lines:
                header = json.loads(next(lines))
                tasks = [read_task(json.loads(line)) for line in lines]
        dataset = Dataset.load(folder)
        rows = dataset.quarantine
        again = set(rows["task"][rows["reason"].isin(RETRIED_REASONS)])
        done = set(dataset.sources["task"]) - again
        kept = tuple(task for task in tasks if task.id in done or not is_shortened(task.data))
        return cls(dataset, kept, header["state"], header["made_with"], len(kept) == len(tasks))

    def is_current(self, extraction: Extraction, recipe_digest: str) -> bool:
        """Tell whether the next dataset would be this one: nothing changed, and no image was missing."""
        same = (self.state, self.recipe_digest) == (extraction.state, recipe_digest)
        return bool(extraction.state) and same and not self.dataset.quarantine["reason"].isin(RETRIED_REASONS).any()


def extract_dataset(
    extraction: Extraction, previous: PreviousVersion | None, fetch: Fetch, recipe: Recipe, into: Path, log: Log
) -> Dataset:
    """Make the dataset of an extraction in folder `into`.

    It is the same with and without a previous version, but sooner made with one: images of unchanged tasks are linked,
    and where nothing changed at all, all files are. Images that were missing are fetched again.

    Raises:
        ValueError: As `ingest`.
    """
    recipe_digest = recipe.digest()
    if previous and previous.is_current(extraction, recipe_digest):
        count = len(previous.dataset.images)
        log.info(f"nothing changed in Label Studio: the {count} images of the previous version are used")
        write_state(extraction, recipe_digest, into)
        return link_files(previous.dataset, list(previous.dataset.images["file"]), into)
    known = reuse_images(previous, extraction, into) if previous else {}
    if known:
        count = sum(map(len, known.values()))
        log.info(f"{count} images are unchanged and not fetched again")
    dataset = ingest(extraction.tasks, extraction.unreadable, fetch, recipe, into, log, known)
    write_state(extraction, recipe_digest, into)
    return dataset


def link_files(dataset: Dataset, files: Sequence[str], into: Path) -> Dataset:
    """Link some of a dataset's files into another folder and return the dataset in that folder."""
    (into / "images").mkdir(exist_ok=True)
    for file in files:
        link_or_copy(dataset.folder / file, into / file)
    return replace(dataset, folder=into)


def reuse_images(previous: PreviousVersion, extraction: Extraction, into: Path) -> Mapping[str, Sequence[FetchedImage]]:
    """Link the images of unchanged tasks into the new folder and return them by task id."""
    images = {row.file: (row.sha256, (int(row.width), int(row.height))) for row in previous.dataset.images.itertuples()}
    known: dict[str, list[FetchedImage]] = {}
    for row in previous.dataset.sources.itertuples():
        if row.task in extraction.unchanged:
            image = FetchedImage(
                row.url,
                row.file,
                *images[row.file],
                orientation=int(row.orientation),
                perceptual_hash=int(row.perceptual_hash, 16),
                captured_s=float(row.captured_s) if row.captured_s else None,
            )
            known.setdefault(row.task, []).append(image)
    link_files(previous.dataset, [image.file for of_task in known.values() for image in of_task], into)
    return known


def write_state(extraction: Extraction, recipe_digest: str, folder: Path) -> None:
    """Write into a dataset's folder what it was made from. A source that cannot tell its state leaves no file."""
    if not extraction.state:
        return
    (folder / ABOUT).mkdir(exist_ok=True)
    with (folder / STATE_FILE).open("w", encoding="utf-8") as lines:  # a task at a time: memory does not grow with them
        lines.write(json.dumps({"state": extraction.state, "made_with": recipe_digest}) + "\n")
        for task in extraction.tasks:
            annotations = [vars(annotation) for annotation in task.annotations]
            lines.write(json.dumps(redact_value(vars(task) | {"annotations": annotations})) + "\n")


def redact_value(value: Any, key: str = "") -> Any:
    """Copy a value of a task as it may be stored: without queries, passwords, images, and what a key calls a secret.

    Example:
        >>> redact_value({"image": "https://host/a.jpg?sig=5e88", "token": "x", "text": "see http://host/b?sig=5e88"})
        {'image': 'https://host/a.jpg?sha256=5a38f4c91d', 'token': '…', 'text': 'see http://host/b'}
    """
    if isinstance(value, dict):
        return {name: redact_value(inner, str(name)) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact_value(inner, key) for inner in value]
    if not isinstance(value, str):
        return value
    if is_inline(value) or WHOLE_URL.match(value):
        return stored_url(value)
    return HIDDEN if SECRET_KEY.search(key) else LINK.sub(lambda found: shown_url(found[0]), value)


def is_shortened(data: Any) -> bool:
    """Tell whether the URL of an image was not stored as a whole, so that nothing can be fetched from it."""
    if isinstance(data, dict | list):
        return any(map(is_shortened, data.values() if isinstance(data, dict) else data))
    return isinstance(data, str) and bool(STORED.search(data) or data.startswith("data://"))
