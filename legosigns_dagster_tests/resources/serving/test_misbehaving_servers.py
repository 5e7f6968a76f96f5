"""Servers that refuse, fail, or are something else: what is tried again, and what people are told."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import trustme

from legosigns_dagster.core.images.decoded_image import decode
from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.requests import JSON_LENGTH
from legosigns_dagster.resources.serving.addresses import ModelAddress, other_model, split_model_url
from legosigns_dagster.resources.serving.endpoint import ServingError
from legosigns_dagster.resources.serving.http_session import Access, check_url
from legosigns_dagster.resources.serving.rest import RestEndpoint
from legosigns_dagster.resources.serving.served_model import connect
from legosigns_dagster_tests.support.faulty_proxy import faulty_proxy
from legosigns_dagster_tests.support.served_models import (
    CLASSES,
    SERVER,
    VAL_IMAGES,
    ExportedModel,
    Reply,
    json_reply,
    known_model,
    small_server,
)
from legosigns_dagster_tests.support.servers import free_ports
from legosigns_dagster_tests.support.triton import Triton

TOKEN = "sha256~very-secret-token"
CONTRACT = ModelContract(CLASSES, 256, (1, 6, 1344), (0.25, 0.25))  # what `known_model` says of itself


def model_at(url: str, **access: object) -> RestEndpoint:
    waits: list[float] = []
    return RestEndpoint(ModelAddress(url, "signs"), Access(sleep=waits.append, **access))  # type: ignore[arg-type]


def metadata_error(endpoint: RestEndpoint) -> str:
    with pytest.raises(ServingError) as error:
        endpoint.metadata()
    endpoint.close()
    return str(error.value)


def test_where_no_server_is_the_error_says_what_was_tried() -> None:
    (port,) = free_ports(1)
    told = metadata_error(model_at(f"http://127.0.0.1:{port}", retries=2))
    assert told.startswith(f"no answer from http://127.0.0.1:{port}/v2/models/signs in 3 tries (")
    assert told.endswith("is the address right, and is the server running?")


@pytest.mark.parametrize(
    "reply",
    [(200, {"Content-Type": "text/html"}, b"<html>hello</html>"), json_reply({"detail": "Not Found"}, 404)],
    ids=["a page", "another API"],
)
def test_a_server_of_another_kind_is_named_as_such(reply: Reply) -> None:
    with small_server(lambda *_: reply) as server:
        told = metadata_error(model_at(server.url))
    assert f"{server.url} is no KServe v2 server: for v2/models/signs it answered HTTP {reply[0]}" in told


def test_a_server_without_an_index_still_says_that_the_model_is_not_there() -> None:
    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        return json_reply({"name": "ovms", "version": "2026"}) if path == "/v2" else json_reply({"error": "no"}, 404)

    with small_server(respond) as server:
        told = metadata_error(model_at(server.url))
    assert "(ovms) has no model 'signs' that is ready" in told
    assert told.endswith("give its name by --model; the server does not tell which models it has")


def test_a_list_of_models_that_nobody_may_see_does_not_hide_that_the_model_is_not_there() -> None:
    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if path == "/v2":
            return json_reply({"name": "triton"})
        return json_reply({"error": "not for you"}, 403 if path.endswith("/index") else 404)

    with small_server(respond) as server:
        told = metadata_error(model_at(server.url))
    assert "(triton) has no model 'signs' that is ready" in told


@pytest.mark.parametrize("status", [401, 403, 302])
def test_an_expired_token_is_an_error_that_does_not_repeat_it(status: int) -> None:
    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        return json_reply({"error": "expired", "request": dict(headers)}, status)

    with small_server(respond) as server:
        told = metadata_error(model_at(server.url, token=TOKEN))
        without = metadata_error(model_at(server.url))
    assert f"refused the token that was sent: it has expired, or has no right to this (HTTP {status}: " in told
    assert told.endswith("set SERVING_TOKEN or --token-file to one that is valid now")
    assert "very-secret" not in told
    assert "refused a request without a token" in without
    assert len(server.requests) == 2, "a refusal is not tried again"


def test_the_token_is_sent_as_a_bearer_token() -> None:
    sent: list[str] = []

    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        sent.append(headers.get("Authorization", ""))
        return known_model(method, path, headers, body)

    with small_server(respond) as server:
        endpoint = model_at(server.url, token=TOKEN)
        assert endpoint.metadata().name == "signs"
        endpoint.close()
    assert sent == [f"Bearer {TOKEN}"]
    assert TOKEN not in repr(endpoint.session.access)


@pytest.mark.parametrize("status", [429, 502, 503, 504, 0], ids=lambda status: str(status or "cut"))
def test_what_may_be_over_soon_is_tried_again(status: int) -> None:
    left = [status, status]

    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        return (left.pop(), {}, b"") if left else known_model(method, path, headers, body)

    with small_server(respond) as server:
        waits: list[float] = []
        endpoint = RestEndpoint(ModelAddress(server.url, "signs"), Access(sleep=waits.append))
        assert endpoint.metadata().versions == ("1",)
        endpoint.close()
    assert waits == [0.25, 0.5]


def test_an_overloaded_server_is_tried_as_often_as_was_asked_and_then_reported() -> None:
    with small_server(lambda *_: (503, {}, b"busy")) as server:
        told = metadata_error(model_at(server.url, retries=1))
    assert "HTTP 503: busy" in told
    assert server.requests.count("GET /v2/models/signs") == 2


def test_an_error_of_the_server_is_not_tried_again() -> None:
    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if path.endswith("/infer"):
            return json_reply({"error": "out of memory"}, 500)
        return known_model(method, path, headers, body)

    with small_server(respond) as server:
        model = connect("m", model_at(server.url), CONTRACT)
        with pytest.raises(ServingError, match=r"could not answer \(HTTP 500: .*out of memory.*\): look into"):
            model.detect(decode(VAL_IMAGES[0]).upright)
        model.endpoint.close()
    assert server.requests.count("POST /v2/models/signs/infer") == 1


@pytest.mark.parametrize(
    ("extensions", "wires"),
    [
        pytest.param(["binary_tensor_data"], ["bytes"], id="it says that it knows bytes"),
        pytest.param([], ["bytes", "JSON"], id="it does not say so"),
        pytest.param(None, ["bytes", "JSON"], id="it says nothing"),
    ],
)
def test_a_server_that_fails_is_asked_again_with_json_only_where_it_does_not_say_that_it_knows_bytes(
    extensions: list[str] | None, wires: list[str]
) -> None:
    asked: list[str] = []

    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if path == "/v2":
            return json_reply(SERVER | {"extensions": extensions})
        asked.append("bytes" if headers.get(JSON_LENGTH) else "JSON")
        return json_reply({"error": "no memory"}, 500)

    with small_server(respond) as server:
        endpoint = model_at(server.url)
        with pytest.raises(ServingError, match=r"could not answer \(HTTP 500: .*no memory"):
            endpoint.infer(np.zeros(CONTRACT.input_shape, np.float32), CONTRACT)
        endpoint.close()
    assert asked == wires


def test_a_server_that_takes_too_long_is_an_error_and_is_not_asked_twice() -> None:
    def respond(*_: object) -> Reply:
        time.sleep(1)
        return json_reply({})

    with small_server(respond) as server:
        told = metadata_error(model_at(server.url, timeout_s=0.2))
    assert "it took longer than 0.2 s: raise --timeout, or lower --in-flight" in told
    assert len(server.requests) == 1


ANSWERS = {
    "no JSON": (b"<html>", "answered what is no answer of the Open Inference Protocol"),
    "another output": (
        {"outputs": [{"name": "boxes", "datatype": "FP32", "shape": [1], "data": [0]}]},
        "answered the outputs boxes, expected output0",
    ),
    "fewer numbers than the shape": (
        {"outputs": [{"name": "output0", "datatype": "FP32", "shape": [1, 6, 1344], "data": [0.5]}]},
        r"answered 1 numbers for output0 of shape \[1, 6, 1344\]",
    ),
    "another shape": (
        {"outputs": [{"name": "output0", "datatype": "FP32", "shape": [1, 2], "data": [0.5, 1]}]},
        r"answered a tensor of shape \[1, 2\], expected \[1, 6, 1344\]",
    ),
    "whole numbers": (
        {"outputs": [{"name": "output0", "datatype": "INT64", "shape": [1], "data": [1]}]},
        "answered output0 as INT64, expected FP32",
    ),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_an_answer_that_is_none_is_an_error(case: str) -> None:
    answer, told = ANSWERS[case]
    content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        return (200, {}, content) if path.endswith("/infer") else known_model(method, path, headers, body)

    with small_server(respond) as server:
        model = connect("m", model_at(server.url), CONTRACT)
        with pytest.raises(ServingError, match=told):
            model.detect(decode(VAL_IMAGES[0]).upright)
        model.endpoint.close()


def test_a_private_authority_is_named_by_its_file(
    model_server: Triton, exported: ExportedModel, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with faulty_proxy(model_server.url, authority.issue_cert("localhost")) as proxy:
        place = ModelAddress(proxy.endpoint, "onnxruntime")
        strange = RestEndpoint(place, Access(retries=0))
        with pytest.raises(ServingError, match="by --ca-bundle"):
            strange.metadata()
        endpoint = RestEndpoint(place, Access(ca_bundle=tmp_path / "ca.pem"))
        assert connect("m", endpoint, exported.contract).detect(decode(VAL_IMAGES[0]).upright).detections
        strange.close()
        endpoint.close()


@pytest.mark.parametrize(
    "url", ["localhost:8000", "ftp://host", "http://me:very-secret@host:8000", "http://host/?token=very-secret"]
)
def test_an_address_that_cannot_be_meant_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(ValueError, match=r"expected http://HOST:PORT") as error:
        check_url(url)
    assert "very-secret" not in str(error.value)


def test_two_names_for_one_model_and_an_address_without_one_are_refused() -> None:
    with pytest.raises(ValueError, match="names the model 'new', and --model is 'base'"):
        split_model_url("http://host:8008/v2/models/new/infer", "base")
    with pytest.raises(ValueError, match="names a server and no model"):
        other_model("http://host:8000/", "")


def test_impossible_limits_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 0 seconds, 0 or more retries"):
        Access(timeout_s=0)
    with pytest.raises(ValueError, match=r"nowhere\.pem is no file"):
        Access(ca_bundle=Path("nowhere.pem"))


@pytest.mark.parametrize("token", ["very secret", "very\nsecret", "geheim-ß"])
def test_a_token_that_no_header_can_have_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(ValueError, match=r"expected one word: see SERVING_TOKEN") as error:
        Access(token=token)
    assert token not in str(error.value)


def test_numbers_that_are_not_finite_are_an_error() -> None:
    output = np.full(CONTRACT.output_shape, np.nan, np.float32)
    facts = {"name": "output0", "datatype": "FP32", "shape": list(output.shape), "data": output.ravel().tolist()}

    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        return json_reply({"outputs": [facts]}) if path.endswith("/infer") else known_model(method, path, headers, body)

    with small_server(respond) as server:
        model = connect("m", model_at(server.url), CONTRACT)
        with pytest.raises(ServingError, match="numbers that are not finite"):
            model.detect(decode(VAL_IMAGES[0]).upright)
        model.endpoint.close()
