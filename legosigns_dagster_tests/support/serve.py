"""`make serve`: a real model server on this machine with the current release, until Ctrl-C.

Where nothing is released yet, it is the current version of `model_weights`.
"""

import argparse
import contextlib
import os
import shlex
import shutil
import signal
import socket
import sys
from pathlib import Path

from legosigns_dagster.cli import dotenv_environment, open_store
from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract
from legosigns_dagster.core.machine import usable_cores
from legosigns_dagster.core.release.layout import MODEL_NAME
from legosigns_dagster.resources.serving.addresses import ModelAddress
from legosigns_dagster.resources.serving.http_session import Access
from legosigns_dagster.resources.serving.onnx_file import OnnxEndpoint
from legosigns_dagster.resources.serving.rest import RestEndpoint
from legosigns_dagster.resources.serving.served_model import connect
from legosigns_dagster.resources.serving.stored_model import StoredModel, fetch_model
from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.triton import add_version, triton

MOST_INSTANCES = 8  # as many images as `legosigns query` asks about at once; each copy takes 110 MB


def find_contract(model: StoredModel) -> ModelContract:
    """The contract of a model; that of a run which wrote none is made from its file and its classes."""
    endpoint = OnnxEndpoint(model.file)
    stored = model.contract or endpoint.stored_contract()
    found = connect("model", endpoint, stored, () if stored else model.classes).contract
    endpoint.close()
    return found


def prepare_repository(model: StoredModel, folder: Path, instances: int) -> Path:
    """Put a model into an empty repository, and its contract beside that.

    Returns:
        The contract's file.
    """
    shutil.rmtree(folder, ignore_errors=True)
    contract = find_contract(model)
    shapes = contract.image_size, ", ".join(map(str, contract.output_shape))
    add_version(folder / "models", MODEL_NAME, model.file, shapes, instances=instances)
    (folder / FILE_NAME).write_text(contract.to_json(), encoding="utf-8")
    return folder / FILE_NAME


def require_free(ports: tuple[int, int]) -> None:
    """Check that nobody listens on these ports.

    Raises:
        OSError: Somebody does.
    """
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise OSError(f"port {port} is in use: end what listens there, or choose another --port")


def serve(options: argparse.Namespace) -> None:
    """Run the server until Ctrl-C, or until it ends."""
    ports = options.port, options.port + 1
    require_free(ports)
    with open_store() as store, fetch_model(store, options.run) as model:
        contract = prepare_repository(model, options.folder, options.instances)
        name = model.name
    with triton(options.folder / "models", [MODEL_NAME], options.folder, ports) as server:
        endpoint = RestEndpoint(ModelAddress(server.url, MODEL_NAME), Access())
        connect(MODEL_NAME, endpoint, ModelContract.load(contract))
        endpoint.close()
        ask = ["legosigns", "query", "IMAGE", "--url", server.url, "--contract", str(contract)]
        print(f"serving {name} as {MODEL_NAME}; ask it from another terminal, and end it by Ctrl-C:")
        print(f".venv/bin/{shlex.join(ask)}", flush=True)
        server.process.wait()


def main() -> None:
    """Serve the current model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / ".legosigns" / "serving", help="the server's files")
    parser.add_argument("--port", type=int, default=8000, help="port of REST; gRPC has the next one")
    parser.add_argument(
        "--instances",
        type=int,
        default=min(usable_cores(os.environ), MOST_INSTANCES),
        help="copies of the model that answer at once, each with one thread (default: %(default)s, one for each core)",
    )
    parser.add_argument("--run", default="", help="the run whose model is served (default: the current one)")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # A process that a script starts in the background ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with contextlib.suppress(KeyboardInterrupt), dotenv_environment():
            serve(options)
    except (OSError, RuntimeError, ValueError) as error:
        sys.exit(f"make serve: {error}")


if __name__ == "__main__":
    main()
