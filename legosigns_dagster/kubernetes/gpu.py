"""The pod that a step runs in, as the step finds it."""

from collections.abc import Callable, Mapping

import dagster as dg


class Pod(dg.ConfigurableResource):  # type: ignore[type-arg]
    """On a laptop there is none: `kubernetes` is false, and nothing is required."""

    kubernetes: bool = False

    def require_gpu(self, devices: Mapping[str, str], sees_gpu: Callable[[], bool]) -> None:
        """A failure that is not tried again where the pod asked for a device and PyTorch sees no GPU.

        Training would take days on CPUs, and the next pod would find the same image and driver.
        """
        if self.kubernetes and devices and not sees_gpu():
            asked = " and ".join(f"{count} {name}" for name, count in devices.items())
            raise dg.Failure(
                f"the pod asked for {asked} and PyTorch sees no GPU: look whether the node's driver and the image's "
                "PyTorch fit (python -c 'import torch; print(torch.version.cuda, torch.cuda.is_available())' in the "
                "pod), or set LEGOSIGNS_GPU_COUNT to 0 to train on CPUs",
                allow_retries=False,
            )
