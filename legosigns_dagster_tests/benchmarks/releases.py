"""Releases in a SeaweedFS: `python -m legosigns_dagster_tests.benchmarks.releases`.

The sample's detector, exported at 640 px, is published several times with its golden answers, each time under a new
number: stored, read back, compared by SHA-256, made the current one. Then one release after the other is rolled back
to: by the function, and by the command, beside which it only starts and prints its help.

Bytes are counted in one more roll-back, through a proxy that adds up the bodies of all requests and answers. What the
store itself copies, since a client asks it to, never passes through a client.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from legosigns_dagster.core.images.decoded_image import decode
from legosigns_dagster.core.release.golden import draw_fixed_image, golden_files, write_files
from legosigns_dagster.core.release.layout import MIRRORS, MODEL
from legosigns_dagster.core.release.release import Origin
from legosigns_dagster.detectors.onnx.engines import open_onnxruntime
from legosigns_dagster.resources.releases.current import current_number, roll_back
from legosigns_dagster.resources.releases.listing import require_release
from legosigns_dagster.resources.releases.publish import ReleaseDraft, publish_release
from legosigns_dagster.resources.storage.object_store import ObjectStore
from legosigns_dagster.resources.storage.s3_client import S3
from legosigns_dagster_tests.support.faulty_proxy import faulty_proxy
from legosigns_dagster_tests.support.logs import SILENT
from legosigns_dagster_tests.support.served_models import VAL_IMAGES, export_model
from legosigns_dagster_tests.support.servers import S3Server, seaweedfs

MIB, LEGOSIGNS = 2**20, Path(sys.executable).with_name("legosigns")
GOLDEN_VAL_IMAGES = 3  # as many as a release has


def open_bucket(server: S3Server, bucket: str, endpoint: str = "") -> ObjectStore:
    """Open a bucket as the project does, behind its server's address or another one."""
    s3 = S3(
        endpoint_url=endpoint or server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
    )
    return s3.objects(bucket)


def make_draft(size: int, folder: Path) -> ReleaseDraft:
    """Make all that is released of the sample's detector: model, weights, contract, and golden answers."""
    model = export_model(folder / "exported", size)
    images = {f"image-{number}": decode(file).upright for number, file in enumerate(VAL_IMAGES[:GOLDEN_VAL_IMAGES])}
    images["drawn"] = draw_fixed_image()
    write_files(golden_files(images, model.contract, open_onnxruntime(model.onnx)), folder / "golden")
    origin = Origin("run", {"model_weights": "0123456789ab"}, {"onnx_parity": "equal"}, "base weights")
    return ReleaseDraft(model.onnx, model.folder / "best.pt", model.contract, folder / "golden", origin)


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes, in seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def publish(objects: ObjectStore, draft: ReleaseDraft, times: int) -> list[float]:
    """Publish a draft several times, and return the seconds of each."""
    found = []
    for number in range(1, times + 1):
        named = replace(draft, origin=replace(draft.origin, run_id=f"run-{number}"))
        found.append(seconds(partial(publish_release, objects, named, SILENT)))
        assert current_number(objects) == number
    return found


def roll_back_each(objects: ObjectStore, times: int) -> list[float]:
    """Roll back to each release, the last but one first, and then to the last one; return the seconds of each."""
    found = []
    for number in [*range(times - 1, 0, -1), times]:
        found.append(seconds(partial(roll_back, objects, number)))
        assert current_number(objects) == number
    return found


def run_roll_backs(server: S3Server, bucket: str, times: int) -> tuple[list[float], list[float]]:
    """Roll back by the command, and beside each time let it only start; return the seconds of both."""
    environment = os.environ | server.environment(bucket)
    run = partial(subprocess.run, env=environment, check=True, capture_output=True)
    found = []
    for number in range(1, times + 1):
        command = [str(LEGOSIGNS), "release", "rollback"]
        found.append([seconds(partial(run, [*command, end])) for end in (str(number), "--help")])
    whole, start = zip(*found, strict=True)
    return list(whole), list(start)


@dataclass(frozen=True)
class Traffic:
    """What one roll-back moved.

    Attributes:
        requests: How many requests it sent.
        passed: Bytes of the bodies of all requests and answers.
        copied: Bytes that the store copied inside of itself, by key.
        model: Bytes of the model's file.
    """

    requests: int
    passed: int
    copied: dict[str, int]
    model: int


def count_traffic(server: S3Server, bucket: str, number: int) -> Traffic:
    """Roll back through a proxy that counts."""
    with faulty_proxy(server.endpoint) as proxy:
        objects = open_bucket(server, bucket, proxy.endpoint)
        roll_back(objects, number)
    written = {request.split("?")[0] for request in proxy.requests if request.startswith("PUT ")}
    copied = [key for key in MIRRORS if f"PUT /{bucket}/{key}" in written]
    sizes = {item.key: item.size for item in objects.list_objects("")}
    model = require_release(objects, number).files[MODEL].size
    return Traffic(len(proxy.requests), proxy.bodies, {key: sizes[key] for key in copied}, model)


def row(what: str, found: list[float]) -> str:
    each = " ".join(f"{one:.2f}" for one in found)
    return f"{what:42} {statistics.median(found):6.2f} s   each: {each}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=640, help="width of the model's input in pixels")
    parser.add_argument("--times", type=int, default=7, help="how many releases are published")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as work,
        tempfile.TemporaryDirectory() as data,
        seaweedfs(Path(data)) as server,
        server.new_bucket("releases") as bucket,
    ):
        draft, objects = make_draft(options.size, Path(work)), open_bucket(server, bucket)
        print(row("publish", publish(objects, draft, options.times)), flush=True)
        files = require_release(objects, 1).files
        print(f"  {sum(entry.size for entry in files.values()) / MIB:.1f} MiB in {len(files)} files", flush=True)
        print(row("roll back", roll_back_each(objects, options.times)), flush=True)
        whole, start = run_roll_backs(server, bucket, min(options.times, 3))
        print(row("legosigns release rollback N", whole), row("legosigns release rollback --help", start), sep="\n")
        traffic = count_traffic(server, bucket, 1)
    assert traffic.passed < traffic.model, "bytes of a model came through the proxy"
    print(f"a roll-back through the proxy: {traffic.requests} requests, {traffic.passed} bytes in all bodies together")
    print(f"  the model has {traffic.model} bytes: none of them came through")
    copies = ", ".join(f"{key} ({size} bytes)" for key, size in traffic.copied.items())
    print(f"  copied by the store itself: {copies}")


if __name__ == "__main__":
    main()
