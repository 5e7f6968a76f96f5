"""Messages of the Open Inference Protocol over gRPC, as far as they are used here.

They are described here instead of being generated: the client that Triton's makers publish asks for other versions of
grpcio or ml-dtypes than Dagster and ONNX bring.
"""

from functools import cache
from typing import Any

SERVICE = "inference.GRPCInferenceService"
# Field: number, type, and whether it is repeated. A type with a capital is a message of this table.
Fields = dict[str, tuple[int, str, bool]]
TENSOR: Fields = {"name": (1, "string", False), "datatype": (2, "string", False), "shape": (3, "int64", True)}
MESSAGES: dict[str, Fields] = {
    "ServerMetadataRequest": {},
    "ServerMetadataResponse": {"name": (1, "string", False), "version": (2, "string", False)},
    "ModelMetadataRequest": {"name": (1, "string", False), "version": (2, "string", False)},
    "TensorMetadata": TENSOR,
    "ModelMetadataResponse": {
        "name": (1, "string", False),
        "versions": (2, "string", True),
        "inputs": (4, "TensorMetadata", True),
        "outputs": (5, "TensorMetadata", True),
    },
    "InferTensorContents": {"fp32_contents": (6, "float", True)},
    "InferInputTensor": TENSOR,
    "InferRequestedOutputTensor": {"name": (1, "string", False)},
    "ModelInferRequest": {
        "model_name": (1, "string", False),
        "model_version": (2, "string", False),
        "inputs": (5, "InferInputTensor", True),
        "outputs": (6, "InferRequestedOutputTensor", True),
        "raw_input_contents": (7, "bytes", True),
    },
    "InferOutputTensor": TENSOR | {"contents": (5, "InferTensorContents", False)},
    "ModelInferResponse": {
        "model_name": (1, "string", False),
        "model_version": (2, "string", False),
        "outputs": (5, "InferOutputTensor", True),
        "raw_output_contents": (6, "bytes", True),
    },
    "RepositoryIndexRequest": {},
    "ModelIndex": {
        "name": (1, "string", False),
        "version": (2, "string", False),
        "state": (3, "string", False),
        "reason": (4, "string", False),
    },
    "RepositoryIndexResponse": {"models": (1, "ModelIndex", True)},
}


@cache
def message_classes() -> dict[str, Any]:
    """Make the class of each message, by its name."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    package = SERVICE.rpartition(".")[0]
    file = descriptor_pb2.FileDescriptorProto(name="legosigns/open_inference.proto", package=package, syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, is_repeated) in fields.items():
            label = kinds.LABEL_REPEATED if is_repeated else kinds.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            added.type = kinds.TYPE_MESSAGE if kind in MESSAGES else kinds.Type.Value(f"TYPE_{kind.upper()}")
            if kind in MESSAGES:
                added.type_name = f".{package}.{kind}"
    # A pool of its own: another library of this process may have registered the protocol's own file.
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in MESSAGES}
