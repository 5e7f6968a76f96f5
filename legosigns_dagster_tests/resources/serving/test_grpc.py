"""Servers over gRPC that refuse, are not there, or speak TLS."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import trustme

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.resources.serving.addresses import ModelAddress
from legosigns_dagster.resources.serving.endpoint import ServingError
from legosigns_dagster.resources.serving.grpc_endpoint import GrpcEndpoint
from legosigns_dagster.resources.serving.grpc_messages import message_classes
from legosigns_dagster.resources.serving.http_session import Access
from legosigns_dagster_tests.support.builders import CLASSES
from legosigns_dagster_tests.support.servers import free_ports

TOKEN = "sha256~very-secret-token"
CONTRACT = ModelContract(CLASSES, 8, (1, 6, 2), (0.25, 0.25))


@contextmanager
def grpc_server(
    respond: Callable[[bytes, Any], bytes], credentials: grpc.ServerCredentials | None = None
) -> Iterator[int]:
    """Run a real server that answers every call as a function says, and give its port."""

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(respond)

    server = grpc.server(ThreadPoolExecutor(2), handlers=[Handler()])
    address = "127.0.0.1:0"
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    try:
        yield port
    finally:
        server.stop(None).wait()


def metadata_error(url: str, access: Access) -> str:
    endpoint = GrpcEndpoint(ModelAddress(url, "signs"), access)
    with pytest.raises(ServingError) as error:
        endpoint.metadata()
    endpoint.close()
    return str(error.value)


def test_where_no_server_is_it_is_tried_again_and_then_reported() -> None:
    (port,) = free_ports(1)
    waits: list[float] = []
    told = metadata_error(f"http://127.0.0.1:{port}", Access(retries=2, sleep=waits.append))
    assert told.startswith(f"no answer from signs at 127.0.0.1:{port} (gRPC) in 3 tries (UNAVAILABLE: ")
    assert waits == [0.25, 0.5]


@pytest.mark.parametrize("code", ["UNAUTHENTICATED", "PERMISSION_DENIED"])
def test_an_expired_token_is_an_error_that_does_not_repeat_it(code: str) -> None:
    sent: list[str] = []

    def refuse(request: bytes, context: Any) -> bytes:
        sent.append(dict(context.invocation_metadata())["authorization"])
        context.abort(grpc.StatusCode[code], f"expired: Bearer {TOKEN}")
        return b""

    with grpc_server(refuse) as port:
        told = metadata_error(f"http://127.0.0.1:{port}", Access(token=TOKEN))
    assert sent == [f"Bearer {TOKEN}"]
    assert "refused the token that was sent" in told
    assert "very-secret" not in told


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("UNIMPLEMENTED", "is no KServe v2 server over gRPC"),
        ("INTERNAL", "could not answer (INTERNAL: on purpose): look into the server's log"),
        ("NOT_FOUND", "give its name by --model; the server does not tell which models it has"),
    ],
)
def test_what_the_server_says_is_in_the_error(code: str, told: str) -> None:
    def fail(request: bytes, context: Any) -> bytes:
        context.abort(grpc.StatusCode[code], "on purpose")
        return b""

    with grpc_server(fail) as port:
        assert told in metadata_error(f"http://127.0.0.1:{port}", Access(retries=0))


def test_a_private_authority_is_named_by_its_file(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    own = authority.issue_cert("localhost")
    pair = own.private_key_pem.bytes(), b"".join(part.bytes() for part in own.cert_chain_pems)
    answer = message_classes()["ModelMetadataResponse"](name="signs", versions=["4"]).SerializeToString()
    with grpc_server(lambda *_: answer, grpc.ssl_server_credentials([pair])) as port:
        endpoint = GrpcEndpoint(
            ModelAddress(f"https://localhost:{port}", "signs"), Access(ca_bundle=tmp_path / "ca.pem")
        )
        assert endpoint.metadata().versions == ("4",)
        endpoint.close()
        assert "no answer from" in metadata_error(f"https://localhost:{port}", Access(retries=0))


@pytest.mark.parametrize("is_raw", [True, False], ids=["as bytes", "as numbers"])
@pytest.mark.parametrize("version", ["", "2"])
def test_a_model_and_its_version_are_asked_and_what_they_answer_is_read_in_both_forms(
    version: str, is_raw: bool
) -> None:
    output = np.arange(12, dtype=np.float32).reshape(CONTRACT.output_shape)
    tensor = np.random.default_rng(0).random(CONTRACT.input_shape, np.float32)
    received: list[Any] = []

    def respond(request: bytes, context: Any) -> bytes:
        received.append(message_classes()["ModelInferRequest"].FromString(request))
        facts = {"name": "output0", "datatype": "FP32", "shape": output.shape}
        answer: dict[str, Any] = {"outputs": [facts], "raw_output_contents": [output.tobytes()]}
        if not is_raw:
            answer = {"outputs": [facts | {"contents": {"fp32_contents": output.ravel().tolist()}}]}
        named: bytes = message_classes()["ModelInferResponse"](model_version="7", **answer).SerializeToString()
        return named

    with grpc_server(respond) as port:
        endpoint = GrpcEndpoint(ModelAddress(f"http://127.0.0.1:{port}", "signs", version), Access())
        answer = endpoint.infer(tensor, CONTRACT)
        endpoint.close()
    assert np.array_equal(answer.output, output)
    assert answer.version == "7"
    (request,) = received
    assert (request.model_name, request.model_version) == ("signs", version)
    assert [(one.name, one.datatype, tuple(one.shape)) for one in request.inputs] == [
        ("images", "FP32", CONTRACT.input_shape)
    ]
    assert [one.name for one in request.outputs] == ["output0"]
    assert list(request.raw_input_contents) == [tensor.tobytes()]


def test_the_fields_of_a_request_have_the_numbers_of_the_protocol() -> None:
    """A server reads them by number: 1 is the model's name, 2 its version. Text has wire type 2."""
    request = message_classes()["ModelInferRequest"](model_name="signs", model_version="2")
    assert request.SerializeToString() == bytes([1 << 3 | 2, 5]) + b"signs" + bytes([2 << 3 | 2, 1]) + b"2"


def test_a_server_that_takes_too_long_is_an_error_that_says_how_to_wait_longer() -> None:
    is_over = threading.Event()

    def hang(request: bytes, context: Any) -> bytes:
        is_over.wait(20)
        return b""

    with grpc_server(hang) as port:
        told = metadata_error(f"http://127.0.0.1:{port}", Access(timeout_s=0.1))
        is_over.set()
    assert told == f"signs at 127.0.0.1:{port} (gRPC) took longer than 0.1 s: raise --timeout"
