"""A pod from its creation to its end, in small steps that never wait."""

import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kubernetes.utils.quantity import parse_quantity

from legosigns_dagster_tests.support.cluster import statuses
from legosigns_dagster_tests.support.cluster.containers import ConfigError, Container, Sources
from legosigns_dagster_tests.support.cluster.manifests import Json
from legosigns_dagster_tests.support.cluster.scheduler import device_counts

GRACE_S = 30.0
MEMORY_EVERY_S = 0.5


@dataclass
class Kubelet:
    """What a node needs to run pods.

    Attributes:
        folder: Where each pod gets a folder of its own.
        sources: The secrets and config maps of the cluster.
        images: The images that can be pulled.
        account: Variables by which a process in a pod reaches the API.
        tell: Called with each event.
    """

    folder: Path
    sources: Sources
    images: set[str]
    account: Mapping[str, str]
    tell: Callable[[Json], None]


@dataclass
class Pod:
    """A pod's manifest, and its process once it runs.

    Attributes:
        manifest: The pod as the API returns it, with its status.
        container: Its only container. None: not started.
        kill_at_s: When a process that was asked to end is killed, in seconds of the monotonic clock.
        deleted: Whether it is removed when it has ended.
        memory_checked_s: When its memory was last measured, in seconds of the monotonic clock.
        started_s: When its process was started, in seconds of the monotonic clock.
    """

    manifest: Json
    container: Container | None = None
    kill_at_s: float = float("inf")
    deleted: bool = False
    memory_checked_s: float = 0.0
    started_s: float = 0.0

    @classmethod
    def for_job(cls, job: Json) -> "Pod":
        """Make the pod that the job controller creates for a job."""
        job_metadata, template = job["metadata"], job["spec"]["template"]
        labels = template["metadata"].get("labels", {}) | {
            "job-name": job_metadata["name"],
            "batch.kubernetes.io/job-name": job_metadata["name"],
            "controller-uid": job_metadata["uid"],
        }
        name = f"{job_metadata['name'][:57]}-{secrets.token_hex(3)[:5]}"
        metadata = statuses.metadata(name, job_metadata["namespace"], labels=labels)
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": dict(template["spec"])}
        return cls(manifest | {"status": statuses.pending_status()})

    @property
    def name(self) -> str:
        """The pod's name."""
        return str(self.manifest["metadata"]["name"])

    @property
    def job_name(self) -> str:
        """The name of its job."""
        return str(self.manifest["metadata"]["labels"]["job-name"])

    @property
    def step(self) -> str:
        """The step that it runs. Empty: it is the pod of a run."""
        return str(self.manifest["metadata"]["labels"].get("dagster/op", ""))

    @property
    def phase(self) -> str:
        """`Pending`, `Running`, `Succeeded` or `Failed`."""
        return str(self.manifest["status"]["phase"])

    @property
    def has_ended(self) -> bool:
        """Whether its process has ended."""
        return self.phase in ("Succeeded", "Failed")

    @property
    def devices(self) -> Counter[str]:
        """How many of each device it asks for."""
        return device_counts(self.manifest)

    def set_status(self, status: Json) -> None:
        """Replace the status."""
        self.manifest = self.manifest | {"status": status}

    def report_unschedulable(self, message: str, tell: Callable[[Json], None]) -> None:
        """Report that no node takes it."""
        conditions = self.manifest["status"]["conditions"]
        if not conditions or conditions[0]["message"] != message:
            self.set_status(
                statuses.pending_status(statuses.condition("PodScheduled", False, "Unschedulable", message))
            )
            tell(statuses.event(self.manifest, "FailedScheduling", message))

    def start(self, kubelet: Kubelet, node: str) -> None:
        """Run it on this node, or report why its container cannot start there."""
        self.manifest["spec"]["nodeName"] = node
        (container,) = self.manifest["spec"]["containers"]
        image = container["image"]
        if image not in kubelet.images:
            if "containerStatuses" not in self.manifest["status"]:
                text = f'Failed to pull image "{image}": rpc error: code = NotFound desc = {image}: not found'
                kubelet.tell(statuses.event(self.manifest, "Failed", text))
            self.set_status(
                statuses.waiting_status(self.manifest, "ImagePullBackOff", f'Back-off pulling image "{image}"')
            )
            return
        folder = kubelet.folder / self.name
        try:
            self.container = Container.start(folder, self.manifest["spec"], kubelet.sources, kubelet.account)
        except ConfigError as error:
            self.set_status(statuses.waiting_status(self.manifest, "CreateContainerConfigError", str(error)))
            return
        self.started_s = time.monotonic()
        self.set_status(statuses.running_status(self.manifest))

    def check_process(self) -> None:
        """Check whether the process has ended, should have ended by now, or is above its memory limit."""
        if self.container is None or self.has_ended:
            return
        code = self.container.process.poll()
        if code is not None:
            exit_code = 128 - code if code < 0 else code
            self.set_status(statuses.terminated_status(self.manifest, exit_code, "Error" if exit_code else "Completed"))
        elif time.monotonic() > self.kill_at_s:
            self.kill()
        elif time.monotonic() > self.started_s + self.manifest["spec"].get("activeDeadlineSeconds", float("inf")):
            self.container.end()
            self.set_status(statuses.overdue_status(self.manifest))
        elif time.monotonic() > self.memory_checked_s + MEMORY_EVERY_S:
            self.memory_checked_s = time.monotonic()
            if self.container.memory_bytes() > self.memory_limit():
                self.container.end()
                self.set_status(statuses.terminated_status(self.manifest, 137, "OOMKilled"))

    def memory_limit(self) -> float:
        """Read the memory limit in bytes."""
        (container,) = self.manifest["spec"]["containers"]
        limit = container.get("resources", {}).get("limits", {}).get("memory")
        return float(parse_quantity(limit)) if limit else float("inf")

    def terminate(self) -> None:
        """Send SIGTERM now, and SIGKILL after the grace period."""
        if self.container and not self.has_ended:
            self.container.signal(signal.SIGTERM)
            self.kill_at_s = min(self.kill_at_s, time.monotonic() + GRACE_S)

    def kill(self) -> None:
        """Kill the process, as a power cut does."""
        if self.container and not self.has_ended:
            self.container.end()
            self.set_status(statuses.terminated_status(self.manifest, 137, "Error"))

    def evict(self, message: str, tell: Callable[[Json], None]) -> None:
        """End it as the kubelet does when its node runs out of memory."""
        if self.container:
            self.container.end()
        self.set_status(statuses.evicted_status(self.manifest, message))
        tell(statuses.event(self.manifest, "Evicted", message))
