"""What clients of a served model would notice when another model takes its place."""

from legosigns_dagster.core.inference.contract import ModelContract

TENSORS = {
    "input_name": "the input tensor",
    "output_name": "the output tensor",
    "layout": "the output's layout",
    "colour": "the order of the colours",
    "divisor": "the divisor of the pixels",
    "padding_place": "the place of the padding",
    "padding_value": "the value of the padding",
    "nms_iou": "the IoU of the suppression",
    "nms_by_class": "whether only boxes of one class suppress each other",
}


def contract_changes(released: ModelContract, new: ModelContract) -> list[str]:
    """Name each difference that a client of the released model would notice, a sentence each.

    Advised thresholds may differ: every client reads them with the release.

    Example:
        >>> from legosigns_dagster.core.classes import SignClasses
        >>> old = ModelContract(SignClasses(("Stop", "Speed")), 640, (1, 6, 8400), (0.25, 0.25))
        >>> contract_changes(old, ModelContract(SignClasses(("Speed", "Stop")), 640, (1, 6, 8400), (0.5, 0.5)))
        ['class 0 was Stop, and is Speed', 'class 1 was Speed, and is Stop']
    """
    changes = []
    before, after = released.classes.names, new.classes.names
    for index in range(max(len(before), len(after))):
        old, name = (names[index] if index < len(names) else "not there" for names in (before, after))
        if old != name:
            changes.append(f"class {index} was {old}, and is {name}")
    if released.image_size != new.image_size:
        changes.append(f"the image size was {released.image_size} px, and is {new.image_size} px")
    elif released.output_shape != new.output_shape:
        changes.append(f"the output had shape {list(released.output_shape)}, and has {list(new.output_shape)}")
    for name, title in TENSORS.items():
        old, value = getattr(released, name), getattr(new, name)
        if old != value:
            changes.append(f"{title} was {old}, and is {value}")
    return changes
