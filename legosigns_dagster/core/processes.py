"""Who holds something in a store: a process, of which others on its machine can tell whether it has ended."""

import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProcessId:
    """A process, told apart from later ones with the same number and from those of other machines.

    Attributes:
        host: The machine's or the container's name.
        machine: The machine's boot, and the container's own numbers of processes.
        pid: The process's number.
        started: When it started, in clock ticks since that boot.
        since_s: When it took what it holds, in seconds since 1970, by its own clock.
    """

    host: str
    machine: str
    pid: int
    started: str
    since_s: float

    @classmethod
    def current(cls) -> "ProcessId":
        """Identify this process."""
        return cls(socket.gethostname(), this_machine(), os.getpid(), start_time(os.getpid()), time.time())

    @classmethod
    def from_json(cls, content: bytes) -> "ProcessId | None":
        """Read what `to_json` wrote. None for anything else, such as what an earlier release wrote."""
        try:
            return cls(**json.loads(content))
        except (ValueError, TypeError):
            return None

    def to_json(self) -> bytes:
        """Write it for a store."""
        return json.dumps(asdict(self)).encode()

    def has_ended(self) -> bool:
        """Tell whether it certainly has. Nothing is known of processes of other machines and containers."""
        return self.machine != "" and self.machine == this_machine() and start_time(self.pid) != self.started

    def __str__(self) -> str:
        """Name it for people."""
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.since_s))
        return f"process {self.pid} on {self.host}, since {since}"


def this_machine() -> str:
    """Identify this boot of this machine and this container. Empty where Linux does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def start_time(pid: int) -> str:
    """Read when a process started, in clock ticks since the boot. Empty for one that has ended."""
    try:
        # Behind the name, which may have any character: the state, and 19 fields later the start.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]
