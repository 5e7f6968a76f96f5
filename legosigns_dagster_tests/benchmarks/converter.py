"""Compare our conversion of what people really draw with label-studio-sdk's own converter, case by case.

`python -m legosigns_dagster_tests.benchmarks.converter` gives each case to both as one export on disk. It compares the
boxes (in pixels of the displayed image, to a tenth) with what a person would expect. The SDK is the one that is
installed with the Label Studio that the tests start.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from legosigns_dagster_tests.support.annotation_cases import (
    CASES,
    BoxesByImage,
    compare_boxes,
    convert,
    write_case,
)
from legosigns_dagster_tests.support.servers import LABEL_STUDIO

CONFIG = """<View><Image name="image" value="$image"/><RectangleLabels name="label" toName="image">
<Label value="SpeedLimit"/><Label value="DangerAhead"/></RectangleLabels>
<PolygonLabels name="outline" toName="image"><Label value="SpeedLimit"/></PolygonLabels>
<Choices name="light" toName="image"><Choice value="day"/></Choices></View>"""
SDK = """
import json, pathlib, sys, warnings
warnings.simplefilter("ignore")
from label_studio_sdk.converter import Converter
folder, config = pathlib.Path(sys.argv[1]), sys.argv[2]
try:
    converter = Converter(config=config, project_dir=None, download_resources=True)
    given = folder / "sink" if (folder / "sink").exists() else folder / "export.json"
    converter.convert_to_yolo(str(given), str(folder / "theirs"), is_dir=given.is_dir())
except BaseException as error:
    print(json.dumps({"error": type(error).__name__}))
else:
    names = (folder / "theirs" / "classes.txt").read_text().split()
    labels = {file.stem: [line.split() for line in file.read_text().splitlines()]
              for file in (folder / "theirs" / "labels").glob("*.txt")}
    print(json.dumps({"names": names, "labels": labels}))
"""


def convert_with_sdk(folder: Path) -> BoxesByImage | str:
    """Convert the case in this folder by the SDK's converter. Images that it does not copy stay turned.

    Returns:
        Boxes by image, or the name of the error.
    """
    command = [str(LABEL_STUDIO / "bin" / "python"), "-c", SDK, str(folder), CONFIG]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    if "error" in answer:
        return str(answer["error"])
    tasks = json.loads((folder / "export.json").read_text())
    images = [Path(task["data"]["image"]).relative_to(folder / "images") for task in tasks]
    boxes: BoxesByImage = {}
    for stem, lines in answer["labels"].items():
        image = next((i for i in images if i.stem == stem or stem.endswith(f"__{i.stem}")), Path(stem))
        width, height = displayed_size(folder / "images" / image)
        copied = folder / "theirs" / "images" / image.name
        turned = (width, height) != (64, 48) and not copied.exists()
        boxes[f"{image} (turned)" if turned else str(image)] = [
            (answer["names"][int(c)], *to_edges([float(part) for part in box], width, height)) for c, *box in lines
        ]
    return boxes


def displayed_size(file: Path) -> tuple[int, int]:
    """Read width and height as a browser shows the image. An image that is missing has the size of the others."""
    if not file.exists():
        return 64, 48
    with Image.open(file) as image:
        return image.size if image.getexif().get(0x0112, 1) == 1 else image.size[::-1]


def to_edges(box: Sequence[float], width: int, height: int) -> tuple[float, ...]:
    """Convert a YOLO box (centre and size, 0 to 1) to left, top, right, bottom in pixels. A polygon stays as it is."""
    if len(box) != 4:
        return tuple(box)
    x, y, w, h = box
    return (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height


def main() -> None:
    rows = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            write_case(case, folder)
            results = (compare_boxes(boxes, case.expected) for boxes in (convert(folder), convert_with_sdk(folder)))
            rows.append((case.name, *results))
    print(f"{'case':46} {'ours':8} label-studio-sdk")
    for name, ours, theirs in rows:
        print(f"{name:46} {ours:8} {theirs[:90]}")
    for column, who in ((1, "ours"), (2, "label-studio-sdk")):
        print(f"{who}: {sum(row[column] == 'right' for row in rows)} of {len(rows)} right")


if __name__ == "__main__":
    main()
