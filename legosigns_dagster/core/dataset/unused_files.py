"""Files of a YOLO folder that nobody reads: each is named, so that no image and no label is missed in silence."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from legosigns_dagster.core.dataset.manifest import BOXES, IMAGES
from legosigns_dagster.core.dataset.quarantine import QuarantineRow
from legosigns_dagster.core.dataset.yolo_layout import YoloImage, YoloLayout, label_places
from legosigns_dagster.core.sources.source_files import without_case


def name_unused_files(layout: YoloLayout, images: Sequence[YoloImage]) -> Iterator[QuarantineRow]:
    """Name each file of the source that is neither read nor passed over as the system's, with the reason."""
    source = layout.source
    yield from (QuarantineRow("unused_file", reason, name) for name, reason in source.left_out)
    names = {*layout.lists, *(name for image in images for name in (image.path, *image.labels))}
    root = layout.data.file.parent
    facts = {(root / name).resolve() for name in (IMAGES, BOXES)}
    read = {source.files[name].resolve() for name in names} | {layout.data.file.resolve()} | facts
    unused = [name for name, file in source.files.items() if file.resolve() not in read]
    of_unused = {place for name in unused if name in source.images for place in label_places(name)}
    for name in unused:
        if name in source.images:
            yield QuarantineRow(
                "unused_file", f"{layout.data.file.name} has it in no split: add it, or remove it", name
            )
        elif not name.lower().endswith(".txt") or "labels" not in map(without_case, Path(name).parent.parts):
            yield QuarantineRow("unused_file", "neither an image nor a label file of one", name)
        elif name in of_unused:
            yield QuarantineRow("unused_file", "its image is in no split", name)
        else:
            yield QuarantineRow("label_without_image", "no image has its name: add the image, or rename it", name)
