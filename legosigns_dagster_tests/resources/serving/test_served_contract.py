"""Whether what an endpoint says of its model is what a contract says."""

import pytest

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.resources.serving.endpoint import ModelMetadata, ServingError, TensorFacts
from legosigns_dagster.resources.serving.served_contract import check_contract, fits_contract
from legosigns_dagster_tests.support.builders import CLASSES

CONTRACT = ModelContract(CLASSES, 32, (1, 6, 21), (0.25, 0.25))
IMAGES, OUTPUT = TensorFacts("images", "FP32", (1, 3, 32, 32)), TensorFacts("output0", "FP32", (1, 6, 21))


@pytest.mark.parametrize(
    ("inputs", "outputs", "fits"),
    [
        pytest.param((IMAGES,), (OUTPUT,), True, id="the same"),
        pytest.param((TensorFacts("images", "FP32", (-1, 3, -1, -1)),), (OUTPUT,), True, id="open sizes"),
        pytest.param((IMAGES,), (TensorFacts("other", "INT64", (1,)), OUTPUT), True, id="one output more"),
        pytest.param((), (), True, id="nothing is said"),
        pytest.param((TensorFacts("images", "FP32", (1, 3, 64, 64)),), (OUTPUT,), False, id="another size"),
        pytest.param((TensorFacts("images", "FP32", (3, 32, 32)),), (OUTPUT,), False, id="no batch"),
        pytest.param((TensorFacts("x", "FP32", (1, 3, 32, 32)),), (OUTPUT,), False, id="another name"),
        pytest.param((IMAGES,), (TensorFacts("output0", "FP64", (1, 6, 21)),), False, id="another type"),
        pytest.param((IMAGES,), (TensorFacts("output0", "FP32", (1, 7, 21)),), False, id="one class more"),
    ],
)
def test_a_model_fits_a_contract_by_the_names_types_and_sizes_of_its_tensors(
    inputs: tuple[TensorFacts, ...], outputs: tuple[TensorFacts, ...], fits: bool
) -> None:
    metadata = ModelMetadata("signs", ("1",), inputs, outputs)
    assert fits_contract(metadata, CONTRACT) is fits
    if fits:
        check_contract(metadata, CONTRACT, "here")
    else:
        with pytest.raises(ServingError, match="here has the (input|output) .*: it is another model"):
            check_contract(metadata, CONTRACT, "here")
