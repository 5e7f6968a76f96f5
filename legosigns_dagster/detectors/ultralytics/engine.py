"""A network of Ultralytics as an engine, which answers as the exported model does."""

from typing import Any

import numpy as np

from legosigns_dagster.core.inference.prepare import Engine, Tensor


def make_engine(network: Any) -> Engine:
    """Prepare a network to be asked, on the GPU where there is one."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.float().to(device).eval()
    network.fuse(verbose=False)

    def ask(tensor: Tensor) -> Tensor:
        # TF32 keeps 10 bits of 23: boxes would lie beside those of the engines that serve.
        with torch.inference_mode(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            output = network(torch.from_numpy(tensor).to(device))
        return np.asarray((output[0] if isinstance(output, tuple) else output).cpu(), np.float32)

    return ask
