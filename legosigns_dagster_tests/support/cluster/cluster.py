"""The part of Kubernetes that dagster-k8s uses: jobs with one pod each, whose command runs as a local process."""

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
from legosigns_dagster_tests.support.cluster.scheduler import Node, choose_node

ROUND_S = 0.1


class ConflictError(Exception):
    """There is an object of this name already."""


class Cluster:
    """Jobs, pods and events, which one thread of controllers works on. Every access holds `lock`.

    Attributes:
        lock: Held by whoever reads or changes anything.
        nodes: The machines.
        sources: The secrets and config maps.
        jobs: The jobs that exist now, by name.
        pods: The pods that exist now, by name.
        events: All events, the oldest first.
        created_jobs: Every job as it was created, the oldest first.
        all_pods: Every pod that there ever was, the oldest first.
        peak_use: Of each device, how many were in use at the same time at most.
        quota: Of each device, how many the namespace may ask for.
        kubelet: What nodes need to run pods.
    """

    def __init__(self, folder: Path, nodes: Sequence[Node], images: set[str], account: Mapping[str, str]) -> None:
        self.lock = threading.RLock()
        self.nodes, self.sources = list(nodes), Sources()
        self.jobs: dict[str, Json] = {}
        self.pods: dict[str, Pod] = {}
        self.events: list[Json] = []
        self.created_jobs: list[Json] = []
        self.all_pods: list[Pod] = []
        self.peak_use: Counter[str] = Counter()
        self.quota: dict[str, int] = {}
        self.kubelet = Kubelet(folder, self.sources, images, account, self.events.append)
        self.started_s: dict[str, float] = {}
        self.finished_s: dict[str, float] = {}

    def create_job(self, manifest: Json) -> Json:
        """Store a job, with the metadata that the server adds.

        Raises:
            InvalidManifestError: A real server would refuse the manifest.
            ConflictError: There is a job of this name.
        """
        check_manifest(manifest)
        if manifest["spec"].get("backoffLimit") != 0:
            raise NotImplementedError("the stand-in makes no second pod for a job: backoffLimit has to be 0")
        metadata = manifest["metadata"]
        with self.lock:
            name = metadata["name"]
            if name in self.jobs:
                raise ConflictError(name)
            job = manifest | {"metadata": metadata | statuses.metadata(name, metadata["namespace"]), "status": {}}
            self.jobs[name] = job
            self.created_jobs.append(manifest)
            self.started_s[name] = time.monotonic()
            return job

    def delete_job(self, name: str, pods_too: bool) -> None:
        """Remove a job, and its pods where the caller wants that. KeyError: there is no such job."""
        with self.lock:
            del self.jobs[name]
            for pod in [pod for pod in self.pods.values() if pod.job_name == name and pods_too]:
                self.delete_pod(pod.name)

    def delete_pod(self, name: str) -> None:
        """Ask a pod to end, and remove it when it has. KeyError: there is no such pod."""
        with self.lock:
            self.pods[name].deleted = True
            self.pods[name].terminate()

    def evict(self, pod: Pod) -> None:
        """Evict a pod because its node is short of memory."""
        text = (
            "The node was low on resource: memory. Threshold quantity: 100Mi, available: 92Mi. "
            "Container dagster was using 1843Mi, request is 2Gi, has larger consumption of memory. "
        )
        with self.lock:
            pod.evict(text, self.events.append)

    def kill(self, pod: Pod) -> None:
        """Kill a pod's process."""
        with self.lock:
            pod.kill()

    def lose_node(self, pod: Pod) -> None:
        """Remove a pod with its node: first the process, then the pod, without a status that says how it ended."""
        text = f"Marking for deletion Pod {pod.manifest['metadata']['namespace']}/{pod.name}"
        with self.lock:
            self.events.append(statuses.event(pod.manifest, "TaintManagerEviction", text))
            if pod.container:
                pod.container.end()
            pod.deleted = True

    def run_round(self) -> None:
        """Run one round of the job controller, the scheduler and the kubelets."""
        with self.lock:
            for job in list(self.jobs.values()):
                self.control_job(job)
            in_use: dict[str, Counter[str]] = defaultdict(Counter)
            for pod in self.pods.values():
                if not pod.has_ended:
                    in_use[pod.manifest["spec"].get("nodeName", "")] += pod.devices
            for pod in list(self.pods.values()):
                self.advance(pod, in_use)

    def advance(self, pod: Pod, in_use: dict[str, Counter[str]]) -> None:
        """Take the next step of one pod, where these devices are in use on each node."""
        node = pod.manifest["spec"].get("nodeName", "")
        if pod.container is None and not pod.has_ended and not pod.deleted:
            if not node:
                node, message = choose_node(pod.manifest, self.nodes, in_use)
                if not node:
                    pod.report_unschedulable(message, self.events.append)
                    return
                in_use[node] += pod.devices
            pod.start(self.kubelet, node)
            running = [other.devices for other in self.pods.values() if other.phase == "Running"]
            self.peak_use |= sum(running, Counter())
        pod.check_process()
        if pod.deleted and (pod.has_ended or pod.container is None):
            self.report_end(pod)
            del self.pods[pod.name]

    def control_job(self, job: Json) -> None:
        """Do what the job controller does: create the job's pod, keep its deadline, and remove it after its time."""
        name, spec = job["metadata"]["name"], job["spec"]
        if "conditions" in job["status"]:
            if time.monotonic() > self.finished_s[name] + spec.get("ttlSecondsAfterFinished", float("inf")):
                self.delete_job(name, pods_too=True)
            return
        own_pods = [pod for pod in self.pods.values() if pod.job_name == name]
        if not job["status"]:
            job["status"] = {"startTime": statuses.now()}
        if not own_pods:
            if any(pod.job_name == name for pod in self.all_pods):
                return
            own_pods = self.create_pod(job)
        for pod in own_pods:
            job["status"] |= {"active": int(not pod.has_ended)}
            self.report_end(pod)
        if time.monotonic() > self.started_s[name] + spec.get("activeDeadlineSeconds", float("inf")):
            for pod in own_pods:
                self.delete_pod(pod.name)
            self.finish_job(job, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")

    def create_pod(self, job: Json) -> list[Pod]:
        """Create the job's pod. Where the namespace's quota is used up, add an event instead and return no pod."""
        pod = Pod.for_job(job)
        for device, limit in self.quota.items():
            used = sum(other.devices[device] for other in self.pods.values() if not other.has_ended)
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
        self.all_pods.append(pod)
        self.events.append(statuses.event(job, "SuccessfulCreate", f"Created pod: {pod.name}", "Normal"))
        return [pod]

    def report_end(self, pod: Pod) -> None:
        """Finish the job of a pod that has ended, or that was deleted before it started."""
        job = self.jobs.get(pod.job_name)
        if job is None or "conditions" in job["status"]:
            return
        if pod.phase == "Succeeded":
            self.finish_job(job, "Complete", "CompletionsReached", "Reached expected number of succeeded pods")
        elif pod.has_ended or (pod.deleted and pod.container is None):
            self.finish_job(job, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")

    def finish_job(self, job: Json, kind: str, reason: str, message: str) -> None:
        """Set the job's last status."""
        if kind == "Complete":
            end: Json = {"succeeded": 1, "completionTime": statuses.now()}
        else:
            end = {"failed": 1}
            self.events.append(statuses.event(job, reason, message))
        condition = statuses.condition(kind, True, reason, message)
        job["status"] = {"startTime": job["status"]["startTime"], "conditions": [condition], **end}
        self.finished_s[job["metadata"]["name"]] = time.monotonic()

    @contextlib.contextmanager
    def run_controllers(self) -> Iterator[None]:
        """Run the controllers until the end of the block. Then kill every process that is left."""
        stopping = threading.Event()

        def run_rounds() -> None:
            while not stopping.wait(ROUND_S):
                self.run_round()

        thread = threading.Thread(target=run_rounds, name="controllers")
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()
            for pod in self.all_pods:
                if pod.container:
                    pod.container.end()
