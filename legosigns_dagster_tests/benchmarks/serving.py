"""A served model, asked over a real Triton on this machine: `python -m …benchmarks.serving`.

Client and server share the machine's cores. The ratios are the figures: other work on the machine slows both sides. How
much several requests in flight can bring depends on the cores that are free: so in each round two processes that only
count are held against one.
"""

import argparse
import functools
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import onnxruntime

from legosigns_dagster.core.images.decoded_image import decode as decode_image
from legosigns_dagster.core.inference.decode import decode
from legosigns_dagster.core.inference.prepare import prepare
from legosigns_dagster.core.inference.requests import encode_binary
from legosigns_dagster.resources.serving.addresses import ModelAddress
from legosigns_dagster.resources.serving.ask import ask_all
from legosigns_dagster.resources.serving.endpoint import Endpoint
from legosigns_dagster.resources.serving.frames import file_frames
from legosigns_dagster.resources.serving.grpc_endpoint import GrpcEndpoint
from legosigns_dagster.resources.serving.http_session import Access
from legosigns_dagster.resources.serving.rest import RestEndpoint
from legosigns_dagster.resources.serving.served_model import ServedModel, connect
from legosigns_dagster.resources.serving.tensor_bodies import decode_answer
from legosigns_dagster_tests.support.served_models import VAL_IMAGES, ExportedModel, export_model
from legosigns_dagster_tests.support.triton import Triton, add_version, triton

ROUNDS = 3


def median_ms(call: Callable[[], object], times: int) -> float:
    """The median time of a call, in milliseconds, after one that does not count."""
    call()
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


def own_times(model: ExportedModel, times: int) -> tuple[dict[str, float], float]:
    """What the client itself does for a request, in milliseconds, and what the model takes in one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model.onnx), options, providers=["CPUExecutionProvider"])
    contract, image = model.contract, decode_image(VAL_IMAGES[0]).upright
    tensor, placement = prepare(image, contract)
    output = session.run([contract.output_name], {contract.input_name: tensor})[0]
    head = b'{"outputs":[{"name":"output0","datatype":"FP32","shape":[1,%d,%d],"parameters":{"binary_data_size":%d}}]}'
    head %= (output.shape[1], output.shape[2], output.nbytes)
    body, headers = head + output.tobytes(), {"Inference-Header-Content-Length": str(len(head))}
    own = {
        "prepare": median_ms(lambda: prepare(image, contract), times),
        "encode": median_ms(lambda: encode_binary(tensor, contract), times),
        "decode": median_ms(
            lambda: decode(decode_answer(body, headers, contract, "").output, contract, placement, contract.thresholds),
            times,
        ),
    }
    return own, median_ms(lambda: session.run([contract.output_name], {contract.input_name: tensor}), times)


def wire_times(server: Triton, model: ExportedModel, name: str, times: int) -> dict[str, float]:
    """How long a request takes, in milliseconds, by how its tensor travels."""
    tensor, _ = prepare(decode_image(VAL_IMAGES[0]).upright, model.contract)
    rest, grpc = ModelAddress(server.url, name), ModelAddress(server.grpc_url, name)
    found = {}
    endpoints: dict[str, Endpoint] = {
        "binary": RestEndpoint(rest, Access(), binary=True),
        "JSON": RestEndpoint(rest, Access(), binary=False),
        "gRPC": GrpcEndpoint(grpc, Access()),
    }
    for wire, endpoint in endpoints.items():
        few = max(3, times // 5) if wire == "JSON" else times
        found[wire] = median_ms(functools.partial(endpoint.infer, tensor, model.contract), few)
        endpoint.close()
    return found


def count_for(seconds: float) -> int:
    """Keep a core busy, and say how far it came."""
    end, turns = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        sum(range(2000))
        turns += 1
    return turns


def free_cores(seconds: float = 2.0) -> float:
    """How much more two processes do than one at this moment: 2 on two free cores."""
    done = []
    for processes in (1, 2):
        with multiprocessing.get_context("spawn").Pool(processes) as pool:
            pool.map(count_for, [0.1] * processes)
            done.append(sum(pool.map(count_for, [seconds] * processes, chunksize=1)))
    return done[1] / done[0]


def images_per_second(model: ServedModel, in_flight: int, images: int) -> float:
    """How many images of a folder are answered in a second."""
    frames = [frame for number in range(images) for frame in file_frames(VAL_IMAGES[number % len(VAL_IMAGES)], 1, None)]
    start = time.perf_counter()
    rows = list(ask_all([model], frames, None, in_flight))
    assert all(row.is_answered for row in rows)
    return images / (time.perf_counter() - start)


def measure(size: int, times: int, images: int, folder: Path) -> None:
    """Print the rows of one size."""
    model, name = export_model(folder / "exported", size), "signs"
    add_version(folder / "models", name, model.onnx, model.shapes, instances=2)
    own, in_process = own_times(model, times)
    parts = ", ".join(f"{part} {ms:.1f}" for part, ms in own.items())
    total = sum(own.values())
    print(f"{size} px  client's own, ms          {total:8.1f} ({parts})")
    print(f"{size} px  the model in process, ms  {in_process:8.1f}  client's own is {total / in_process:.2f} of it")
    with triton(folder / "models", [name], folder) as server:
        wires = wire_times(server, model, name, times)
        for wire, ms in wires.items():
            print(f"{size} px  request by {wire:6}, ms     {ms:8.1f}  {wires['JSON'] / ms:.1f} times as fast as JSON")
        asked = connect(name, RestEndpoint(ModelAddress(server.url, name), Access()), model.contract)
        rates: dict[int, list[float]] = {1: [], 8: []}
        cores = []
        for _ in range(ROUNDS):
            cores.append(free_cores())
            for in_flight, found in rates.items():
                found.append(images_per_second(asked, in_flight, images))
        asked.endpoint.close()
    slow, fast = (statistics.median(found) for found in rates.values())
    print(f"{size} px  two processes for one     {statistics.median(cores):8.2f}  in each round: {spell(cores)}")
    print(f"{size} px  images/s, one by one      {slow:8.1f}")
    gains = [many / one for one, many in zip(*rates.values(), strict=True)]
    print(f"{size} px  images/s, 8 in flight     {fast:8.1f}  times as many, in each round: {spell(gains)}", flush=True)


def spell(numbers: list[float]) -> str:
    return ", ".join(f"{number:.2f}" for number in numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 640])
    parser.add_argument("--times", type=int, default=30, help="requests for each figure")
    parser.add_argument("--images", type=int, default=80, help="images of the folder")
    given = parser.parse_args()
    for size in given.sizes:
        with tempfile.TemporaryDirectory() as name:
            measure(size, given.times, given.images, Path(name))


if __name__ == "__main__":
    main()
