"""The contract of a model that is asked: held against what its endpoint says, or made from that."""

from collections.abc import Sequence

from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.inference.contract import BOX_ROWS, DEFAULT_THRESHOLD, FP32, ModelContract
from legosigns_dagster.resources.serving.endpoint import ModelMetadata, ServingError, TensorFacts


def check_contract(metadata: ModelMetadata, contract: ModelContract, address: str) -> None:
    """Check that a model takes and gives what its contract says.

    Args:
        metadata: What the endpoint says. Where it says nothing of tensors, nothing is checked.
        contract: What is expected.
        address: Where the model is, for errors.

    Raises:
        ServingError: It is another model: other names, another size, other classes, or another type.
    """
    inputs, outputs = wanted_tensors(contract)
    for kind, tensors, wanted in (("input", metadata.inputs, inputs), ("output", metadata.outputs, outputs)):
        if tensors and not any(fits(tensor, wanted) for tensor in tensors):
            names = ", ".join(contract.classes.names)
            raise ServingError(
                f"{address} has the {kind} {'; '.join(map(str, tensors))}, its contract for the classes {names} says "
                f"{wanted}: it is another model; give its own contract by --contract"
            )


def wanted_tensors(contract: ModelContract) -> tuple[TensorFacts, TensorFacts]:
    """Describe the input and the output of a contract as an endpoint would."""
    return (
        TensorFacts(contract.input_name, FP32, contract.input_shape),
        TensorFacts(contract.output_name, FP32, contract.output_shape),
    )


def fits_contract(metadata: ModelMetadata, contract: ModelContract) -> bool:
    """Tell whether a model has the tensors of a contract, or its endpoint says nothing of them."""
    inputs, outputs = wanted_tensors(contract)
    pairs = ((metadata.inputs, inputs), (metadata.outputs, outputs))
    return all(not tensors or any(fits(tensor, wanted) for tensor in tensors) for tensors, wanted in pairs)


def fits(tensor: TensorFacts, wanted: TensorFacts) -> bool:
    """Tell whether a tensor is the wanted one. A size of -1 is open."""
    same_sizes = len(tensor.shape) == len(wanted.shape) and all(
        size in (-1, other) for size, other in zip(tensor.shape, wanted.shape, strict=True)
    )
    return same_sizes and (tensor.name, tensor.datatype) == (wanted.name, wanted.datatype)


def derive_contract(metadata: ModelMetadata, classes: Sequence[str], address: str) -> ModelContract:
    """Make the contract of a detector as Ultralytics exports it, from what its endpoint says and its class names.

    Args:
        metadata: What the endpoint says.
        classes: Class names in the order of their ids.
        address: Where the model is, for errors.

    Raises:
        ServingError: It is no such detector, has another number of classes, or the names are not known.
    """
    if len(metadata.inputs) != 1 or len(metadata.outputs) != 1:
        found = "; ".join(map(str, (*metadata.inputs, *metadata.outputs))) or "nothing"
        raise ServingError(
            f"{address} says of its tensors: {found}; expected one input and one output: give --contract"
        )
    given, answer = metadata.inputs[0], metadata.outputs[0]
    check_layout(given, answer, address)
    count = answer.shape[1] - BOX_ROWS
    if len(classes) != count:
        names = f"the {len(classes)} names {', '.join(classes)} were given" if classes else "no names are known"
        raise ServingError(
            f"{address} tells {count} classes apart, and {names}: give {count} by --classes, or a --contract"
        )
    output_shape = (1, answer.shape[1], answer.shape[2])
    return ModelContract(
        SignClasses(tuple(classes)), given.shape[2], output_shape, (DEFAULT_THRESHOLD,) * count, given.name, answer.name
    )


def check_layout(given: TensorFacts, answer: TensorFacts, address: str) -> None:
    """Check that a model takes a square image, and gives boxes and scores as Ultralytics' own detectors do.

    Args:
        given: Its input.
        answer: Its output.
        address: Where the model is, for errors.

    Raises:
        ServingError: It does not.
    """
    shape = given.shape
    is_square = len(shape) == 4 and shape[:2] in ((1, 3), (-1, 3)) and shape[2] == shape[3] and shape[2] > 0
    if given.datatype != FP32 or not is_square:
        raise ServingError(f"{address} takes {given}, expected {FP32} [1, 3, size, size]: give its --contract")
    is_layout = len(answer.shape) == 3 and BOX_ROWS < answer.shape[1] < answer.shape[2]
    if answer.datatype != FP32 or not is_layout:
        raise ServingError(
            f"{address} gives {answer}, expected {FP32} [1, {BOX_ROWS} + classes, anchors] without non-maximum "
            "suppression in the graph: it is a detector of another layout; export it again with end2end=False and "
            "nms=False"
        )
