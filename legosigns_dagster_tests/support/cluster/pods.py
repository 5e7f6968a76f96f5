"""One pod from its creation to its end: scheduler, kubelet and eviction, in small steps that never wait."""

import secrets
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kubernetes.utils.quantity import parse_quantity

from legosigns_dagster_tests.support.cluster import statuses
from legosigns_dagster_tests.support.cluster.containers import ConfigError, Container, Sources
from legosigns_dagster_tests.support.cluster.manifests import Json
from legosigns_dagster_tests.support.cluster.scheduler import devices_of

GRACE_S = 30.0
MEMORY_EVERY_S = 0.5


@dataclass
class Kubelet:
    """What a node needs to run pods."""

    folder: Path
    sources: Sources
    images: set[str]
    account: Mapping[str, str]
    tell: Callable[[Json], None]


@dataclass
class Pod:
    """A pod's manifest, and its process once it runs."""

    manifest: Json
    container: Container | None = None
    deadline_s: float = float("inf")  # by the monotonic clock, when a process that was asked to end is killed
    deleted: bool = False
    seen_memory_s: float = field(default=0.0)

    @classmethod
    def of(cls, job: Json) -> "Pod":
        """The pod that the job's controller creates."""
        own, template = job["metadata"], job["spec"]["template"]
        labels = template["metadata"].get("labels", {}) | {
            "job-name": own["name"],
            "batch.kubernetes.io/job-name": own["name"],
            "controller-uid": own["uid"],
        }
        name = f"{own['name'][:57]}-{secrets.token_hex(3)[:5]}"
        about = statuses.metadata(name, own["namespace"], labels=labels)
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": dict(template["spec"])}
        return cls(manifest | {"status": statuses.pending()})

    @property
    def name(self) -> str:
        return str(self.manifest["metadata"]["name"])

    @property
    def job_name(self) -> str:
        return str(self.manifest["metadata"]["labels"]["job-name"])

    @property
    def step(self) -> str:
        """The step it is for; empty for a run's pod."""
        return str(self.manifest["metadata"]["labels"].get("dagster/op", ""))

    @property
    def phase(self) -> str:
        return str(self.manifest["status"]["phase"])

    @property
    def over(self) -> bool:
        return self.phase in ("Succeeded", "Failed")

    @property
    def devices(self) -> Counter[str]:
        return devices_of(self.manifest)

    def become(self, status: Json) -> None:
        """Take a status."""
        self.manifest = self.manifest | {"status": status}

    def unschedulable(self, message: str, tell: Callable[[Json], None]) -> None:
        """No node takes it."""
        told = self.manifest["status"]["conditions"]
        if not told or told[0]["message"] != message:
            self.become(statuses.pending(statuses.condition("PodScheduled", False, "Unschedulable", message)))
            tell(statuses.event(self.manifest, "FailedScheduling", message))

    def start(self, kubelet: Kubelet, node: str) -> None:
        """Run it on this node, or say what it waits for there."""
        self.manifest["spec"]["nodeName"] = node
        (container,) = self.manifest["spec"]["containers"]
        image = container["image"]
        if image not in kubelet.images:
            if "containerStatuses" not in self.manifest["status"]:
                text = f'Failed to pull image "{image}": rpc error: code = NotFound desc = {image}: not found'
                kubelet.tell(statuses.event(self.manifest, "Failed", text))
            self.become(statuses.waiting(self.manifest, "ImagePullBackOff", f'Back-off pulling image "{image}"'))
            return
        folder = kubelet.folder / self.name
        try:
            self.container = Container.start(folder, self.manifest["spec"], kubelet.sources, kubelet.account)
        except ConfigError as error:
            self.become(statuses.waiting(self.manifest, "CreateContainerConfigError", str(error)))
            return
        self.become(statuses.running(self.manifest))

    def watch(self) -> None:
        """See whether the process ended, outgrew its memory limit, or ignored that it was asked to end."""
        if self.container is None or self.over:
            return
        code = self.container.process.poll()
        if code is not None:
            exit_code = 128 - code if code < 0 else code
            self.become(statuses.ended(self.manifest, exit_code, "Error" if exit_code else "Completed"))
        elif time.monotonic() > self.deadline_s:
            self.kill()
        elif time.monotonic() > self.seen_memory_s + MEMORY_EVERY_S:
            self.seen_memory_s = time.monotonic()
            if self.container.memory_bytes() > self.memory_limit():
                self.container.end()
                self.become(statuses.ended(self.manifest, 137, "OOMKilled"))

    def memory_limit(self) -> float:
        (container,) = self.manifest["spec"]["containers"]
        limit = container.get("resources", {}).get("limits", {}).get("memory")
        return float(parse_quantity(limit)) if limit else float("inf")

    def ask_to_end(self) -> None:
        """SIGTERM now, SIGKILL after the grace period."""
        if self.container and not self.over:
            self.container.signal(signal.SIGTERM)
            self.deadline_s = min(self.deadline_s, time.monotonic() + GRACE_S)

    def kill(self) -> None:
        """What a power cut does to the process."""
        if self.container and not self.over:
            self.container.end()
            self.become(statuses.ended(self.manifest, 137, "Error"))

    def evict(self, message: str, tell: Callable[[Json], None]) -> None:
        """The kubelet sends it away to save its node."""
        if self.container:
            self.container.end()
        self.become(statuses.evicted(self.manifest, message))
        tell(statuses.event(self.manifest, "Evicted", message))
