"""Which models `legosigns query` asks: behind a server, or in an ONNX file on this machine."""

import argparse
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from legosigns_dagster.commands.subcommand import StoreOpener
from legosigns_dagster.core.inference.contract import FILE_NAME, ModelContract
from legosigns_dagster.core.variables import strip_value
from legosigns_dagster.resources.serving.addresses import ModelAddress, other_model, split_model_url
from legosigns_dagster.resources.serving.endpoint import Endpoint
from legosigns_dagster.resources.serving.grpc_endpoint import GrpcEndpoint
from legosigns_dagster.resources.serving.http_session import Access
from legosigns_dagster.resources.serving.onnx_file import OnnxEndpoint
from legosigns_dagster.resources.serving.rest import RestEndpoint
from legosigns_dagster.resources.serving.served_contract import fits_contract
from legosigns_dagster.resources.serving.served_model import ServedModel, connect
from legosigns_dagster.resources.serving.stored_model import StoredModel, fetch_model

TOKEN = "SERVING_TOKEN"


@contextmanager
def open_models(options: argparse.Namespace, open_store: StoreOpener) -> Iterator[list[ServedModel]]:
    """Connect to the model, and to the one to compare it with.

    Raises:
        ServingError: A model cannot be asked, or is another one than its contract says.
        OSError: A file cannot be read, or the store has no model.
        ValueError: The options do not fit each other.
    """
    check_options(options)
    with ExitStack() as stack:
        models = [first_model(options, open_store, stack)]
        if options.compare_with:
            models.append(second_model(options, open_store, stack, models[0]))
        yield models


def check_options(options: argparse.Namespace) -> None:
    """Refuse options that do not fit each other.

    Raises:
        ValueError: They do not. The message names them.
    """
    if options.url and options.onnx:
        raise ValueError("--url asks a server and --onnx a file on this machine: give one of them")
    named = {"--onnx": options.onnx, "--run": options.run_id, "--release": options.release}
    if len(given := [name for name, value in named.items() if value]) > 1:
        raise ValueError(f"{' and '.join(given)} both name the model: give one of them")
    if not options.url and (options.grpc or options.model):
        raise ValueError("--grpc and --model are for a server: add --url http://HOST:PORT")


def first_model(options: argparse.Namespace, open_store: StoreOpener, stack: ExitStack) -> ServedModel:
    """Connect to the model that is asked."""
    contract = ModelContract.load(options.contract) if options.contract else None
    if options.url:
        place = split_model_url(options.url, options.model)
        if contract is None and (options.run_id or options.release):
            contract = stored_model(options, open_store, stack).contract
        return connect(place.model, open_server(place, options, stack), contract, options.classes)
    if options.onnx:
        return local_model(options.onnx.stem, options.onnx, contract, options, stack)
    stored = stored_model(options, open_store, stack)
    if contract or stored.contract:
        return local_model(stored.name, stored.file, contract or stored.contract, options, stack)
    return connect(stored.name, open_file(stored.file, stack), None, options.classes or stored.classes)


def second_model(
    options: argparse.Namespace, open_store: StoreOpener, stack: ExitStack, first: ServedModel
) -> ServedModel:
    """Connect to the model to compare with: its own contract where it has one, else the first one's classes."""
    text, names = options.compare_with, first.contract.classes.names
    if text.endswith(".onnx"):
        file = open_file(Path(text), stack)
        return connect(Path(text).stem, file, file.stored_contract(), () if file.stored_contract() else names)
    if options.url or "://" in text:
        place = other_model(text, split_model_url(options.url).url if options.url else "")
        return connect_like(first, place.model, open_server(place, options, stack))
    store = stack.enter_context(open_store())
    number = int(text) if text.isdecimal() else 0
    stored = stack.enter_context(fetch_model(store, "" if number else text, number))
    return connect(stored.name, open_file(stored.file, stack), stored.contract, stored.classes)


def connect_like(first: ServedModel, name: str, endpoint: Endpoint) -> ServedModel:
    """Connect to a model with another one's contract where that fits, else with its classes."""
    if fits_contract(endpoint.metadata(), first.contract):
        return ServedModel(name, endpoint, first.contract)
    return connect(name, endpoint, None, first.contract.classes.names)


def local_model(
    name: str, path: Path, contract: ModelContract | None, options: argparse.Namespace, stack: ExitStack
) -> ServedModel:
    """Open an ONNX file with a contract: the given one, that in the file, or that beside it."""
    file, beside = open_file(path, stack), path.with_name(FILE_NAME)
    contract = contract or file.stored_contract() or (ModelContract.load(beside) if beside.is_file() else None)
    return connect(name, file, contract, options.classes)


def open_file(path: Path, stack: ExitStack) -> OnnxEndpoint:
    """Open an ONNX file until the end of the command."""
    endpoint = OnnxEndpoint(path)
    stack.callback(endpoint.close)
    return endpoint


def open_server(place: ModelAddress, options: argparse.Namespace, stack: ExitStack) -> Endpoint:
    """Open a connection to a server until the end of the command."""
    token = options.token_file.read_text(encoding="utf-8") if options.token_file else os.environ.get(TOKEN, "")
    access = Access(str(strip_value(token)), options.ca_bundle, options.timeout, options.retries, options.in_flight)
    endpoint: Endpoint = GrpcEndpoint(place, access) if options.grpc else RestEndpoint(place, access)
    stack.callback(endpoint.close)
    return endpoint


def stored_model(options: argparse.Namespace, open_store: StoreOpener, stack: ExitStack) -> StoredModel:
    """Fetch the model of a run or of a release, or the current one, out of the store."""
    store = stack.enter_context(open_store())
    return stack.enter_context(fetch_model(store, options.run_id, options.release))
