"""Kubernetes as far as dagster-k8s uses it: jobs with one pod each, whose command runs as a process on this machine."""

import contextlib
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from legosigns_dagster_tests.support.cluster import statuses
from legosigns_dagster_tests.support.cluster.containers import Sources
from legosigns_dagster_tests.support.cluster.manifests import Json, check_manifest
from legosigns_dagster_tests.support.cluster.pods import Kubelet, Pod
from legosigns_dagster_tests.support.cluster.scheduler import Node, choose

STEP_S = 0.1


class ConflictError(Exception):
    """An object of this name exists."""


class Cluster:
    """Jobs, pods and events, moved on by one controller thread; every access holds `lock`."""

    def __init__(self, folder: Path, nodes: Sequence[Node], images: set[str], account: Mapping[str, str]) -> None:
        self.lock = threading.RLock()
        self.nodes, self.sources = list(nodes), Sources()
        self.jobs: dict[str, Json] = {}
        self.pods: dict[str, Pod] = {}
        self.events: list[Json] = []
        self.accepted: list[Json] = []  # every job as it was created, in order
        self.past: list[Pod] = []  # every pod there was
        self.peak: Counter[str] = Counter()  # of each device, how many were in use at once at most
        self.quota: dict[str, int] = {}  # of each device, how many the namespace may ask for
        self.kubelet = Kubelet(folder, self.sources, images, account, self.events.append)
        self.started_s: dict[str, float] = {}
        self.finished_s: dict[str, float] = {}

    # What the API does.

    def create_job(self, manifest: Json) -> Json:
        """The job as it is stored; InvalidManifestError or ConflictError where a real server would refuse it."""
        check_manifest(manifest)
        if manifest["spec"].get("backoffLimit") != 0:
            raise NotImplementedError("the stand-in makes no second pod for a job: backoffLimit has to be 0")
        own = manifest["metadata"]
        with self.lock:
            if own["name"] in self.jobs:
                raise ConflictError(own["name"])
            job = manifest | {"metadata": own | statuses.metadata(own["name"], own["namespace"]), "status": {}}
            self.jobs[own["name"]] = job
            self.accepted.append(manifest)
            self.started_s[own["name"]] = time.monotonic()
            return job

    def delete_job(self, name: str, pods_too: bool) -> None:
        """Remove a job; KeyError when there is none. Its pods stay unless the caller wants them gone too."""
        with self.lock:
            del self.jobs[name]
            for pod in [one for one in self.pods.values() if one.job_name == name and pods_too]:
                self.delete_pod(pod.name)

    def delete_pod(self, name: str) -> None:
        """Ask a pod to end and remove it when it has; KeyError when there is none."""
        with self.lock:
            self.pods[name].deleted = True
            self.pods[name].ask_to_end()

    # What goes wrong in clusters.

    def evict(self, pod: Pod) -> None:
        text = (
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 92Mi. "
            "Container dagster was using 1843Mi, request is 2Gi, has larger consumption of memory. "
        )
        with self.lock:
            pod.evict(text, self.events.append)

    def kill(self, pod: Pod) -> None:
        with self.lock:
            pod.kill()

    def lose_node(self, pod: Pod) -> None:
        """Its node is gone: the process at once, and then the pod, without a status that tells how it ended."""
        text = f"Marking for deletion Pod {pod.manifest['metadata']['namespace']}/{pod.name}"
        with self.lock:
            self.events.append(statuses.event(pod.manifest, "TaintManagerEviction", text))
            if pod.container:
                pod.container.end()
            pod.deleted = True

    # The controllers.

    def step(self) -> None:
        """One round of the job controller, the scheduler and the kubelets."""
        with self.lock:
            for job in list(self.jobs.values()):
                self.control(job)
            taken: dict[str, Counter[str]] = defaultdict(Counter)
            for pod in self.pods.values():
                if not pod.over:
                    taken[pod.manifest["spec"].get("nodeName", "")] += pod.devices
            for pod in list(self.pods.values()):
                self.move(pod, taken)

    def move(self, pod: Pod, taken: dict[str, Counter[str]]) -> None:
        """Bring one pod on."""
        node = pod.manifest["spec"].get("nodeName", "")
        if pod.container is None and not pod.over and not pod.deleted:
            if not node:
                node, message = choose(pod.manifest, self.nodes, taken)
                if not node:
                    pod.unschedulable(message, self.events.append)
                    return
                taken[node] += pod.devices
            pod.start(self.kubelet, node)
            in_use: Counter[str] = Counter()
            for one in self.pods.values():
                if one.phase == "Running":
                    in_use += one.devices
            self.peak |= in_use
        pod.watch()
        if pod.deleted and (pod.over or pod.container is None):
            self.count(pod)
            del self.pods[pod.name]

    def control(self, job: Json) -> None:
        """The job controller: one pod for a job, its end is the job's; a deadline, and removal after a time."""
        name, spec = job["metadata"]["name"], job["spec"]
        if "conditions" in job["status"]:
            if time.monotonic() > self.finished_s[name] + spec.get("ttlSecondsAfterFinished", float("inf")):
                self.delete_job(name, pods_too=True)
            return
        mine = [pod for pod in self.pods.values() if pod.job_name == name]
        if not job["status"]:
            job["status"] = {"startTime": statuses.now()}
        if not mine:
            if any(pod.job_name == name for pod in self.past):
                return
            mine = self.create_pod(job)
        for pod in mine:
            job["status"] |= {"active": int(not pod.over)}
            self.count(pod)
        if time.monotonic() > self.started_s[name] + spec.get("activeDeadlineSeconds", float("inf")):
            for pod in mine:
                self.delete_pod(pod.name)
            self.conclude(job, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")

    def create_pod(self, job: Json) -> list[Pod]:
        """The job's pod; none, and an event, where the namespace's quota is used up."""
        pod = Pod.of(job)
        for device, limit in self.quota.items():
            used = sum(one.devices[device] for one in self.pods.values() if not one.over)
            if pod.devices[device] and used + pod.devices[device] > limit:
                text = (
                    f'Error creating: pods "{pod.name}" is forbidden: exceeded quota: team, requested: '
                    f"requests.{device}={pod.devices[device]}, used: requests.{device}={used}, "
                    f"limited: requests.{device}={limit}"
                )
                if not any(event["involvedObject"]["uid"] == job["metadata"]["uid"] for event in self.events):
                    self.events.append(statuses.event(job, "FailedCreate", text))
                return []
        self.pods[pod.name] = pod
        self.past.append(pod)
        self.events.append(statuses.event(job, "SuccessfulCreate", f"Created pod: {pod.name}", "Normal"))
        return [pod]

    def count(self, pod: Pod) -> None:
        """Let the job know when its pod is at its end, or is deleted before it came to one."""
        job = self.jobs.get(pod.job_name)
        if job is None or "conditions" in job["status"]:
            return
        if pod.phase == "Succeeded":
            self.conclude(job, "Complete", "CompletionsReached", "Reached expected number of succeeded pods")
        elif pod.over or (pod.deleted and pod.container is None):
            self.conclude(job, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")

    def conclude(self, job: Json, kind: str, reason: str, message: str) -> None:
        """The job's last status."""
        if kind == "Complete":
            end: Json = {"succeeded": 1, "completionTime": statuses.now()}
        else:
            end = {"failed": 1}
            self.events.append(statuses.event(job, reason, message))
        condition = statuses.condition(kind, True, reason, message)
        job["status"] = {"startTime": job["status"]["startTime"], "conditions": [condition], **end}
        self.finished_s[job["metadata"]["name"]] = time.monotonic()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Controllers that run until the end of the block; then every process that is left is ended."""
        over = threading.Event()

        def rounds() -> None:
            while not over.wait(STEP_S):
                self.step()

        thread = threading.Thread(target=rounds, name="controllers")
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            for pod in self.past:
                if pod.container:
                    pod.container.end()
