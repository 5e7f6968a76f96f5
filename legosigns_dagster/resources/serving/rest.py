"""A model behind a server of the Open Inference Protocol (KServe v2), asked over REST."""

import json
import threading
from typing import Any

import urllib3

from legosigns_dagster.core.inference.contract import ModelContract
from legosigns_dagster.core.inference.prepare import Tensor
from legosigns_dagster.core.inference.requests import encode_binary, encode_json
from legosigns_dagster.resources.serving.addresses import ModelAddress
from legosigns_dagster.resources.serving.endpoint import Answer, ModelMetadata, ServingError, TensorFacts
from legosigns_dagster.resources.serving.http_session import Access, HttpSession, describe_response
from legosigns_dagster.resources.serving.tensor_bodies import decode_answer

BINARY_EXTENSION = "binary_tensor_data"
MAX_REASON = 80  # characters of why a model is not ready: Triton gives a whole traceback


class RestEndpoint:
    """One model, asked with bytes, or with JSON where the server knows no bytes. See `Endpoint`.

    Args:
        place: Which model it is.
        access: How its server is reached.
        binary: Whether to send bytes; None finds out with the first request.
    """

    def __init__(self, place: ModelAddress, access: Access, binary: bool | None = None) -> None:
        self.place, self.session, self._binary = place, HttpSession(place.url, access), binary
        self._finding_out = threading.Lock()
        version = f"/versions/{place.version}" if place.version else ""
        self._path = f"v2/models/{place.model}{version}"

    @property
    def address(self) -> str:
        """See `Endpoint`."""
        return f"{self.session.url}/{self._path}"

    def close(self) -> None:
        """See `Endpoint`."""
        self.session.close()

    def metadata(self) -> ModelMetadata:
        """See `Endpoint`."""
        response = self.session.request("GET", self._path)
        facts = read_json(response)
        if response.status != 200 or not isinstance(facts, dict) or "name" not in facts:
            raise self._not_there(response)
        try:
            tensors = [tuple(map(read_facts, facts.get(kind) or ())) for kind in ("inputs", "outputs")]
            return ModelMetadata(str(facts["name"]), tuple(map(str, facts.get("versions") or ())), *tensors)
        except (ValueError, KeyError, TypeError) as error:
            raise ServingError(
                f"{self.address} answered metadata that is none of the Open Inference Protocol "
                f"({type(error).__name__}: {error}): is it a KServe v2 server?"
            ) from error

    def infer(self, tensor: Tensor, contract: ModelContract) -> Answer:
        """See `Endpoint`."""
        if self._binary is None:
            with self._finding_out:
                if self._binary is None:
                    return self._first_answer(tensor, contract)
        return self._read(self._ask(tensor, contract, bool(self._binary)), contract)

    def _first_answer(self, tensor: Tensor, contract: ModelContract) -> Answer:
        """Ask with bytes. A server that does not name them among its extensions may refuse them: then with JSON.

        MLServer answers HTTP 500 to bytes. OpenVINO Model Server and KServe's own take them without naming them.
        """
        server = self._peek("GET", "v2")
        is_named = isinstance(server, dict) and BINARY_EXTENSION in (server.get("extensions") or ())
        response = self._ask(tensor, contract, binary=True)
        if response.status == 200 or is_named:
            self._binary = True
            return self._read(response, contract)
        answer = self._read(self._ask(tensor, contract, binary=False), contract)
        self._binary = False
        return answer

    def _ask(self, tensor: Tensor, contract: ModelContract, binary: bool) -> urllib3.BaseHTTPResponse:
        body, headers = (encode_binary if binary else encode_json)(tensor, contract)
        return self.session.request("POST", f"{self._path}/infer", body, headers)

    def _read(self, response: urllib3.BaseHTTPResponse, contract: ModelContract) -> Answer:
        if response.status != 200:
            detail = self.session.access.clean(describe_response(response))
            raise ServingError(f"{self.address} could not answer ({detail}): look into the server's log")
        return decode_answer(response.data, response.headers, contract, self.address)

    def _not_there(self, response: urllib3.BaseHTTPResponse) -> ServingError:
        """Make the error for a server that has no such model, or is of another kind."""
        detail = self.session.access.clean(describe_response(response))
        server = self._peek("GET", "v2")
        if not isinstance(server, dict) or "name" not in server:
            return ServingError(
                f"{self.session.url} is no KServe v2 server: for {self._path} it answered {detail}; expected the "
                "address of a server of the Open Inference Protocol, without a path to a model"
            )
        return ServingError(
            f"{self.session.url} ({server['name']}) has no model {self.place.model!r} that is ready ({detail}): "
            f"{self._models()}"
        )

    def _peek(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Ask for JSON that a server need not have, or that others may not see; None where there is none."""
        try:
            response = self.session.request(method, path, body, {"Content-Type": "application/json"} if body else None)
        except ServingError:
            return None
        return read_json(response) if response.status == 200 else None

    def _models(self) -> str:
        """Say which models the server has, where it tells."""
        models = self._peek("POST", "v2/repository/index", b"{}")
        if not isinstance(models, list):
            return "give its name by --model; the server does not tell which models it has"
        return f"give one by --model of {', '.join(map(describe_model, models)) or 'none: the server has no model'}"


def read_json(response: urllib3.BaseHTTPResponse) -> Any:
    """Read a response's JSON; None where it has none."""
    try:
        return json.loads(response.data)
    except ValueError:
        return None


def read_facts(facts: dict[str, Any]) -> TensorFacts:
    """Read what a server says of an input or an output."""
    return TensorFacts(str(facts["name"]), str(facts["datatype"]), tuple(int(size) for size in facts["shape"]))


def describe_model(facts: dict[str, Any]) -> str:
    """Say what a server's index has of a model: name, version, state and why.

    Example:
        >>> describe_model({"name": "signs", "version": "2", "state": "UNAVAILABLE", "reason": "unloaded"})
        'signs (version 2, UNAVAILABLE: unloaded)'
        >>> describe_model({"name": "signs"})
        'signs'
    """
    version = f"version {facts['version']}" if facts.get("version") else ""
    state = ": ".join(" ".join(str(facts[key]).split())[:MAX_REASON] for key in ("state", "reason") if facts.get(key))
    more = ", ".join(text for text in (version, state) if text)
    return f"{facts.get('name')} ({more})" if more else str(facts.get("name"))
