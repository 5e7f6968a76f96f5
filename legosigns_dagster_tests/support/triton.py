"""A real Triton on this machine, which serves ONNX files with the engine of a test's choice."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests

from legosigns_dagster_tests.support.environment import ROOT
from legosigns_dagster_tests.support.servers import free_ports

TRITON = ROOT / ".triton"
# What Triton runs. Its own backend for ONNX is not in a Python package, the one for Python is.
MODEL_HEAD = """\
import os
import numpy as np
import triton_python_backend_utils as pb_utils

class TritonPythonModel:
    def initialize(self, args):
        self.file = os.path.join(args["model_repository"], args["model_version"], "model.onnx")
        self.load()

    def execute(self, requests):
        answers = []
        for request in requests:
            tensor = pb_utils.get_input_tensor_by_name(request, "images").as_numpy()
            output = pb_utils.Tensor("output0", np.ascontiguousarray(self.run(tensor)))
            answers.append(pb_utils.InferenceResponse([output]))
        return answers
"""
ENGINES = {
    "onnxruntime": """
    def load(self):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(self.file, options, providers=["CPUExecutionProvider"])

    def run(self, tensor):
        return self.session.run(["output0"], {"images": tensor})[0]
""",
    "openvino": """
    def load(self):
        import openvino
        hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
        self.model = openvino.Core().compile_model(self.file, "CPU", hints)

    def run(self, tensor):
        return self.model({"images": tensor})["output0"]
""",
    # What a server with an unfit numpy does: it is ready, and answers nothing.
    "empty": """
    def load(self):
        pass

    def run(self, tensor):
        return np.zeros((0,), np.float32)
""",
    "float64": """
    def load(self):
        pass

    def run(self, tensor):
        return np.zeros((1, 6, 1344), np.float64)
""",
}
CONFIGURATION = """\
backend: "python"
max_batch_size: 0
input [ {{ name: "images" data_type: TYPE_FP32 dims: [ 1, 3, {size}, {size} ] }} ]
output [ {{ name: "output0" data_type: {datatype} dims: [ {output} ] }} ]
instance_group [ {{ count: {instances} kind: KIND_CPU }} ]
version_policy: {{ all {{}} }}
"""


@dataclass(frozen=True)
class Triton:
    """A running Triton.

    Attributes:
        port: Of REST.
        grpc_port: Of gRPC.
        repository: The folder of its models.
        process: The server.
    """

    port: int
    grpc_port: int
    repository: Path
    process: "subprocess.Popen[bytes]" = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def grpc_url(self) -> str:
        return f"http://127.0.0.1:{self.grpc_port}"

    def load(self, name: str) -> requests.Response:
        """Load a model, or what changed in its folder."""
        return requests.post(f"{self.url}/v2/repository/models/{name}/load", json={}, timeout=120)

    def unload(self, name: str) -> None:
        """Unload a model, and wait until it is gone."""
        requests.post(f"{self.url}/v2/repository/models/{name}/unload", json={}, timeout=60).raise_for_status()
        deadline = time.monotonic() + 30
        while requests.get(f"{self.url}/v2/models/{name}/ready", timeout=10).ok and time.monotonic() < deadline:
            time.sleep(0.1)

    def kill(self) -> None:
        """End the server as a machine that fails does."""
        self.process.kill()
        self.process.wait()


def add_version(
    repository: Path,
    name: str,
    onnx: Path,
    shapes: tuple[int, str],
    engine: str = "onnxruntime",
    version: int = 1,
    instances: int = 1,
) -> None:
    """Put a version of a model into a repository.

    `shapes`: width of the input, and the sizes of the output as text, such as "1, 6, 1344".
    """
    size, output = shapes
    folder = repository / name / str(version)
    folder.mkdir(parents=True)
    shutil.copyfile(onnx, folder / "model.onnx")
    (folder / "model.py").write_text(MODEL_HEAD + ENGINES[engine])
    datatype = "TYPE_FP64" if engine == "float64" else "TYPE_FP32"
    text = CONFIGURATION.format(size=size, output=output, datatype=datatype, instances=instances)
    (repository / name / "config.pbtxt").write_text(text)


@contextlib.contextmanager
def triton(repository: Path, models: list[str], work: Path, ports: tuple[int, int] | None = None) -> Iterator[Triton]:
    """Run a Triton with these models of a repository, on free ports. What it needs besides is in the folder `work`."""
    if not (TRITON / ".installed").exists():
        raise RuntimeError(f"{TRITON} is missing: `make test` installs it")
    port, grpc_port = ports or free_ports(2)
    command, environment = triton_command(repository, models, work, port, grpc_port)
    log = work / "triton.log"
    with log.open("wb") as stream:
        # In its own session: Ctrl-C then reaches this process alone, which ends the server in order.
        process = subprocess.Popen(
            command, env=environment, stdout=stream, stderr=stream, cwd=work, start_new_session=True
        )
    server = Triton(port, grpc_port, repository, process)
    try:
        wait_until_ready(server, log)
        yield server
    finally:
        stop(process)


def triton_command(
    repository: Path, models: list[str], work: Path, port: int, grpc_port: int
) -> tuple[list[str], dict[str, str]]:
    """The command that starts it, and its environment."""
    packages = TRITON.resolve() / "lib" / "python3.11" / "site-packages"
    own = packages / "pytriton" / "tritonserver"
    backends = work / "backends"
    if not backends.exists():
        shutil.copytree(own / "backends" / "python", backends / "python")
        stub = own / "python_backend_stubs" / "3.11" / "triton_python_backend_stub"
        shutil.copy2(stub, backends / "python" / stub.name)
    command = [str(own / "bin" / "tritonserver"), f"--model-repository={repository.resolve()}",
               f"--backend-directory={backends.resolve()}", "--http-address=127.0.0.1", f"--http-port={port}",
               "--grpc-address=127.0.0.1", f"--grpc-port={grpc_port}", "--allow-metrics=false",
               "--model-control-mode=explicit", "--disable-auto-complete-config", "--exit-on-error=false",
               "--exit-timeout-secs=5",
               *(f"--load-model={name}" for name in models)]  # fmt: skip
    environment = {
        "LD_LIBRARY_PATH": str(packages / "nvidia_pytriton.libs"),
        "PYTHONPATH": str(packages),
        "PATH": f"{TRITON.resolve() / 'bin'}:/usr/bin:/bin",
        "HOME": str(work),
        "TMPDIR": str(work),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
    }
    return command, environment


def wait_until_ready(server: Triton, log: Path) -> None:
    """Wait until it answers.

    Raises:
        RuntimeError: It stopped, or took two minutes. The message has the end of its log.
    """
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.process.poll() is None:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{server.url}/v2/health/live", timeout=2).ok:
                return
        time.sleep(0.1)
    raise RuntimeError(f"Triton did not start: {log.read_text(errors='replace')[-2000:]}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop it as Ctrl-C does, by force if it does not stop within 40 seconds."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(40)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # A server that was killed leaves the processes of its models, which are in its group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
