"""The sample's detector as it is served: exported, with its contract, in a real Triton and behind small servers."""

import contextlib
import json
import shutil
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import requests

from legosigns_dagster import sample
from legosigns_dagster.core.classes import SignClasses
from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract
from legosigns_dagster_tests.support.faulty_proxy import QuietServer
from legosigns_dagster_tests.support.triton import Triton, add_version, triton

CLASSES = SignClasses(("SpeedLimit", "DangerAhead"))
VAL = sample.FOLDER / "classical-signs" / "images" / "val"
VAL_IMAGES = sorted(VAL.glob("*.jpg"))
LEGO_IMAGES = sorted((sample.FOLDER / "lego-signs" / "images").glob("*.jpg"))


@dataclass(frozen=True)
class ExportedModel:
    """A folder of weights as a training leaves it.

    Attributes:
        folder: Holds `best.pt`, `model.onnx`, `contract.json` and `weights.json`.
        contract: What the model takes and gives.
    """

    folder: Path
    contract: ModelContract

    @property
    def onnx(self) -> Path:
        return self.folder / "model.onnx"

    @property
    def shapes(self) -> tuple[int, str]:
        """Width of the input, and the sizes of the output, as `add_version` takes them."""
        return self.contract.image_size, ", ".join(map(str, self.contract.output_shape))


def export_model(folder: Path, size: int) -> ExportedModel:
    """Export the sample's base weights at a size, with their contract beside and in the file."""
    from legosigns_dagster.detectors.ultralytics.detector import UltralyticsDetector

    folder.mkdir(parents=True)
    shutil.copyfile(sample.FOLDER / "base.pt", folder / "best.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own warnings are not ours to mend
        contract = UltralyticsDetector().export(folder / "best.pt", size, (0.25, 0.25), folder / "model.onnx")
    (folder / FILE_NAME).write_text(contract.to_json())
    (folder / "weights.json").write_text(json.dumps({"classes": CLASSES.names, "image_size": size}))
    return ExportedModel(folder, contract)


@contextlib.contextmanager
def serve(models: Mapping[str, tuple[ExportedModel, str]], folder: Path) -> Iterator[Triton]:
    """Run a Triton in a folder with models, each by its name and with its engine."""
    for name, (model, engine) in models.items():
        add_version(folder / "models", name, model.onnx, model.shapes, engine)
    with triton(folder / "models", list(models), folder) as server:
        yield server


Reply = tuple[int, dict[str, str], bytes]
METADATA = {
    "name": "signs",
    "versions": ["1"],
    "inputs": [{"name": "images", "datatype": "FP32", "shape": [1, 3, 256, 256]}],
    "outputs": [{"name": "output0", "datatype": "FP32", "shape": [1, 6, 1344]}],
}
SERVER = {"name": "small", "version": "1", "extensions": ["binary_tensor_data"]}


def json_reply(content: object, status: int = 200) -> Reply:
    return status, {"Content-Type": "application/json"}, json.dumps(content).encode()


@dataclass
class SmallServer:
    """A real HTTP server that answers as a function says.

    Attributes:
        respond: Gets method, path, headers and body, and gives status, headers and body.
        port: Where it listens.
        requests: Method and path of each request so far.
    """

    respond: Callable[[str, str, Mapping[str, str], bytes], Reply]
    port: int = 0
    requests: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def small_server(respond: Callable[[str, str, Mapping[str, str], bytes], Reply]) -> Iterator[SmallServer]:
    """Run a server that answers as a function says; an answer with status 0 is a connection that is cut."""
    small = SmallServer(respond)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

        def reply(self) -> None:
            small.requests.append(f"{self.command} {self.path}")
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, content = small.respond(self.command, self.path, dict(self.headers), body)
            if status == 0:
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(content))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = reply  # noqa: N815

    with QuietServer(("127.0.0.1", 0), Handler) as server:
        small.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))  # the seconds that its end may take
        thread.start()
        try:
            yield small
        finally:
            server.shutdown()
            thread.join()


def known_model(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """What a good server says of itself and of its model `signs`; requests to infer are for the test."""
    return json_reply(SERVER if path == "/v2" else METADATA)


def without_bytes(target: str) -> Callable[[str, str, Mapping[str, str], bytes], Reply]:
    """Pass requests on to a real server, but for what MLServer does: no extension, HTTP 500 for bytes."""

    def respond(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if path == "/v2":
            return json_reply({"name": "mlserver", "version": "1.7.1", "extensions": []})
        if headers.get("Inference-Header-Content-Length"):
            return json_reply({"error": "JSONDecodeError: extra data"}, 500)
        answer = requests.request(method, target + path, data=body, headers=dict(headers), timeout=60)
        return answer.status_code, {"Content-Type": "application/json"}, answer.content

    return respond
