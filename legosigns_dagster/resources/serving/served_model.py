"""A model that is asked about images, with the contract that prepares them and decodes its answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.decode import decode
from legosigns_dagster.core.inference.detection import Detection
from legosigns_dagster.core.inference.prepare import prepare
from legosigns_dagster.resources.serving.endpoint import Endpoint, ServingError
from legosigns_dagster.resources.serving.served_contract import check_contract, derive_contract


@dataclass(frozen=True)
class Findings:
    """What a model found in an image.

    Attributes:
        detections: The most confident first.
        version: The version of the model that answered; empty where the endpoint does not say.
    """

    detections: list[Detection]
    version: str


@dataclass(frozen=True)
class ServedModel:
    """A model and its contract. Safe for threads.

    Attributes:
        name: What people call it.
        endpoint: Where it is asked.
        contract: What it takes and gives; `connect` has held it against the endpoint.
    """

    name: str
    endpoint: Endpoint
    contract: ModelContract

    def detect(self, image: Image.Image, confidence: float | None = None) -> Findings:
        """Ask the model what it sees in an image.

        Args:
            image: As it is displayed.
            confidence: Lowest confidence, 0 to 1; None for the contract's, by class.

        Raises:
            ServingError: It cannot be asked, or did not answer as its contract says.
        """
        tensor, placement = prepare(image, self.contract)
        answer = self.endpoint.infer(tensor, self.contract)
        thresholds = self.contract.thresholds if confidence is None else [confidence] * len(self.contract.thresholds)
        try:
            return Findings(decode(answer.output, self.contract, placement, thresholds), answer.version)
        except ValueError as error:
            raise ServingError(f"{self.endpoint.address}: {error}") from error


def connect(
    name: str, endpoint: Endpoint, contract: ModelContract | None = None, classes: Sequence[str] = ()
) -> ServedModel:
    """Read a model's metadata, and find its contract, so that no tensor of a wrong size is ever sent.

    Args:
        name: What people call the model.
        endpoint: Where it is asked.
        contract: Its contract, where it is known.
        classes: Its class names, where its contract is not known.

    Raises:
        ServingError: It cannot be asked, is another model than its contract says, or its contract cannot be found out.
    """
    metadata = endpoint.metadata()
    if contract is None:
        return ServedModel(name, endpoint, derive_contract(metadata, classes, endpoint.address))
    check_contract(metadata, contract, endpoint.address)
    if classes and tuple(classes) != contract.classes.names:
        raise ServingError(
            f"the contract of {endpoint.address} has the classes {', '.join(contract.classes.names)}, and --classes "
            f"are {', '.join(classes)}: leave --classes out, or give the contract that belongs to it"
        )
    return ServedModel(name, endpoint, contract)
