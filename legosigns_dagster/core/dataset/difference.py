"""What one version of a dataset has that another has not: images by their content, boxes by where they are."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from legosigns_dagster.core.dataset.dataset import Dataset, LabeledBox, LabeledImage
from legosigns_dagster.core.geometry import MATCH_IOU

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
CLASS_COLUMNS = ["class", "images_added", "images_removed", "boxes_added", "boxes_removed", "boxes_moved",
                 "relabelled_from", "relabelled_to"]  # fmt: skip
IMAGE_COLUMNS = ["change", "image", "boxes", "task", "link"]
DELETED_COLUMNS = ["task", "image", "link"]
NO_SIGN = "(no sign)"


@dataclass(frozen=True)
class BoxChanges:
    """What happened to the boxes of an image; the pairs are before and after."""

    added: tuple[LabeledBox, ...]
    removed: tuple[LabeledBox, ...]
    moved: tuple[tuple[LabeledBox, LabeledBox], ...]
    relabelled: tuple[tuple[LabeledBox, LabeledBox], ...]

    def text(self, names: Sequence[str]) -> str:
        """What happened, in words: `2 SpeedLimit added, DangerAhead relabelled SpeedLimit`."""
        said = [f"{names[box.class_id]} added" for box in self.added]
        said += [f"{names[box.class_id]} removed" for box in self.removed]
        said += [f"{names[box.class_id]} moved" for box, _ in self.moved]
        said += [f"{names[box.class_id]} relabelled {names[new.class_id]}" for box, new in self.relabelled]
        counted = [f"{count} {words}" if count > 1 else words for words, count in Counter(said).items()]
        return ", ".join(counted) or "no sign"


@dataclass(frozen=True)
class ImageChange:
    """An image that is in one version only (the other is None), or that has other boxes than before."""

    before: LabeledImage | None
    after: LabeledImage | None
    boxes: BoxChanges

    @property
    def kind(self) -> str:
        """`added`, `removed` or `changed`."""
        if self.before is None:
            return ADDED
        return REMOVED if self.after is None else CHANGED


@dataclass(frozen=True)
class Difference:
    """All changes between two versions of a dataset, in the order of kind and file."""

    before: Dataset
    after: Dataset
    changes: tuple[ImageChange, ...]
    deleted_tasks: pd.DataFrame

    def text(self) -> str:
        """The difference in one line."""
        total = self.by_class().iloc[0]
        relabelled = f"{total['relabelled_to']} relabelled"
        boxes = [f"{total[f'boxes_{what}']} {what}" for what in (ADDED, REMOVED, "moved")]
        images = [f"{total[f'images_{what}']} {what}" for what in (ADDED, REMOVED)]
        return f"images: {', '.join(images)}; boxes: {', '.join([*boxes, relabelled])}"

    def by_class(self) -> pd.DataFrame:
        """Counts: a row for all, one for each class (an image counts for each that is on it), one for no sign."""
        names = self.after.classes.names
        rows = {name: dict.fromkeys(CLASS_COLUMNS[1:], 0) for name in ("all", *names, NO_SIGN)}
        for change in self.changes:
            image = change.after or change.before
            on_it = {names[b.class_id] for b in image.boxes} if image else set()
            if change.kind != CHANGED:
                for name in ("all", *(on_it or {NO_SIGN})):
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
        """A row for each change, with the image's name, what happened to its boxes, its task and the way there."""
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
    """What happened between two sets of boxes: equal ones are kept, near ones (IoU of 0.5) were moved or relabelled."""
    old, new = list(before), list(after)
    for box in list(old):
        if box in new:
            old.remove(box)
            new.remove(box)
    near = [(one.box.iou(other.box), i, j) for i, one in enumerate(old) for j, other in enumerate(new)]
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
    """The images that are in one dataset only or have other boxes in the other, matched by their content."""
    old, new = signatures(before), signatures(after)
    changed = {sha256 for sha256, _ in old.items() ^ new.items()}
    olds, news = (
        {image.sha256: image for image in dataset.select(dataset.images["sha256"].isin(changed))}
        for dataset in (before, after)
    )
    changes = []
    for sha256 in changed:
        one, other = olds.get(sha256), news.get(sha256)
        boxes = box_changes(one.boxes if one else (), other.boxes if other else ())
        changes.append(ImageChange(one, other, boxes))
    return sorted(changes, key=lambda change: (change.kind, (change.after or change.before).file))  # type: ignore[union-attr]


def signatures(dataset: Dataset) -> dict[str, int]:
    """For each image's content the sum of its boxes' hashes: the same for the same boxes in whatever order."""
    hashes = pd.util.hash_pandas_object(dataset.boxes.drop(columns=["file", "class_name"]), index=False)
    sums = hashes.groupby(dataset.boxes["file"].to_numpy()).sum().to_dict()
    files = zip(dataset.images["sha256"], dataset.images["file"], strict=True)
    return {sha256: sums.get(file, 0) for sha256, file in files}


def deleted_tasks(before: Dataset, tasks: Iterable[str]) -> pd.DataFrame:
    """The tasks of the version before that are no more among these, with the image each was about."""
    known = pd.concat([before.sources[DELETED_COLUMNS], before.quarantine[DELETED_COLUMNS]])
    gone = known[(known["task"] != "") & ~known["task"].isin(list(tasks))]
    return gone.drop_duplicates("task").sort_values("task", key=lambda ids: ids.str.zfill(20)).reset_index(drop=True)


def difference(before: Dataset, after: Dataset, tasks: Iterable[str]) -> Difference:
    """What changed from one version to the next; `tasks` are the ids of all tasks that the source has now."""
    return Difference(before, after, tuple(image_changes(before, after)), deleted_tasks(before, tasks))
