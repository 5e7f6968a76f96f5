"""What can be wrong with a dataset. Each finder returns the offenders; an empty answer is a good one."""

from dataclasses import dataclass

import pandas as pd

from legosigns_dagster.core.dataset.dataset import TRAIN, VAL, Dataset
from legosigns_dagster.core.images import open_upright

# Decisions of the people who annotate, and second copies: no image is lost by them.
INTENDED_REASONS = ("skipped", "unlabeled", "superseded", "same_image", "not_in_label_studio")


def class_contract_breaks(dataset: Dataset) -> list[str]:
    """Boxes whose id and name disagree with the dataset's classes."""
    expected = dataset.boxes["class_id"].map(dataset.classes.by_id())
    wrong = dataset.boxes[expected != dataset.boxes["class_name"]]
    return [f"{row.file}: {row.class_name} has id {row.class_id}" for row in wrong.itertuples()]


def absent_classes(dataset: Dataset, splits: tuple[str, ...] = (TRAIN, VAL)) -> list[str]:
    """Classes without a box in one of these splits, as `val has no DangerAhead`."""
    split = dataset.boxes["file"].map(dataset.images.set_index("file")["split"])
    present = set(zip(split, dataset.boxes["class_name"], strict=True))
    return [f"{s} has no {name}" for s in splits for name in dataset.classes.names if (s, name) not in present]


def groups_across_splits(dataset: Dataset) -> list[str]:
    """Groups with images in more than one split."""
    splits: pd.Series = dataset.images.groupby("group")["split"].unique()
    return [f"group {group} is in {', '.join(found)}" for group, found in splits.items() if len(found) > 1]


def unreadable_images(dataset: Dataset) -> list[str]:
    """Images that cannot be decoded or have another size than the manifest says."""
    found = []
    for row in dataset.images.itertuples():
        try:
            with open_upright(dataset.folder / str(row.file)) as image:
                if image.size != (row.width, row.height):
                    found.append(f"{row.file} is {image.size}, the manifest says {(row.width, row.height)}")
        except (OSError, ValueError) as error:
            found.append(f"{row.file}: {error}")
    return found


def boxes_outside(dataset: Dataset) -> list[str]:
    """Boxes that leave their image or have no inside."""
    table = dataset.boxes.merge(dataset.images[["file", "width", "height"]], on="file")
    inside = (table["left"] >= 0) & (table["top"] >= 0)
    inside &= (table["right"] <= table["width"]) & (table["bottom"] <= table["height"])
    inside &= (table["right"] > table["left"]) & (table["bottom"] > table["top"])
    return [f"{r.file}: {r.left}, {r.top}, {r.right}, {r.bottom}" for r in table[~inside].itertuples()]


@dataclass(frozen=True)
class QuarantinedImages:
    """The rows of images that are lost to the dataset, one each, and how many `images` there would have been."""

    rows: pd.DataFrame
    images: int

    @property
    def share(self) -> float:
        """Which part of the images is lost, 0 to 1."""
        return len(self.rows) / self.images if self.images else 0.0

    def text(self, allowed: float) -> str:
        """How many, how many are allowed, the worst reasons with examples, and what to do."""
        worst = [
            f"{len(rows)} {reason} ({', '.join((rows['image'] + ' task ' + rows['task']).str.strip()[:3])})"
            for reason, rows in sorted(self.rows.groupby("reason"), key=lambda item: -len(item[1]))[:4]
        ]
        shares = f"{self.share:.1%}, allowed {allowed:.1%}"
        todo = "mend them in Label Studio, or raise max_quarantined"
        of = f"{len(self.rows)} of {self.images} images are in the quarantine ({shares})"
        return f"{of}: {'; '.join(worst)}: {todo}" if worst else of


def images_in_quarantine(dataset: Dataset) -> QuarantinedImages:
    """The images that could not be used, without those that people skipped or left for later, and without copies."""
    rows = dataset.quarantine[~dataset.quarantine["reason"].isin(INTENDED_REASONS)]
    used = set(zip(dataset.sources["task"], dataset.sources["link"], strict=True))
    lost = [key not in used for key in zip(rows["task"], rows["link"], strict=True)]
    found = (
        rows[pd.Series(lost, rows.index, dtype=bool)]
        .drop_duplicates(["task", "link", "image", "annotation"])
        .reset_index(drop=True)
    )
    return QuarantinedImages(found, len(dataset.images) + len(found))
