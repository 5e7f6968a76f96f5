"""A model behind a server of the Open Inference Protocol (KServe v2), asked over gRPC."""

from typing import Any
from urllib.parse import urlsplit

import numpy as np

from legosigns_dagster.core.inference.contract import FP32, ModelContract
from legosigns_dagster.core.inference.prepare import Tensor
from legosigns_dagster.resources.serving.addresses import ModelAddress
from legosigns_dagster.resources.serving.endpoint import Answer, ModelMetadata, ServingError, TensorFacts, check_output
from legosigns_dagster.resources.serving.grpc_messages import SERVICE, message_classes
from legosigns_dagster.resources.serving.http_session import Access, check_url
from legosigns_dagster.resources.serving.rest import describe_model

INDEX = "RepositoryIndex"
UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]  # the default is 4 MiB


class GrpcEndpoint:
    """One model, asked over gRPC. See `Endpoint`.

    Args:
        place: Which model it is; the server's address is `http://HOST:PORT`, or `https` for TLS.
        access: How its server is reached.
    """

    def __init__(self, place: ModelAddress, access: Access) -> None:
        import grpc

        parts = urlsplit(check_url(place.url))
        self.place, self.access = place, access
        self._server = parts.netloc if parts.port else f"{parts.netloc}:{443 if parts.scheme == 'https' else 80}"
        if parts.scheme == "https":
            root = access.ca_bundle.read_bytes() if access.ca_bundle else None
            self._channel = grpc.secure_channel(self._server, grpc.ssl_channel_credentials(root), UNLIMITED)
        else:
            self._channel = grpc.insecure_channel(self._server, UNLIMITED)

    @property
    def address(self) -> str:
        """See `Endpoint`."""
        version = f", version {self.place.version}" if self.place.version else ""
        return f"{self.place.model}{version} at {self._server} (gRPC)"

    def close(self) -> None:
        """See `Endpoint`."""
        self._channel.close()

    def metadata(self) -> ModelMetadata:
        """See `Endpoint`."""
        found = self._call("ModelMetadata", name=self.place.model, version=self.place.version)
        inputs, outputs = (
            tuple(TensorFacts(one.name, one.datatype, tuple(one.shape)) for one in tensors)
            for tensors in (found.inputs, found.outputs)
        )
        return ModelMetadata(found.name, tuple(found.versions), inputs, outputs)

    def infer(self, tensor: Tensor, contract: ModelContract) -> Answer:
        """See `Endpoint`."""
        given = {"name": contract.input_name, "datatype": FP32, "shape": tensor.shape}
        answer = self._call(
            "ModelInfer",
            model_name=self.place.model,
            model_version=self.place.version,
            inputs=[given],
            outputs=[{"name": contract.output_name}],
            raw_input_contents=[np.ascontiguousarray(tensor, "<f4").tobytes()],
        )
        names = [output.name for output in answer.outputs]
        if contract.output_name not in names:
            raise ServingError(
                f"{self.address} answered the outputs {', '.join(names) or 'none'}, expected {contract.output_name}"
            )
        index = names.index(contract.output_name)
        output, raw = answer.outputs[index], answer.raw_output_contents
        values = np.frombuffer(raw[index], "<f4") if raw else np.asarray(output.contents.fp32_contents, np.float32)
        check_output(output.name, output.datatype, tuple(output.shape), values.size, self.address)
        return Answer(values.reshape(tuple(output.shape)).astype(np.float32, copy=False), answer.model_version)

    def _call(self, method: str, **fields: Any) -> Any:
        """Send a request, again where the server cannot be reached."""
        import grpc

        classes = message_classes()
        call = self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=classes[f"{method}Request"].SerializeToString,
            response_deserializer=classes[f"{method}Response"].FromString,
        )
        header = (("authorization", f"Bearer {self.access.token}"),) if self.access.token else ()
        for tries in range(1, self.access.retries + 2):
            try:
                return call(classes[f"{method}Request"](**fields), timeout=self.access.timeout_s, metadata=header)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.UNAVAILABLE or tries > self.access.retries:
                    raise self._failure(method, error.code().name, str(error.details()), tries) from None
            self.access.sleep(self.access.wait_s(tries))
        raise AssertionError("the last try returns or raises")

    def _failure(self, method: str, code: str, detail: str, tries: int) -> ServingError:
        text = self.access.clean(f"{code}: {detail}")
        if code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            return self.access.refusal(self.address, text)
        if code == "UNIMPLEMENTED":
            return ServingError(f"{self._server} is no KServe v2 server over gRPC ({text})")
        if code == "NOT_FOUND" and method != INDEX:
            return ServingError(
                f"{self._server} has no model {self.place.model!r} that is ready ({text}): {self._models()}"
            )
        if code == "DEADLINE_EXCEEDED":
            return ServingError(f"{self.address} took longer than {self.access.timeout_s:g} s: raise --timeout")
        if code == "UNAVAILABLE":
            return ServingError(
                f"no answer from {self.address} in {tries} {'try' if tries == 1 else 'tries'} ({text}): is this its "
                "port for gRPC, and is the server running?"
            )
        return ServingError(f"{self.address} could not answer ({text}): look into the server's log")

    def _models(self) -> str:
        """Say which models the server has, where it tells."""
        try:
            models = self._call(INDEX).models
        except ServingError:
            return "give its name by --model; the server does not tell which models it has"
        words = ("name", "version", "state", "reason")
        found = [describe_model({word: getattr(one, word) for word in words}) for one in models]
        return f"give one by --model of {', '.join(found) or 'none: the server has no model'}"
