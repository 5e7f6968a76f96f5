"""Checks on a dataset. Each function returns the offenders as text; an empty list means that all is well."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset, Split
from legosigns_dagster.core.images.stored_image import open_upright

# Decided by the people who annotate, or second copies: no image is lost by these reasons.
INTENDED_REASONS = ("skipped", "unlabeled", "superseded", "same_image", "not_in_label_studio")
NO_SIGN_REASONS = "not_a_box:"  # how the reason of a region begins that has no class of a sign


def class_contract_breaks(dataset: Dataset) -> list[str]:
    """Find boxes whose class id and class name do not belong together."""
    expected = dataset.boxes["class_id"].map(dataset.classes.by_id())
    wrong = dataset.boxes[expected != dataset.boxes["class_name"]]
    return [f"{row.file}: {row.class_name} has id {row.class_id}" for row in wrong.itertuples()]


def absent_classes(dataset: Dataset, splits: tuple[Split, ...] = (TRAIN, VAL)) -> list[str]:
    """Find classes without a box in one of these splits, as `val has no DangerAhead`."""
    split = dataset.boxes["file"].map(dataset.images.set_index("file")["split"])
    present = set(zip(split, dataset.boxes["class_name"], strict=True))
    return [f"{s} has no {name}" for s in splits for name in dataset.classes.names if (s, name) not in present]


def groups_across_splits(dataset: Dataset) -> list[str]:
    """Find groups with images in more than one split."""
    splits: pd.Series = dataset.images.groupby("group")["split"].unique()
    return [f"group {group} is in {', '.join(names)}" for group, names in splits.items() if len(names) > 1]


def unreadable_images(dataset: Dataset) -> list[str]:
    """Find images that cannot be decoded, or whose size is not the one in the manifest."""
    offenders = []
    for row in dataset.images.itertuples():
        try:
            with open_upright(dataset.folder / str(row.file)) as image:
                if image.size != (row.width, row.height):
                    offenders.append(f"{row.file} is {image.size}, the manifest says {(row.width, row.height)}")
        except (OSError, ValueError) as error:
            offenders.append(f"{row.file}: {error}")
    return offenders


def boxes_outside(dataset: Dataset) -> list[str]:
    """Find boxes that reach beyond their image or have no area."""
    table = dataset.boxes.merge(dataset.images[["file", "width", "height"]], on="file")
    inside = (table["left"] >= 0) & (table["top"] >= 0)
    inside &= (table["right"] <= table["width"]) & (table["bottom"] <= table["height"])
    inside &= (table["right"] > table["left"]) & (table["bottom"] > table["top"])
    return [f"{r.file}: {r.left}, {r.top}, {r.right}, {r.bottom}" for r in table[~inside].itertuples()]


def row_name(row: Any) -> str:
    """Name what a row of the quarantine is about: its image and its task or, where it has neither, its file."""
    return f"{row.image}{f' task {row.task}' if row.task else ''}".strip() or str(row.annotation)


@dataclass(frozen=True)
class QuarantineLosses:
    """The images and the boxes that are missing in a dataset because they are in the quarantine.

    Attributes:
        rows: One row of the quarantine for each lost image, also for a copy whose boxes differ from those in use.
        images: How many images there would be without the quarantine.
        regions: One row for each region that was left out of an image in use.
        boxes: How many boxes there would be on the images in use without the quarantine.
    """

    rows: pd.DataFrame
    images: int
    regions: pd.DataFrame
    boxes: int

    @property
    def share(self) -> float:
        """The share of the images that is lost, 0 to 1."""
        return len(self.rows) / self.images if self.images else 0.0

    @property
    def box_share(self) -> float:
        """The share of the boxes on images in use that is lost, 0 to 1."""
        return len(self.regions) / self.boxes if self.boxes else 0.0

    def text(self, allowed: float) -> str:
        """Write how many are lost, what share is `allowed` (0 to 1), the most frequent reasons and what to do."""
        both = pd.concat([self.rows, self.regions])
        worst = [
            f"{len(rows)} {reason} ({', '.join(map(row_name, rows[:3].itertuples()))})"
            for reason, rows in sorted(both.groupby("reason"), key=lambda item: -len(item[1]))[:4]
        ]
        shares = f"{self.share:.1%}, allowed {allowed:.1%}"
        todo = "correct them in Label Studio, or raise max_quarantined"
        lost = f"{len(self.rows)} of {self.images} images are in the quarantine ({shares})"
        if len(self.regions):
            lost += f", and {len(self.regions)} of {self.boxes} boxes of the other images ({self.box_share:.1%})"
        return f"{lost}: {'; '.join(worst)}: {todo}" if worst else lost


def find_losses(dataset: Dataset) -> QuarantineLosses:
    """Find the images and the boxes that could not be used.

    Images that people skipped or have not annotated yet do not count, nor do second copies with the same boxes, nor
    regions that are no signs.
    """
    rows = dataset.quarantine[~dataset.quarantine["reason"].isin(INTENDED_REASONS)]
    sources = dataset.sources
    used = set(zip(sources["task"], sources["link"], sources["image"], strict=True))
    used |= {(task, link, "") for task, link, _ in used}
    keys = zip(rows["task"], rows["link"], rows["image"], strict=True)
    lost = pd.Series([key not in used for key in keys], rows.index, dtype=bool)
    images = rows[lost].drop_duplicates(["task", "link", "image", "annotation"]).reset_index(drop=True)
    is_sign = ~rows["reason"].str.startswith(NO_SIGN_REASONS) & (rows["image"] != "")
    regions = rows[~lost & is_sign].reset_index(drop=True)
    return QuarantineLosses(images, len(dataset.images) + len(images), regions, len(dataset.boxes) + len(regions))
