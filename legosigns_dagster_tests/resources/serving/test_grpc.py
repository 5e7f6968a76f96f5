"""Servers over gRPC that refuse, are not there, or speak TLS."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme

from legosigns_dagster.resources.serving.addresses import ModelAddress
from legosigns_dagster.resources.serving.endpoint import ServingError
from legosigns_dagster.resources.serving.grpc_endpoint import GrpcEndpoint
from legosigns_dagster.resources.serving.grpc_messages import message_classes
from legosigns_dagster.resources.serving.http_session import Access
from legosigns_dagster_tests.support.servers import free_ports

TOKEN = "sha256~very-secret-token"


@contextmanager
def grpc_server(respond: Callable[[Any], bytes], credentials: grpc.ServerCredentials | None = None) -> Iterator[int]:
    """Run a real server that answers every call as a function says, and give its port."""

    class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]
        def service(self, details: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(lambda request, context: respond(context))

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

    def refuse(context: Any) -> bytes:
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
    def fail(context: Any) -> bytes:
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
    with grpc_server(lambda context: answer, grpc.ssl_server_credentials([pair])) as port:
        endpoint = GrpcEndpoint(
            ModelAddress(f"https://localhost:{port}", "signs"), Access(ca_bundle=tmp_path / "ca.pem")
        )
        assert endpoint.metadata().versions == ("4",)
        endpoint.close()
        assert "no answer from" in metadata_error(f"https://localhost:{port}", Access(retries=0))
