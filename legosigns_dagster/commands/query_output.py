"""What `legosigns query` prints and draws of each image."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.pictures.detection_pictures import ModelView, draw_views
from legosigns_dagster.resources.serving.ask import Row
from legosigns_dagster.resources.serving.served_model import Findings, ServedModel


@dataclass
class PictureFolder:
    """A folder of pictures, one for each image that was answered.

    Attributes:
        folder: Made with the first picture.
        count: How many pictures were drawn.
    """

    folder: Path
    count: int = 0

    def draw(self, row: Row, models: Sequence[ServedModel]) -> Path | None:
        """Draw what the models see in an image, and give the file; None where no model answered."""
        if row.image is None or not row.is_answered:
            return None
        views = [
            ModelView(model.name, model.contract.classes.names, found.detections if isinstance(found, Findings) else ())
            for model, found in zip(models, row.findings, strict=True)
        ]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.count += 1
        # The number keeps two images of one name in two folders apart.
        file = self.folder / f"{self.count:04d}-{picture_stem(row.name)}.jpg"
        draw_views(row.image, views).save(file, quality=90)
        return file


def picture_stem(name: str) -> str:
    """Make the name of a picture from that of an image or a frame.

    Example:
        >>> picture_stem("images/road 1.jpg"), picture_stem("clips/drive.mp4#120")
        ('road-1', 'drive-120')
    """
    last, _, number = name.rpartition("/")[2].partition("#")
    stem = re.sub(r"[^\w-]+", "-", Path(last).stem).strip("-") or "image"
    return f"{stem}-{number}" if number else stem


def json_line(row: Row, models: Sequence[ServedModel], picture: Path | None) -> str:
    """Write a row as one line of JSON, for scripts."""
    facts: dict[str, Any] = {"image": row.name}
    if row.image is None:
        return json.dumps(facts | {"error": row.error})
    facts |= {"width": row.image.width, "height": row.image.height, "picture": str(picture) if picture else None}
    return json.dumps(facts | {"models": [model_facts(*pair) for pair in zip(models, row.findings, strict=True)]})


def model_facts(model: ServedModel, found: Findings | str) -> dict[str, Any]:
    """What one model found, or why it did not answer, as JSON."""
    if isinstance(found, str):
        return {"model": model.name, "error": found}
    detections = [
        {
            "class": model.contract.classes.names[one.class_id],
            "class_id": one.class_id,
            "confidence": round(one.confidence, 6),
            "box": [round(edge, 2) for edge in (one.box.left, one.box.top, one.box.right, one.box.bottom)],
        }
        for one in found.detections
    ]
    return {"model": model.name, "version": found.version, "detections": detections}


def text_lines(row: Row, models: Sequence[ServedModel], picture: Path | None) -> list[str]:
    """Write a row for people: the image, then a line for each detection."""
    if row.image is None:
        return [f"{row.name}: not answered: {row.error}"]
    lines = [f"{row.name}" + (f" -> {picture}" if picture else "")]
    for model, found in zip(models, row.findings, strict=True):
        title = f"{model.name}: " if len(models) > 1 else ""
        if isinstance(found, str):
            lines.append(f"  {title}not answered: {found}")
            continue
        names = model.contract.classes.names
        lines += [f"  {title}{describe(one, names)}" for one in found.detections] or [f"  {title}nothing found"]
    return lines


def describe(found: Detection, names: Sequence[str]) -> str:
    """Write a detection: class, confidence, and the box's left, top, right and bottom edges in pixels."""
    box = found.box
    edges = f"{box.left:.1f} {box.top:.1f} {box.right:.1f} {box.bottom:.1f}"
    return f"{names[found.class_id]} {found.confidence:.2f}  box {edges}"
