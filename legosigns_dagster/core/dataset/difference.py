"""The difference between two versions of a dataset: images by their content, boxes by where they are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from legosigns_dagster.core.dataset.dataset import Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.geometry import MATCH_IOU

ADDED: Final = "added"
REMOVED: Final = "removed"
CHANGED: Final = "changed"
CLASS_COLUMNS = ["class", "images_added", "images_removed", "boxes_added", "boxes_removed", "boxes_moved",
                 "relabelled_from", "relabelled_to"]  # fmt: skip
IMAGE_COLUMNS = ["change", "image", "boxes", "task", "link"]
DELETED_COLUMNS = ["task", "image", "link"]
NO_SIGN = "(no sign)"  # in place of a class, for images without a box


@dataclass(frozen=True)
class BoxChanges:
    """How the boxes of one image changed.

    Attributes:
        added: Boxes that are only in the new version.
        removed: Boxes that are only in the old version.
        moved: Pairs of old and new box of the same class, near each other.
        relabelled: Pairs of old and new box of different classes, near each other.
    """

    added: tuple[LabeledBox, ...]
    removed: tuple[LabeledBox, ...]
    moved: tuple[tuple[LabeledBox, LabeledBox], ...]
    relabelled: tuple[tuple[LabeledBox, LabeledBox], ...]

    def text(self, names: Sequence[str]) -> str:
        """Write the changes as `2 SpeedLimit added, DangerAhead relabelled SpeedLimit`; `names` are the classes."""
        changes = [f"{names[box.class_id]} added" for box in self.added]
        changes += [f"{names[box.class_id]} removed" for box in self.removed]
        changes += [f"{names[box.class_id]} moved" for box, _ in self.moved]
        changes += [f"{names[box.class_id]} relabelled {names[new.class_id]}" for box, new in self.relabelled]
        counted = [f"{count} {change}" if count > 1 else change for change, count in Counter(changes).items()]
        return ", ".join(counted) or "no sign"


@dataclass(frozen=True)
class ImageChange:
    """An image that is in one version only, or whose boxes changed.

    Attributes:
        before: The image in the old version, None if it was added.
        after: The image in the new version, None if it was removed.
        boxes: How its boxes changed. All count as added or removed with their image.
    """

    before: LabeledImage | None
    after: LabeledImage | None
    boxes: BoxChanges

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        """How the image itself changed."""
        if self.before is None:
            return ADDED
        return REMOVED if self.after is None else CHANGED


@dataclass(frozen=True)
class Difference:
    """All changes between two versions of a dataset.

    Attributes:
        before: The old version.
        after: The new version.
        changes: The images that changed, ordered by kind and file.
        deleted_tasks: The tasks that the source no longer has, columns `DELETED_COLUMNS`.
    """

    before: Dataset
    after: Dataset
    changes: tuple[ImageChange, ...]
    deleted_tasks: pd.DataFrame

    def text(self) -> str:
        """Write how many images and boxes changed, in one line."""
        total = self.by_class().iloc[0]
        relabelled = f"{total['relabelled_to']} relabelled"
        boxes = [f"{total[f'boxes_{what}']} {what}" for what in (ADDED, REMOVED, "moved")]
        images = [f"{total[f'images_{what}']} {what}" for what in (ADDED, REMOVED)]
        return f"images: {', '.join(images)}; boxes: {', '.join([*boxes, relabelled])}"

    def by_class(self) -> pd.DataFrame:
        """Count the changes: a row for all, one for each class, one for images without a sign.

        An image with signs of two classes counts for both. Columns: `CLASS_COLUMNS`.
        """
        names = self.after.classes.names
        rows = {name: dict.fromkeys(CLASS_COLUMNS[1:], 0) for name in ("all", *names, NO_SIGN)}
        for change in self.changes:
            image = change.after or change.before
            classes = {names[b.class_id] for b in image.boxes} if image else set()
            if change.kind != CHANGED:
                for name in ("all", *(classes or {NO_SIGN})):
                    rows[name][f"images_{change.kind}"] += 1
            counted = [("boxes_added", change.boxes.added), ("boxes_removed", change.boxes.removed)]
            counted += [("boxes_moved", tuple(new for _, new in change.boxes.moved))]
            counted += [("relabelled_from", tuple(old for old, _ in change.boxes.relabelled))]
            counted += [("relabelled_to", tuple(new for _, new in change.boxes.relabelled))]
            for column, boxes in counted:
                for box in boxes:
                    rows["all"][column] += 1
                    rows[names[box.class_id]][column] += 1
        return pd.DataFrame([[name, *counts.values()] for name, counts in rows.items()], columns=CLASS_COLUMNS)

    def by_image(self) -> pd.DataFrame:
        """List the changes: a row for each image, with its boxes' changes and its task. Columns: `IMAGE_COLUMNS`."""
        before, after = self.before.sources_by_file(), self.after.sources_by_file()
        rows = []
        for change in self.changes:
            image, sources = (change.after, after) if change.after else (change.before, before)
            file = image.file if image else ""
            source = sources.get(file, {"image": file, "task": "", "link": ""})
            words = change.boxes.text(self.after.classes.names)
            rows.append([change.kind, source["image"], words, source["task"], source["link"]])
        return pd.DataFrame(rows, columns=IMAGE_COLUMNS)


def box_changes(before: Iterable[LabeledBox], after: Iterable[LabeledBox]) -> BoxChanges:
    """Compare two sets of boxes of one image.

    Equal boxes did not change. Of the others, those with an IoU of at least `MATCH_IOU` are matched, nearest first:
    they were moved, or relabelled where the class differs. The rest was added or removed.
    """
    old, new = list(before), list(after)
    for box in list(old):
        if box in new:
            old.remove(box)
            new.remove(box)
    near = [(a.box.iou(b.box), i, j) for i, a in enumerate(old) for j, b in enumerate(new)]
    pairs: dict[int, int] = {}
    for iou, i, j in sorted(near, key=lambda pair: (-pair[0], pair[1:])):
        if iou >= MATCH_IOU and i not in pairs and j not in pairs.values():
            pairs[i] = j
    matched = [(old[i], new[j]) for i, j in sorted(pairs.items())]
    return BoxChanges(
        added=tuple(box for j, box in enumerate(new) if j not in pairs.values()),
        removed=tuple(box for i, box in enumerate(old) if i not in pairs),
        moved=tuple(pair for pair in matched if pair[0].class_id == pair[1].class_id),
        relabelled=tuple(pair for pair in matched if pair[0].class_id != pair[1].class_id),
    )


def image_changes(before: Dataset, after: Dataset) -> list[ImageChange]:
    """Find the images that are in one version only or whose boxes changed. Images are matched by their content."""
    old, new = box_signatures(before), box_signatures(after)
    changed = {sha256 for sha256, _ in old.items() ^ new.items()}
    olds, news = (
        {image.sha256: image for image in dataset.select(dataset.images["sha256"].isin(changed))}
        for dataset in (before, after)
    )
    changes = []
    for sha256 in changed:
        old_image, new_image = olds.get(sha256), news.get(sha256)
        boxes = box_changes(old_image.boxes if old_image else (), new_image.boxes if new_image else ())
        changes.append(ImageChange(old_image, new_image, boxes))
    return sorted(changes, key=lambda change: (change.kind, (change.after or change.before).file))  # type: ignore[union-attr]


def box_signatures(dataset: Dataset) -> dict[str, int]:
    """Sum the hashes of each image's boxes, by the image's SHA-256.

    Two images with the same boxes have the same sum, whatever the order of the boxes.
    """
    hashes = pd.util.hash_pandas_object(dataset.boxes.drop(columns=["file", "class_name"]), index=False)
    sums = hashes.groupby(dataset.boxes["file"].to_numpy()).sum().to_dict()
    files = zip(dataset.images["sha256"], dataset.images["file"], strict=True)
    return {sha256: sums.get(file, 0) for sha256, file in files}


def find_deleted_tasks(before: Dataset, tasks: Iterable[str]) -> pd.DataFrame:
    """List the tasks of the old version that are not among these ids, with the image of each."""
    known = pd.concat([before.sources[DELETED_COLUMNS], before.quarantine[DELETED_COLUMNS]])
    gone = known[(known["task"] != "") & ~known["task"].isin(list(tasks))]
    return gone.drop_duplicates("task").sort_values("task", key=lambda ids: ids.str.zfill(20)).reset_index(drop=True)


def difference(before: Dataset, after: Dataset, tasks: Iterable[str]) -> Difference:
    """Compare two versions of a dataset; `tasks` are the ids of all tasks that the source has now."""
    return Difference(before, after, tuple(image_changes(before, after)), find_deleted_tasks(before, tasks))
