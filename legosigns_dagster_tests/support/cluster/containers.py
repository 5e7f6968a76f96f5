"""A container without an image: a process in its own folder, with the environment of the pod's spec."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from legosigns_dagster_tests.support.cluster.manifests import Json

# Paths that each container has for itself. A process has no root folder of its own, so they lie below its folder.
OWN_PATHS = ["/tmp", "/opt/dagster"]
PROGRAMS = str(Path(sys.executable).parent)


class ConfigError(Exception):
    """The spec refers to something that does not exist: the kubelet's CreateContainerConfigError."""


@dataclass
class Sources:
    """The secrets and config maps of the cluster.

    Attributes:
        secrets: The keys and values of each secret, by its name.
        config_maps: The keys and values of each config map, by its name.
    """

    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    config_maps: dict[str, dict[str, str]] = field(default_factory=dict)

    def secret(self, name: str) -> Mapping[str, str]:
        """Look up a secret. ConfigError: there is none of this name."""
        if name not in self.secrets:
            raise ConfigError(f'secret "{name}" not found')
        return self.secrets[name]

    def config_map(self, name: str) -> Mapping[str, str]:
        """Look up a config map. ConfigError: there is none of this name."""
        if name not in self.config_maps:
            raise ConfigError(f'configmap "{name}" not found')
        return self.config_maps[name]


def container_environment(container: Json, sources: Sources) -> dict[str, str]:
    """Collect the variables of a container's spec. Of two with one name the later counts, as in Kubernetes."""
    variables: dict[str, str] = {}
    for entry in container.get("envFrom", []):
        if "secretRef" in entry:
            variables |= sources.secret(entry["secretRef"]["name"])
        else:
            variables |= sources.config_map(entry["configMapRef"]["name"])
    for entry in container.get("env", []):
        reference = entry.get("valueFrom", {})
        value = expand(entry["value"], variables) if "value" in entry else resolve_reference(reference, sources)
        variables[entry["name"]] = value
    return variables


def expand(value: str, earlier: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by the variable of this name of `envFrom`, or earlier in `env`. Any other stays as it is."""
    return re.sub(r"\$\(([A-Za-z_]\w*)\)", lambda found: earlier.get(found[1], found[0]), value)


def resolve_reference(reference: Json, sources: Sources) -> str:
    """Look up the value that `valueFrom` refers to."""
    if "secretKeyRef" in reference:
        keys, key = sources.secret(reference["secretKeyRef"]["name"]), reference["secretKeyRef"]["key"]
    elif "configMapKeyRef" in reference:
        keys, key = sources.config_map(reference["configMapKeyRef"]["name"]), reference["configMapKeyRef"]["key"]
    else:
        raise NotImplementedError(f"the stand-in does not know this source of a variable: {reference}")
    if key not in keys:
        raise ConfigError(f"couldn't find key {key}")
    return keys[key]


@dataclass
class Container:
    """A running container of a pod.

    Attributes:
        folder: What would be its root folder.
        pod_spec: The spec of its pod.
        process: Its process on this machine.
    """

    folder: Path
    pod_spec: Json
    process: "subprocess.Popen[bytes]"

    @classmethod
    def start(cls, folder: Path, pod_spec: Json, sources: Sources, account: Mapping[str, str]) -> "Container":
        """Run the command of the pod's only container.

        Raises:
            ConfigError: The spec refers to something that does not exist. Nothing was started.
        """
        (container,) = pod_spec["containers"]
        variables = container_environment(container, sources)
        mounts = {mount["mountPath"]: mount for mount in container.get("volumeMounts", [])}
        volumes = {volume["name"]: volume for volume in pod_spec.get("volumes", [])}
        for path, mount in mounts.items():
            fill_volume(relocate(path, folder, [path]), mount, volumes[mount["name"]], sources)
        own = OWN_PATHS + list(mounts)
        variables = {name: relocate(value, folder, own) for name, value in variables.items()}
        for name in ("work", "tmp", "opt/dagster/dagster_home"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        # What a container has besides its spec: the PATH of the image, its own /tmp, a service account.
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
        """Kill it and wait until it is gone."""
        self.signal(signal.SIGKILL)
        self.process.wait()

    def memory_bytes(self) -> int:
        """Measure what a memory limit counts, in bytes: not the pages of files, which the kernel can drop."""
        try:
            parent = psutil.Process(self.process.pid)
            processes = [parent, *parent.children(recursive=True)]
            return sum(process.memory_info().rss - process.memory_info().shared for process in processes)
        except psutil.NoSuchProcess:
            return 0

    def log(self) -> str:
        """Read what it has printed."""
        return (self.folder / "log").read_text(encoding="utf-8", errors="replace")


def relocate(value: str, folder: Path, own: list[str]) -> str:
    """Put a path that is one of the container's own below its folder. Any other value stays as it is."""
    inside = any(value == path or value.startswith(f"{path}/") for path in own)
    return f"{folder}{value}" if inside else value


def fill_volume(path: str, mount: Json, volume: Json, sources: Sources) -> None:
    """Write a volume's files where it is mounted."""
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
