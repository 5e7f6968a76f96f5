"""A container without an image: a process in a folder of its own, with the environment of the pod's spec."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from legosigns_dagster_tests.support.cluster.manifests import Json

# Paths that belong to the container alone. A process has no root of its own, so they are moved below its folder.
OWN_PATHS = ["/tmp", "/opt/dagster"]
PROGRAMS = str(Path(sys.executable).parent)


class ConfigError(Exception):
    """The kubelet's CreateContainerConfigError: something that the spec refers to is not there."""


@dataclass
class Sources:
    """The secrets and config maps of the cluster, name to keys."""

    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    config_maps: dict[str, dict[str, str]] = field(default_factory=dict)

    def secret(self, name: str) -> Mapping[str, str]:
        if name not in self.secrets:
            raise ConfigError(f'secret "{name}" not found')
        return self.secrets[name]

    def config_map(self, name: str) -> Mapping[str, str]:
        if name not in self.config_maps:
            raise ConfigError(f'configmap "{name}" not found')
        return self.config_maps[name]


def environment_of(container: Json, sources: Sources) -> dict[str, str]:
    """The variables that the spec gives, in Kubernetes' order: the later one of a name wins."""
    found: dict[str, str] = {}
    for entry in container.get("envFrom", []):
        if "secretRef" in entry:
            found |= sources.secret(entry["secretRef"]["name"])
        else:
            found |= sources.config_map(entry["configMapRef"]["name"])
    for entry in container.get("env", []):
        found[entry["name"]] = entry["value"] if "value" in entry else referred(entry.get("valueFrom", {}), sources)
    return found


def referred(origin: Json, sources: Sources) -> str:
    """The value that `valueFrom` points at."""
    if "secretKeyRef" in origin:
        keys, key = sources.secret(origin["secretKeyRef"]["name"]), origin["secretKeyRef"]["key"]
    elif "configMapKeyRef" in origin:
        keys, key = sources.config_map(origin["configMapKeyRef"]["name"]), origin["configMapKeyRef"]["key"]
    else:
        raise NotImplementedError(f"the stand-in does not know this origin of a variable: {origin}")
    if key not in keys:
        raise ConfigError(f"couldn't find key {key}")
    return keys[key]


@dataclass
class Container:
    """One container of a pod, on this machine."""

    folder: Path
    pod_spec: Json
    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls, folder: Path, pod_spec: Json, sources: Sources, account: Mapping[str, str]) -> "Container":
        """Run the command; ConfigError, before anything runs, when the spec refers to what is not there."""
        (container,) = pod_spec["containers"]
        variables = environment_of(container, sources)
        mounts = {mount["mountPath"]: mount for mount in container.get("volumeMounts", [])}
        volumes = {volume["name"]: volume for volume in pod_spec.get("volumes", [])}
        for path, mount in mounts.items():
            fill(moved(path, folder, [path]), mount, volumes[mount["name"]], sources)
        own = OWN_PATHS + list(mounts)
        variables = {name: str(moved(value, folder, own)) for name, value in variables.items()}
        for name in ("work", "tmp", "opt/dagster/dagster_home"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        # What every container has besides its spec: the image's PATH, a /tmp of its own, a service account.
        variables |= {"PATH": f"{PROGRAMS}:/usr/bin:/bin", "TMPDIR": str(folder / "tmp")}
        if pod_spec.get("automountServiceAccountToken", True):
            variables |= account
        command = [*container.get("command", []), *container.get("args", [])]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, env=variables, cwd=folder / "work", stdout=log, stderr=log, start_new_session=True
            )
        return cls(folder, pod_spec, process)

    def signal(self, number: int) -> None:
        """Send a signal to the process and all it started."""
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            return

    def end(self) -> None:
        """End it at once and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def memory_bytes(self) -> int:
        """What a memory limit counts of it: not the pages of files, which the kernel can drop."""
        try:
            first = psutil.Process(self.process.pid)
            every = [first, *first.children(recursive=True)]
            return sum(one.memory_info().rss - one.memory_info().shared for one in every)
        except psutil.NoSuchProcess:
            return 0

    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")


def moved(value: str, folder: Path, own: list[str]) -> str:
    """The value; where it is one of the container's own paths, that path below the container's folder."""
    inside = any(value == path or value.startswith(f"{path}/") for path in own)
    return f"{folder}{value}" if inside else value


def fill(path: str, mount: Json, volume: Json, sources: Sources) -> None:
    """Put a volume's files where it is mounted."""
    if "emptyDir" in volume:
        Path(path).mkdir(parents=True, exist_ok=True)
        return
    if "configMap" in volume:
        files = sources.config_map(volume["configMap"]["name"])
    elif "secret" in volume:
        files = sources.secret(volume["secret"]["secretName"])
    else:
        raise NotImplementedError(f"the stand-in does not know this volume: {volume}")
    if "subPath" in mount:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(files[mount["subPath"]], encoding="utf-8")
        return
    Path(path).mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (Path(path) / name).write_text(text, encoding="utf-8")
