"""What a served model takes and gives: all that a client must know to ask it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from legosigns_dagster.core.classes import SignClasses

VERSION = 1
FP32 = "FP32"  # the type of both tensors, in the words of the Open Inference Protocol
DEFAULT_THRESHOLD = 0.25  # of a class of which nothing is known: Ultralytics' own
METADATA_KEY = "contract"  # in the ONNX file's metadata
FILE_NAME = "contract.json"  # beside `model.onnx`
BOX_ROWS = 4  # x center, y center, width and height in front of the scores
LAYOUTS = ("cxcywh_scores",)
PADDING_PLACES = ("center", "right_bottom")


@dataclass(frozen=True)
class ModelContract:
    """The contract of an exported detector. One image is asked at a time.

    Attributes:
        classes: The classes, in the order of the scores.
        image_size: Width and height of the input in pixels: it is a square.
        output_shape: Shape of the output: (1, 4 + classes, anchors).
        thresholds: Advised lowest confidence of each class, 0 to 1, in the order of the classes.
        input_name: Name of the input tensor, of type FP32 and shape (1, 3, image_size, image_size).
        output_name: Name of the output tensor, of type FP32.
        colour: Order of the input's channels.
        divisor: Pixels from 0 to 255 are divided by this.
        padding_place: Where the rest of the square is, after the image was scaled: on both sides (`center`), or
            `right_bottom`.
        padding_value: Grey value of the rest, 0 to 255.
        layout: What the output's rows are. `cxcywh_scores`: centre, width and height in pixels of the input, then a
            score from 0 to 1 for each class.
        nms_iou: Of two boxes that overlap by more than this IoU, the less confident one is dropped. The graph does not
            do it.
        nms_by_class: Whether only boxes of the same class drop each other.
    """

    classes: SignClasses
    image_size: int
    output_shape: tuple[int, int, int]
    thresholds: tuple[float, ...]
    input_name: str = "images"
    output_name: str = "output0"
    colour: str = "RGB"
    divisor: float = 255.0
    padding_place: str = "center"
    padding_value: int = 114
    layout: str = "cxcywh_scores"
    nms_iou: float = 0.7
    nms_by_class: bool = True

    def __post_init__(self) -> None:
        count = len(self.classes.names)
        if self.layout not in LAYOUTS or self.padding_place not in PADDING_PLACES or self.colour not in ("RGB", "BGR"):
            raise ValueError(
                f"layout {self.layout!r}, padding {self.padding_place!r}, colour {self.colour!r}: expected one of "
                f"{', '.join(LAYOUTS)}, one of {', '.join(PADDING_PLACES)}, and RGB or BGR: use a newer legosigns"
            )
        if len(self.output_shape) != 3 or self.output_shape[:2] != (1, BOX_ROWS + count):
            raise ValueError(
                f"the output has shape {list(self.output_shape)}, expected [1, {BOX_ROWS + count}, anchors] for the "
                f"{count} classes {', '.join(self.classes.names)}"
            )
        if len(self.thresholds) != count or not all(0 <= value <= 1 for value in self.thresholds):
            raise ValueError(f"thresholds are {list(self.thresholds)}, expected {count} numbers from 0 to 1")

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        """Shape of the input tensor."""
        return 1, 3, self.image_size, self.image_size

    def to_json(self) -> str:
        """Write it as JSON; the same contract gives the same text."""
        facts = asdict(self) | {"classes": self.classes.names, "version": VERSION, "input_shape": self.input_shape}
        return json.dumps(facts, indent=1, sort_keys=True) + "\n"

    @classmethod
    def load(cls, file: Path) -> "ModelContract":
        """Read a file that `to_json` filled.

        Raises:
            OSError: There is no such file.
            ValueError: It is no contract, or one of a newer version.
        """
        return cls.from_json(file.read_text(encoding="utf-8"), str(file))

    @classmethod
    def from_json(cls, text: str, source: str) -> "ModelContract":
        """Read what `to_json` wrote.

        Args:
            text: The JSON.
            source: Where it is from, for errors.

        Raises:
            ValueError: It is no contract, or one of a newer version.
        """
        try:
            facts: dict[str, Any] = json.loads(text)
            version = facts.pop("version")
            facts.pop("input_shape")
            if version != VERSION:
                raise ValueError(f"its version is {version}, expected {VERSION}: use the legosigns that wrote it")
            classes = SignClasses(tuple(facts.pop("classes")))
            shape, thresholds = facts.pop("output_shape"), facts.pop("thresholds")
            return cls(classes, facts.pop("image_size"), tuple(shape), tuple(thresholds), **facts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{source} is no contract of a model ({type(error).__name__}: {error})") from error
