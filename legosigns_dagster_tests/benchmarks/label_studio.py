"""Measure extraction from a real Label Studio with images in a real S3, beside the SDK on the same server.

`python -m legosigns_dagster_tests.benchmarks.label_studio` starts both servers and fills them with 1,000 and with 4,000
tasks. It prints seconds and peak memory (the process's largest resident set). Each figure is from a fresh process and
without its imports. Ours is what `raw_annotations` does: load the previous version from the store, read annotations,
decode and hash images, split, compare with the previous version, and save the new version (`--store s3`: in S3). The
SDK lists all tasks and downloads one image after another. It decodes nothing and stores nothing.
"""

import argparse
import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests

from legosigns_dagster.core.dataset.difference import difference
from legosigns_dagster.core.files import folder_digest, index_folder
from legosigns_dagster.core.ingestion.incremental import PreviousVersion, extract_dataset
from legosigns_dagster.core.ingestion.settings import Recipe
from legosigns_dagster.resources.label_studio.api import ApiSource
from legosigns_dagster.resources.label_studio.client import LabelStudioClient
from legosigns_dagster.resources.label_studio.images import ImageFetcher
from legosigns_dagster.resources.label_studio.project import ProjectConnection
from legosigns_dagster.resources.label_studio.quick_ack import QuickAckAdapter
from legosigns_dagster.resources.storage.object_store import LocalObjectStore, ObjectStore
from legosigns_dagster.resources.storage.s3_object_store import S3ObjectStore
from legosigns_dagster.resources.storage.snapshot_store import SnapshotStore
from legosigns_dagster_tests.support.builders import CLASSES, region, write_image
from legosigns_dagster_tests.support.label_studio_project import LabelStudioProject
from legosigns_dagster_tests.support.logs import PrintedLog
from legosigns_dagster_tests.support.servers import LABEL_STUDIO, LabelStudio, S3Server, label_studio, seaweedfs

BUCKET, STORE = "images", "store"
SDK = """
import json, resource, sys, time
from pathlib import Path
from urllib.parse import urljoin
import requests
from label_studio_sdk import LabelStudio
from legosigns_dagster_tests.support.logs import PrintedLog
given = json.loads(sys.argv[1])
start = time.perf_counter()
client = LabelStudio(base_url=given["url"], api_key=given["key"], timeout=300)
with requests.Session() as session:
    for number, task in enumerate(client.tasks.list(project=int(given["project"]))):
        header = {"Authorization": client._client_wrapper.get_headers()["Authorization"]}
        answer = session.get(urljoin(given["url"], task.data["image"]), headers=header)
        answer.raise_for_status()
        (Path(given["into"]) / f"{number}.jpg").write_bytes(answer.content)
seconds, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"seconds": seconds, "peak": peak, "images": number + 1}))
"""
PROGRESS = PrintedLog(sys.stderr, "  ")  # does not mix with the figures


def fill(project: LabelStudioProject, s3: S3Server, first: int, count: int, folder: Path) -> None:
    """Create the project with tasks that have an image of 640x480 px in S3 and three boxes each."""
    project.create(title=f"{count} tasks")
    client = s3.client()

    def put(number: int) -> None:
        file = write_image(folder / f"{number}.jpg", number, (640, 480))
        client.upload_file(str(file), BUCKET, f"{number}.jpg")
        file.unlink()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(first, first + count)))
    size = {"original_width": 640, "original_height": 480}
    result = [region(x, 30, 20, 30, id=f"r{x}", **size) for x in (5, 35, 65)]
    for start in range(first, first + count, 500):
        numbers = range(start, min(start + 500, first + count))
        body = [{"data": {"image": f"s3://{BUCKET}/{n}.jpg"}, "annotations": [{"result": result}]} for n in numbers]
        project.labels.call("POST", f"projects/{project.id}/import", body)
    project.add_storage("s3/", s3, BUCKET, use_blob_urls=True, presign=True, presign_ttl=5)


def extract(given: dict[str, Any]) -> None:
    """Run one extraction of ours in this process, and print seconds, peak MiB and digest as JSON."""
    s3, folder = S3Server(given["s3"]), Path(given["folder"])
    importlib.import_module("legosigns_dagster.definitions")  # what a run's process has loaded
    importlib.import_module("scipy.fftpack")  # is imported by the first image otherwise
    s3_client = s3.client()
    objects: ObjectStore = LocalObjectStore(folder / "store")
    if given["store"] == "s3":
        objects = S3ObjectStore(s3_client, STORE)
    start = time.perf_counter()
    store = SnapshotStore(objects, folder / "cache", f"{given['project']}/")
    work = Path(tempfile.mkdtemp(dir=folder))
    before = None
    if given["again"]:
        store.load(store.find("raw_annotations"), work / "before")
        before = PreviousVersion.load(work / "before")
    connection = ProjectConnection(LabelStudioClient(given["url"], given["key"]), given["project"])
    (work / "annotations").mkdir()
    extraction = ApiSource(connection, CLASSES, PROGRESS).extract(work / "annotations", before)
    (work / "new").mkdir()
    fetch = ImageFetcher(None, lambda: s3_client, connection)
    dataset = extract_dataset(extraction, before, fetch, Recipe(CLASSES), work / "new", PROGRESS)
    if before:
        PROGRESS.info(difference(before.dataset, dataset, [task.id for task in extraction.tasks]).text())
    store.save("raw_annotations", str(time.time_ns()), dataset.save())
    seconds, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    digest = folder_digest(index_folder(dataset.folder))
    print(json.dumps({"seconds": seconds, "peak": peak, "images": len(dataset.images), "digest": digest}))


def request_ms(session: requests.Session, url: str) -> float:
    """Measure a small request: the median of 15, in milliseconds."""
    times = []
    for _ in range(15):
        start = time.perf_counter()
        session.get(url).raise_for_status()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def run_process(what: str, command: list[str], given: dict[str, Any]) -> dict[str, Any]:
    """Run a command in a fresh process and read the figures that it prints last."""
    print(what, file=sys.stderr, flush=True)
    done = subprocess.run([*command, json.dumps(given)], stdout=subprocess.PIPE, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(f"  {figures['seconds']:.1f} s, {figures['peak']:.0f} MiB", file=sys.stderr, flush=True)
    return figures


def measure(labels: LabelStudio, s3: S3Server, folder: Path, few: int, many: int, store: str) -> None:
    ours = [sys.executable, "-m", __spec__.name, "--extract"]
    (folder / "sdk").mkdir()

    def given(project: LabelStudioProject, again: bool) -> dict[str, Any]:
        keys = {"url": labels.url, "key": labels.personal_token, "project": project.id, "s3": s3.endpoint}
        return keys | {"folder": str(folder), "into": str(folder / "sdk"), "again": again, "store": store}

    project = LabelStudioProject(labels, folder)
    print(f"filling with {few} tasks", file=sys.stderr, flush=True)
    fill(project, s3, 0, few, folder)
    rows = {"the SDK's list of all tasks, one download after another": run_process(
        "the SDK's way", [str(LABEL_STUDIO / "bin" / "python"), "-c", SDK], given(project, False))}  # fmt: skip
    first = run_process("ours, first", ours, given(project, False))
    still = run_process("ours, nothing changed", ours, given(project, True))
    tasks = project.labels.call("GET", f"tasks/?project={project.id}&fields=task_only&page_size=10")["tasks"]
    for task in tasks:
        project.change_annotation(str(task["id"]), [])
    changed = run_process("ours, 10 changed", ours, given(project, True))
    rows |= {"ours, first extraction": first, "ours, nothing changed": still, "ours, 10 tasks changed": changed}
    scratch = run_process("ours, from scratch", ours, given(project, False))
    assert scratch["digest"] == changed["digest"] != still["digest"] == first["digest"]
    print(f"{f'{few} tasks, store: {store}':58} {'seconds':>8} {'peak MiB':>9} {'times the first':>16}")
    for name, one in rows.items():
        ratio = one["seconds"] / first["seconds"]
        print(f"{name:58} {one['seconds']:8.2f} {one['peak']:9.0f} {ratio:16.3f}")
    theirs = next(iter(rows.values()))
    for name, one, other in (("SDK / first", theirs, first), ("first / nothing changed", first, still),
                             ("first / 10 changed", first, changed)):  # fmt: skip
        print(f"{name:58} {one['seconds'] / other['seconds']:8.1f}")
    plain, ours_session = requests.Session(), requests.Session()
    ours_session.mount("http://", QuickAckAdapter())
    slow, fast = (request_ms(session, f"{labels.url}/health") for session in (plain, ours_session))
    print(f"{'ms a small request: requests, ours, ratio':58} {slow:8.1f} {fast:9.1f} {slow / fast:16.1f}")
    if many:
        fill(project, s3, few, many, folder)
        more = run_process(f"ours, {many} tasks", ours, given(project, False))
        print(f"{f'peak MiB at {few} and at {many} tasks, difference':58} "
              f"{first['peak']:8.0f} {more['peak']:9.0f} {more['peak'] - first['peak']:16.0f}")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=1000)
    parser.add_argument("--many", type=int, default=4000, help="tasks for the peak of memory; 0 leaves it out")
    parser.add_argument("--store", choices=["disk", "s3"], default="disk")
    parser.add_argument("--extract", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.extract:
        extract(json.loads(chosen.extract))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("label-studio", "seaweedfs", "work"):
            (folder / part).mkdir()
        with label_studio(folder / "label-studio") as labels, seaweedfs(folder / "seaweedfs") as s3:
            for bucket in (BUCKET, STORE):
                s3.client().create_bucket(Bucket=bucket)
            measure(labels, s3, folder / "work", chosen.few, chosen.many, chosen.store)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    main()
